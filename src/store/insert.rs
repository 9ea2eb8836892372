//! Creates a stage, in one transaction without a read.

use uuid::Uuid;

use super::{
    error::StoreError,
    item::{self, Item},
    item_size::{self, ITEM_BYTES_MAX},
    retry::Tries,
    session::Session,
    transaction::{Outcome, Transaction},
};
use crate::{
    access::permission::MayAdd,
    stage::{
        apply::Transition,
        field::Field,
        patch::Patch,
        problem::Problems,
        size,
        stage::Stage,
        version::{Stored, Version},
    },
};

/// The outcome of creating a stage.
#[derive(Debug)]
#[must_use]
pub enum Inserted {
    /// This stage is in the table.
    Done(Box<Stored>),
    /// The stage has these problems.
    Invalid(Problems),
    /// Other writers came first, every time.
    Conflict,
}

impl Session<'_> {
    /// Puts a new stage with a random UUID into the table, together with the lock of its name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails. After a retryable error, the stage may exist,
    /// in full, if only the answer was lost.
    pub async fn insert(&self, _: &MayAdd, patch: &Patch) -> Result<Inserted, StoreError> {
        let transition = match Transition::new(&Stage::new(Uuid::new_v4()), patch, None) {
            Ok(transition) => transition,
            Err(problems) => {
                let found = self.verify(None, patch).await?;
                return Ok(Inserted::Invalid(problems.with(found)));
            }
        };
        let version = Version::first(self.write_id());
        let stored = Box::new(Stored { stage: transition.stage, version });
        let item = item::stage_item(&stored);
        let too_large = || Inserted::Invalid(size::too_large(&stored.stage, patch.fields()));
        if item_size::item_bytes(&item) > ITEM_BYTES_MAX {
            return Ok(too_large());
        }
        let mut tries = Tries::default();
        while let Some(attempt) = tries.next().await {
            let references = transition.new_references.iter();
            let references = references.map(|(field, row)| (*field, *row, patch.spelling(*field)));
            match self.put_stage(&stored.stage, item.clone(), None, references, attempt).await? {
                Outcome::Done => return Ok(Inserted::Done(stored)),
                Outcome::StageRefused(Some(there)) if self.is_written(&there) => {
                    return Ok(Inserted::Done(there));
                }
                Outcome::Invalid(problems) => {
                    return self.unless_lost(Inserted::Invalid(problems));
                }
                Outcome::TooLarge => return Ok(too_large()),
                other => tries.failed(other)?,
            }
            // An attempt that is applied late could create a stage again that was deleted since.
            if !self.is_certain() {
                break;
            }
        }
        tries.end(self, Inserted::Conflict)
    }

    /// Puts a whole stage: a new one, or a replacement for the one that was read. Takes the lock of
    /// its name, frees that of the old name, and requires a row for each of these references.
    pub(super) async fn put_stage(
        &self,
        stage: &Stage,
        item: Item,
        seen: Option<&Stored>,
        references: impl Iterator<Item = (Field, Uuid, String)>,
        attempt: u32,
    ) -> Result<Outcome, StoreError> {
        let mut transaction = Transaction::new(self);
        transaction.put_stage(item, seen)?;
        transaction.take_name(stage)?;
        if let Some(seen) = seen.filter(|seen| seen.stage.name() != stage.name()) {
            transaction.free_name(&seen.stage)?;
        }
        for (field, row, spelling) in references {
            transaction.require_row(field, row, spelling)?;
        }
        transaction.send(self, attempt).await
    }
}
