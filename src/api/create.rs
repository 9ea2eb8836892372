//! POST of a new stage.

use super::{answer::Answer, context::Context, error::Error};
use crate::{stage::patch::Completeness, store::Inserted};

/// Creates a stage.
///
/// # Errors
///
/// See the status beside each line.
pub async fn create(cx: &Context<'_>) -> Result<Answer, Error> {
    let may = cx.caller.may_add()?; // 403
    let body = cx.body()?; // 413, 415, 400
    let preconditions = cx.preconditions()?; // 400
    let patch = match cx.patch(body, Completeness::Full) {
        Ok(patch) => patch,
        Err(rejected) => {
            // 400: reports the body's and the table's errors together.
            let found = cx.session.verify_insert(&may, &rejected.accepted).await?;
            return Err(Error::Invalid(rejected.problems.with(found)));
        }
    };
    if !preconditions.allow_change(None) {
        return Err(Error::PreconditionFailed); // 412: there is no stage yet that could match
    }
    match cx.session.insert(&may, &patch).await? {
        Inserted::Done(stored) => {
            // The caller has just sent the secrets: they are shown unless hidden from all callers.
            Ok(Answer::Created { stored, shows_secrets: cx.secrets.shown(true) })
        }
        Inserted::Invalid(problems) => Err(Error::Invalid(problems)),
        Inserted::Conflict => Err(Error::Conflict),
    }
}
