//! PUT and PATCH of one stage.

use uuid::Uuid;

use super::{answer::Answer, context::Context, error::Error};
use crate::{stage::patch::Completeness, store::Updated};

/// Changes a stage.
///
/// # Errors
///
/// See the status beside each line.
pub async fn update(cx: &Context<'_>, stage: Uuid, needs: Completeness) -> Result<Answer, Error> {
    let may = cx.caller.may_change(stage)?; // 403, 404
    let body = cx.body()?; // 413, 415, 400
    let preconditions = cx.preconditions()?; // 400
    let patch = match cx.patch(body, needs) {
        Ok(patch) => patch,
        Err(rejected) => {
            // 400: reports the body's and the table's errors together. Boxed, so that the reads
            // take no space in every request's future.
            let found = Box::pin(cx.session.verify_update(&may, &rejected.accepted)).await?;
            return Err(Error::Invalid(rejected.problems.with(found)));
        }
    };
    match cx.session.update(&may, &patch, &preconditions).await? {
        Updated::Done(stored) => Ok(Answer::stage(cx, stored)),
        Updated::Missing => Err(Error::NotFound),
        Updated::PreconditionFailed => Err(Error::PreconditionFailed),
        Updated::Invalid(problems) => Err(Error::Invalid(problems)),
        Updated::Conflict => Err(Error::Conflict),
    }
}
