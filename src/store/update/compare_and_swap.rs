//! A change that depends on the stored stage: read, apply, and write on the condition that the item
//! has not changed since the read; if it has, start again.

use aws_sdk_dynamodb::types::ReturnValue;
use uuid::Uuid;

use super::{
    in_place::{Refusal, refusal},
    outcome::Updated,
};
use crate::{
    http::precondition::Preconditions,
    stage::{
        apply::Transition,
        patch::Patch,
        problem::{Problem, Problems},
        size,
        version::Stored,
    },
    store::{
        error::StoreError,
        expression::StageUpdate,
        item,
        item_size::{self, ITEM_BYTES_MAX},
        retry::{self, TRIES_MAX},
        session::Session,
        session::entity_tag,
        transaction::{self, Outcome, Transaction},
    },
};

/// The outcome of one write after a read.
enum Swap {
    /// It was made, now or in an attempt whose answer was lost.
    Done(Box<Stored>),
    /// The change has these problems.
    Invalid(Problems),
    /// The flow that leaves `flow_set` has no row: the stage can no longer refer to it.
    MissingFlow(Uuid),
    /// Another writer came first.
    Conflict,
    /// The table had no capacity left; this is the reason's code.
    Throttled(String),
}

impl Session<'_> {
    /// Reads, applies and writes, with retries, starting from `seen` if it is given.
    pub(super) async fn compare_and_swap(
        &self,
        stage: Uuid,
        patch: &Patch,
        preconditions: &Preconditions,
        seen: Option<Box<Stored>>,
    ) -> Result<Updated, StoreError> {
        let mut next = match seen {
            Some(seen) => Some(*seen),
            None => self.stage(stage).await?,
        };
        let mut missing_flow = None;
        let mut throttled = None;
        for attempt in 1..=TRIES_MAX {
            let Some(seen) = next else {
                return Ok(Updated::Missing);
            };
            if self.is_written(&seen) {
                return Ok(Updated::Done(Box::new(seen)));
            }
            if !preconditions.allow_change(Some(&entity_tag(&seen.version))) {
                return Ok(Updated::PreconditionFailed);
            }
            if patch.is_empty() {
                return Ok(Updated::Done(Box::new(seen)));
            }
            let transition = match Transition::new(&seen.stage, patch, missing_flow) {
                Ok(transition) => transition,
                Err(problems) => {
                    // The client gets all problems at once, also those that only the table shows.
                    let found = self.verify(Some(stage), patch).await?;
                    return Ok(Updated::Invalid(problems.with(found)));
                }
            };
            match self.swap(&seen, transition, patch, attempt).await? {
                Swap::Done(stored) => return Ok(Updated::Done(stored)),
                Swap::Invalid(problems) => return Ok(Updated::Invalid(problems)),
                Swap::MissingFlow(flow) => {
                    // No other writer came first, so `seen` is still current.
                    missing_flow = Some(flow);
                    next = Some(seen);
                    continue;
                }
                Swap::Conflict => throttled = None,
                Swap::Throttled(code) => throttled = Some(code),
            }
            retry::pause(attempt).await;
            next = self.stage(stage).await?;
        }
        match (next, throttled) {
            (Some(seen), _) if self.is_written(&seen) => Ok(Updated::Done(Box::new(seen))),
            (None, _) => Ok(Updated::Missing),
            (Some(_), None) => Ok(Updated::Conflict),
            (Some(_), Some(code)) => Err(StoreError::retryable("TransactWriteItems", code)),
        }
    }

    /// Writes the transition, if the newest write is still the one that was read.
    async fn swap(
        &self,
        seen: &Stored,
        transition: Transition,
        patch: &Patch,
        attempt: u32,
    ) -> Result<Swap, StoreError> {
        let mut update = StageUpdate::by(self.write_id());
        update.require_newest_write(seen.version.newest_write_id());
        for field in &transition.fields {
            update.set(field.as_str(), item::attribute(transition.stage.get(*field)));
        }
        let version = seen.version.next(self.write_id());
        let written = Box::new(Stored { stage: transition.stage.clone(), version });
        let too_large = || {
            let field = size::largest_field(&written.stage, patch.fields());
            Swap::Invalid((field, Problem::TooLarge).into())
        };
        // Checked before sending: DynamoDB refuses a large request before it looks for the item.
        if item_size::item_bytes(&item::stage_item(&written)) > ITEM_BYTES_MAX {
            return Ok(too_large());
        }
        let outcome = if transition.needs_transaction() {
            self.swap_in_transaction(seen, &transition, update, attempt).await?
        } else {
            match self.update_item(seen.stage.uuid, update, ReturnValue::None).await {
                Ok(_) => Outcome::Done,
                Err(error) => match refusal(&error)? {
                    Refusal::TooLarge => Outcome::TooLarge,
                    Refusal::Conflict => Outcome::Conflict,
                    Refusal::Condition(item) => {
                        let there = item.map(item::read_stage).transpose();
                        let there = there.map_err(|error| StoreError::unreadable(&error))?;
                        Outcome::StageRefused(there.map(Box::new))
                    }
                },
            }
        };
        Ok(match outcome {
            Outcome::Done => Swap::Done(written),
            Outcome::StageRefused(Some(there)) if self.is_written(&there) => Swap::Done(there),
            // Changed or deleted since it was read; the next read shows which.
            Outcome::StageRefused(_) | Outcome::Conflict => Swap::Conflict,
            Outcome::Invalid(problems) => {
                Swap::Invalid(transaction::spelled(problems, |field| patch.spelling(field)))
            }
            Outcome::MissingFlow(flow) => Swap::MissingFlow(flow),
            Outcome::TooLarge => too_large(),
            Outcome::Throttled(code) => Swap::Throttled(code),
        })
    }

    async fn swap_in_transaction(
        &self,
        seen: &Stored,
        transition: &Transition,
        update: StageUpdate,
        attempt: u32,
    ) -> Result<Outcome, StoreError> {
        let mut transaction = Transaction::new(self);
        transaction.update_stage(seen.stage.uuid, update)?;
        if transition.renames {
            transaction.take_name(&transition.stage)?;
            transaction.free_name(&seen.stage)?;
        }
        for (field, row) in &transition.new_references {
            transaction.require_row(*field, *row)?;
        }
        if let Some(flow) = transition.kept_flow {
            transaction.require_kept_flow(flow)?;
        }
        transaction.send(self, attempt).await
    }
}
