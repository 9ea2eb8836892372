//! The function's answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// An answer, in one form for all triggers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; null if there is none.
    pub body: Value,
}

impl Answer {
    /// Parses the value that the function returns to Lambda.
    pub fn read(answer: &Value) -> Self {
        let mut headers = BTreeMap::new();
        for kind in ["headers", "multiValueHeaders"] {
            for (name, value) in answer[kind].as_object().into_iter().flatten() {
                let value = value.as_array().map_or(value, |values| &values[0]);
                headers.insert(name.to_lowercase(), value.as_str().unwrap().to_owned());
            }
        }
        Self {
            status: answer["statusCode"].as_u64().unwrap().try_into().unwrap(),
            headers,
            body: answer["body"]
                .as_str()
                .filter(|body| !body.is_empty())
                .map_or(Value::Null, |body| serde_json::from_str(body).unwrap()),
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The status and the body, for comparing both at once.
    pub fn status_and_body(&self) -> (u16, Value) {
        (self.status, self.body.clone())
    }
}

/// The body of an error that is not about fields.
pub fn detail(code: &str, text: &str) -> Value {
    json!({"detail": text, "code": code})
}

/// The status and body of an answer that refuses these fields.
pub fn invalid(fields: Value) -> (u16, Value) {
    let mut body = fields;
    body["code"] = "invalid".into();
    (400, body)
}

/// The message for a name that another stage has.
pub const NAME_TAKEN: &str = "stage with this name already exists.";
/// The message for a value that makes the item too large.
pub const TOO_LARGE: &str = "This value makes the stage larger than the 400 KB that can be stored.";

/// The message for a reference to something that does not exist.
pub fn does_not_exist(key: &str) -> String {
    format!("Invalid pk \"{key}\" - object does not exist.")
}

/// The status and body for a stage that does not exist.
pub fn not_found() -> (u16, Value) {
    (404, detail("not_found", "No AuthenticatorSMSStage matches the given query."))
}
