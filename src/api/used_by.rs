//! GET of what uses one stage: the flows of its `flow_set`.

use uuid::Uuid;

use super::{answer::Answer, context::Context, error::Error};
use crate::{contract::document::UsedByDocument, stage::flow::Flow};

/// Answers with the flows that a stage is bound to, or with an empty list for callers who may not
/// view flows.
///
/// # Errors
///
/// See the status beside each line.
pub async fn used_by(cx: &Context<'_>, stage: Uuid) -> Result<Answer, Error> {
    let may = cx.caller.may_view(stage)?; // 403, 404
    let stored = cx.session.retrieve(&may).await?.ok_or(Error::NotFound)?; // 404
    let mut flows: Vec<&Flow> = Vec::new();
    if cx.caller.can_view_flows() {
        flows.extend(stored.stage.flow_set());
    }
    flows.sort_unstable_by_key(|flow| flow.pk);
    let entries: Vec<_> = flows.into_iter().map(UsedByDocument).collect();
    Answer::body(&entries)
}
