//! Deletes a stage and frees its name, with one read and one transaction.

use uuid::Uuid;

use super::{
    error::StoreError,
    retry::Tries,
    session::{Session, entity_tag},
    transaction::{Outcome, Transaction},
};
use crate::{
    access::permission::MayDelete, http::precondition::Preconditions, stage::version::Stored,
};

/// The outcome of a deletion.
#[derive(Debug)]
#[must_use]
pub enum Deleted {
    /// The stage is deleted; this is its last version.
    Done(Box<Stored>),
    /// No stage has this UUID.
    Missing,
    /// The stage does not meet the preconditions.
    PreconditionFailed,
    /// Other writers came first, every time.
    Conflict,
}

impl Session<'_> {
    /// Deletes the stage, if the preconditions allow it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails, or the item cannot be read. After a
    /// retryable error, the stage may have been deleted.
    pub async fn delete(
        &self,
        may: &MayDelete,
        preconditions: &Preconditions,
    ) -> Result<Deleted, StoreError> {
        self.delete_stage(may.stage(), preconditions).await
    }

    pub(super) async fn delete_stage(
        &self,
        stage: Uuid,
        preconditions: &Preconditions,
    ) -> Result<Deleted, StoreError> {
        let mut tries = Tries::default();
        while let Some(attempt) = tries.next().await {
            let Some(seen) = self.stage(stage).await? else {
                // If an attempt's answer was lost, either it or another writer deleted the stage.
                return self.unless_lost(Deleted::Missing);
            };
            if !preconditions.allow_change(Some(&entity_tag(&seen.version))) {
                return Ok(Deleted::PreconditionFailed);
            }
            let mut transaction = Transaction::new(self);
            transaction.delete_stage(&seen)?;
            transaction.free_name(&seen.stage)?;
            match transaction.send(self, attempt).await? {
                Outcome::Done => return Ok(Deleted::Done(Box::new(seen))),
                other => tries.failed(other)?,
            }
        }
        tries.end(self, Deleted::Conflict)
    }
}
