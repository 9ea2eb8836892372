//! The stage that a command works on, by its UUID. If a name is given, the failure says its UUID.

use authenticator_sms_stage::{import::quote::quoted, store::Table};
use uuid::Uuid;

use crate::{advice, output::Failure};

/// Reads a stage's UUID.
pub async fn resolve(table: &Table, text: &str) -> Result<Uuid, Failure> {
    if let Ok(uuid) = Uuid::try_parse(text) {
        return Ok(uuid);
    }
    let found = table.session().find_by_name(text).await;
    let shown = quoted(text);
    let found = found.map_err(|error| {
        advice::failure(format!("{shown} is not a UUID and cannot be looked up as a name"), &error)
    })?;
    Err(Failure(match found {
        Some(uuid) => format!("{shown} is the name of the stage {uuid}; use that UUID"),
        None => format!(
            "{shown} is not a UUID, and no stage has that name; `sms-stage list` shows the UUIDs"
        ),
    }))
}
