//! DELETE of one stage.

use uuid::Uuid;

use super::{answer::Answer, context::Context, error::Error};
use crate::store::Deleted;

/// Deletes a stage and frees its name. A body is ignored.
///
/// # Errors
///
/// See the status beside each line.
pub async fn destroy(cx: &Context<'_>, stage: Uuid) -> Result<Answer, Error> {
    let may = cx.caller.may_delete(stage)?; // 403, 404
    let preconditions = cx.preconditions()?; // 400
    match cx.session.delete(&may, &preconditions).await? {
        Deleted::Done(stored) => Ok(Answer::Deleted(stored.version)),
        Deleted::Missing => Err(Error::NotFound),
        Deleted::PreconditionFailed => Err(Error::PreconditionFailed),
        Deleted::Conflict => Err(Error::Conflict),
    }
}
