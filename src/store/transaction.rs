//! Transactions, whose parts have roles. Only this module builds them, and only this module reads
//! the reasons why one was cancelled.

#[cfg(feature = "local")]
mod as_read;
mod condition;
mod parts;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};
use uuid::Uuid;

use super::{
    error::StoreError,
    item::{self, Item},
    session::Session,
};
use crate::stage::{
    field::Field,
    problem::{FieldProblems, Problem, Problems},
    version::Stored,
};

/// The words in DynamoDB's message if an item would be too large. That error has no code of its
/// own: it is a plain `ValidationException`.
const TOO_LARGE: &str = "Item size";

/// The purpose of a part of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// Writes the stage, or deletes it.
    Stage,
    /// Takes the lock of the stage's name.
    NewName,
    /// Frees the lock of the stage's old name.
    OldName,
    /// Requires that the row of a field's new reference exist. A message quotes the row's key in
    /// this spelling.
    Reference(Field, String),
    /// Requires that the flow to which the stage still refers have a row.
    KeptFlow(Uuid),
    /// Requires that the flow to which the stage no longer refers still have no row.
    ClearedFlow,
    /// Repairs a broken lock of a name.
    #[cfg(feature = "local")]
    BrokenLock,
}

/// The outcome of a transaction.
pub(super) enum Outcome {
    /// All of it was written.
    Done,
    /// The stage does not meet the transaction's condition; this is the stage, if it exists.
    StageRefused(Option<Box<Stored>>),
    /// The change has these problems.
    Invalid(Problems),
    /// The stage still refers to this flow, which has no row.
    MissingFlow(Uuid),
    /// The stage does not own the lock of its old name, or the lock cannot be read.
    ForeignLock,
    /// An item would be too large.
    TooLarge,
    /// Another writer was writing the same items.
    Conflict,
    /// The table had no capacity left; this is the reason's code.
    Throttled(String),
}

/// A transaction's parts, each with its role, in the order of DynamoDB's cancellation reasons.
pub(super) struct Transaction<'t> {
    table: &'t str,
    parts: Vec<(Role, TransactWriteItem)>,
}

impl<'t> Transaction<'t> {
    pub(super) fn new(session: &Session<'t>) -> Self {
        Self { table: &session.table.name, parts: Vec::with_capacity(5) }
    }

    fn push(&mut self, role: Role, part: TransactWriteItem) {
        self.parts.push((role, part));
    }

    /// Sends the transaction. `attempt` gives it a different token from the request's other
    /// attempts, since their content may differ.
    pub(super) async fn send(
        self,
        session: &Session<'_>,
        attempt: u32,
    ) -> Result<Outcome, StoreError> {
        let (roles, items): (Vec<_>, Vec<_>) = self.parts.into_iter().unzip();
        session.count_call();
        let request = session.table.client.transact_write_items().set_transact_items(Some(items));
        let token = format!("{}{attempt:02}", session.write_id());
        let error = match request.client_request_token(token).send().await {
            Ok(_) => return Ok(Outcome::Done),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                read_reasons(&roles, cancelled.cancellation_reasons())
            }
            // The same transaction, sent before, is still in progress: the next read of the item
            // may show that it was applied.
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                session.table.watch.note_lost();
                Ok(Outcome::Conflict)
            }
            // The size of a `Put` is known from the request, so DynamoDB checks it before the
            // transaction begins.
            _ if is_refused_for_size(&error) => Ok(Outcome::TooLarge),
            _ => Err(StoreError::from_sdk("TransactWriteItems", &error)),
        }
    }
}

/// Reads why a transaction was cancelled. A conflict takes precedence over validation errors, which
/// may no longer apply once the stage has changed.
fn read_reasons(roles: &[Role], reasons: &[CancellationReason]) -> Result<Outcome, StoreError> {
    let mut problems = BTreeMap::new();
    let mut missing_flow = None;
    let mut has_other_owner = false;
    let mut conflict = None;
    for (role, reason) in roles.iter().zip(reasons) {
        match (reason.code().unwrap_or("None"), role) {
            ("None", _) => {}
            ("ConditionalCheckFailed", Role::Stage) => return stage_refused(reason.item()),
            ("ConditionalCheckFailed", Role::OldName) => has_other_owner = true,
            ("ConditionalCheckFailed", Role::KeptFlow(flow)) => missing_flow = Some(*flow),
            ("ConditionalCheckFailed", Role::ClearedFlow) => conflict = Some(Outcome::Conflict),
            #[cfg(feature = "local")]
            ("ConditionalCheckFailed", Role::BrokenLock) => conflict = Some(Outcome::Conflict),
            ("ConditionalCheckFailed", Role::NewName) => {
                problems.insert(Field::NAME, one(Problem::NameTaken));
            }
            ("ConditionalCheckFailed", Role::Reference(field, sent)) => {
                problems.insert(*field, one(Problem::NoSuchRow(sent.clone())));
            }
            // The SDK retries none of these.
            ("TransactionConflict", _) => conflict = Some(Outcome::Conflict),
            (code @ ("ThrottlingError" | "ProvisionedThroughputExceeded"), _) => {
                conflict = Some(Outcome::Throttled(code.to_owned()));
            }
            ("ValidationError", _) if is_too_large(reason.message()) => {
                return Ok(Outcome::TooLarge);
            }
            (code, _) => return Err(cancelled(code)),
        }
    }
    Ok(match (conflict, missing_flow) {
        (Some(conflict), _) => conflict,
        // The stage has not changed since it was read, yet it does not own the lock of its name:
        // something other than this program changed the table.
        _ if has_other_owner => Outcome::ForeignLock,
        _ if !problems.is_empty() => Outcome::Invalid(Problems::Fields(problems)),
        (None, Some(flow)) => Outcome::MissingFlow(flow),
        (None, None) => Outcome::Conflict,
    })
}

/// The outcome if the condition on the stage does not hold; `item` is the stage's, if it exists.
pub(super) fn stage_refused(item: Option<&Item>) -> Result<Outcome, StoreError> {
    let there = item.cloned().filter(|item| !item.is_empty());
    let stored = there.map(item::read_stage).transpose();
    let stored = stored.map_err(|error| StoreError::unreadable(&error))?;
    Ok(Outcome::StageRefused(stored.map(Box::new)))
}

fn one(problem: Problem) -> FieldProblems {
    FieldProblems::Field(vec![problem])
}

/// The failure that [`Outcome::ForeignLock`] is for a client.
pub(super) fn foreign_lock() -> StoreError {
    cancelled("the stage does not own the lock of its name, or the lock cannot be read")
}

fn cancelled(why: &str) -> StoreError {
    StoreError::permanent("TransactWriteItems", format!("cancelled: {why}"))
}

/// Whether a request as a whole was refused because an item would be too large.
pub(super) fn is_refused_for_size(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationException") && is_too_large(error.message())
}

fn is_too_large(message: Option<&str>) -> bool {
    message.is_some_and(|message| message.contains(TOO_LARGE))
}
