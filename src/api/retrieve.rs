//! GET of one stage.

use uuid::Uuid;

use super::{answer::Answer, context::Context, error::Error};
use crate::{http::precondition::ReadOutcome, store::entity_tag};

/// Answers with a stage.
///
/// # Errors
///
/// See the status beside each line.
pub async fn retrieve(cx: &Context<'_>, stage: Uuid) -> Result<Answer, Error> {
    let may = cx.caller.may_view(stage)?; // 403, 404
    let preconditions = cx.preconditions()?; // 400
    let stored = cx.session.retrieve(&may).await?.ok_or(Error::NotFound)?; // 404
    let tag = entity_tag(&stored.version);
    match preconditions.on_read(Some(&tag)) {
        ReadOutcome::Proceed => Ok(Answer::stage(cx, Box::new(stored))),
        ReadOutcome::NotModified => Ok(Answer::NotModified(stored.version)), // 304
        ReadOutcome::Failed => Err(Error::PreconditionFailed),               // 412
    }
}
