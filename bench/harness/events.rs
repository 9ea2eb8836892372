//! Events that create a stage and delete it.

use serde_json::{Value as Json, json};

use crate::{Failure, table::event};

/// The event of a request that creates a stage with this name.
pub fn create_event(name: &str) -> Result<String, Failure> {
    let body = json!({
        "name": name,
        "provider": "twilio",
        "from_number": "+15005550006",
        "account_sid": "AC00000000000000000000000000000001",
        "auth": "an-auth-token",
    });
    event("POST", None, "", Some(&body))
}

/// The key of the stage in a function's answer.
pub fn stage_key(answer: &str) -> Result<String, Failure> {
    let answer: Json = serde_json::from_str(answer)?;
    let body = answer.get("body").and_then(Json::as_str).unwrap_or_default();
    let stage: Json = serde_json::from_str(body)?;
    let key = stage.get("pk").and_then(Json::as_str);
    key.map(str::to_owned).ok_or_else(|| "the answer is not a stage".into())
}
