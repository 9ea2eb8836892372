//! A change that depends on the stored stage: read, apply, and write on the condition that the item
//! has not changed since the read; if it has, start again.

use aws_sdk_dynamodb::types::ReturnValue;
use uuid::Uuid;

use super::{in_place::refusal, outcome::Updated};
use crate::{
    http::precondition::Preconditions,
    stage::{apply::Transition, patch::Patch, size, version::Stored},
    store::{
        error::StoreError,
        expression::StageUpdate,
        item,
        item_size::{self, ITEM_BYTES_MAX},
        retry::Tries,
        session::{Session, entity_tag},
        transaction::{Outcome, Transaction},
    },
};

impl Session<'_> {
    /// Reads, applies and writes, with retries, starting from `seen` if it is given.
    pub(super) async fn compare_and_swap(
        &self,
        stage: Uuid,
        patch: &Patch,
        preconditions: &Preconditions,
        mut seen: Option<Box<Stored>>,
    ) -> Result<Updated, StoreError> {
        let mut missing_flow = None;
        let mut tries = Tries::default();
        while let Some(attempt) = tries.next().await {
            if seen.is_none() {
                seen = self.stage(stage).await?.map(Box::new);
            }
            let Some(current) = seen.take() else {
                return Ok(Updated::Missing);
            };
            if self.is_written(&current) {
                return Ok(Updated::Done(current));
            }
            if !preconditions.allow_change(Some(&entity_tag(&current.version))) {
                return Ok(Updated::PreconditionFailed);
            }
            if patch.is_empty() {
                return Ok(Updated::Done(current));
            }
            let transition = match Transition::new(&current.stage, patch, missing_flow) {
                Ok(transition) => transition,
                Err(problems) => {
                    // The client gets all problems at once, also those that only the table shows.
                    let found = self.verify(Some(stage), patch).await?;
                    return Ok(Updated::Invalid(problems.with(found)));
                }
            };
            match self.swap(&current, transition, patch, attempt).await? {
                Ok(updated) => return Ok(updated),
                Err(Outcome::MissingFlow(flow)) => {
                    // No other writer came first, so this version is still current.
                    missing_flow = Some(flow);
                    seen = Some(current);
                }
                Err(failed) => {
                    missing_flow = None;
                    tries.failed(failed)?;
                }
            }
        }
        match self.outcome_after_conflicts(stage).await? {
            Updated::Conflict => tries.end(self, Updated::Conflict),
            updated => Ok(updated),
        }
    }

    /// Writes the transition, if the newest write is still the one that was read; or returns why
    /// this try failed.
    async fn swap(
        &self,
        seen: &Stored,
        transition: Transition,
        patch: &Patch,
        attempt: u32,
    ) -> Result<Result<Updated, Outcome>, StoreError> {
        let version = seen.version.next(self.write_id());
        let written = Box::new(Stored { stage: transition.stage.clone(), version });
        let too_large = || Updated::Invalid(size::too_large(&written.stage, patch.fields()));
        // Checked before sending: DynamoDB refuses a large request before it looks for the item.
        if item_size::item_bytes(&item::stage_item(&written)) > ITEM_BYTES_MAX {
            return Ok(Ok(too_large()));
        }
        Ok(match self.write(seen, &transition, patch, attempt).await? {
            Outcome::Done => Ok(Updated::Done(written)),
            Outcome::StageRefused(Some(there)) if self.is_written(&there) => {
                Ok(Updated::Done(there))
            }
            Outcome::Invalid(problems) => Ok(Updated::Invalid(problems)),
            Outcome::TooLarge => Ok(too_large()),
            failed => Err(failed),
        })
    }

    async fn write(
        &self,
        seen: &Stored,
        transition: &Transition,
        patch: &Patch,
        attempt: u32,
    ) -> Result<Outcome, StoreError> {
        let mut update = StageUpdate::by(self.write_id());
        update.require_newest_write(seen.version.newest_write_id());
        for field in &transition.fields {
            update.set(field.as_str(), item::attribute(transition.stage.get(*field)));
        }
        if transition.needs_transaction() {
            return self.write_in_transaction(seen, transition, patch, update, attempt).await;
        }
        match self.update_item(seen.stage.uuid, update, ReturnValue::None).await {
            Ok(_) => Ok(Outcome::Done),
            Err(error) => refusal(&error),
        }
    }

    async fn write_in_transaction(
        &self,
        seen: &Stored,
        transition: &Transition,
        patch: &Patch,
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
            transaction.require_row(*field, *row, patch.spelling(*field))?;
        }
        if let Some(flow) = transition.kept_flow {
            transaction.require_kept_flow(flow)?;
        }
        if let Some(flow) = transition.cleared_flow {
            transaction.require_no_row(flow)?;
        }
        transaction.send(self, attempt).await
    }
}
