//! Deletes a stage and frees its name: one read, one transaction.

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

/// What became of a deletion.
#[derive(Debug)]
#[must_use]
pub enum Deleted {
    /// The stage is gone; this is what it was.
    Done(Box<Stored>),
    /// No stage has this UUID.
    Missing,
    /// The stage is not as the preconditions ask.
    PreconditionFailed,
    /// Other writers came first, every time.
    Conflict,
}

impl Session<'_> {
    /// Deletes the stage, if the preconditions allow it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or the item cannot be read. After a
    /// retryable one the stage may be gone.
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
                // Gone: after an attempt whose answer was lost, by it or by another writer.
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
                other => tries.failed(other),
            }
        }
        tries.end(self, Deleted::Conflict)
    }
}
