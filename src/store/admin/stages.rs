//! Puts whole stages, and lists them.

use uuid::Uuid;

use super::{on_conflict::OnConflict, unreadable::UnreadableItem};
use crate::{
    http::precondition::EntityTag,
    stage::{
        apply,
        field::Field,
        problem::Problems,
        size::{self, DOCUMENT_BYTES_MAX},
        stage::Stage,
        version::{Stored, Version},
    },
    store::{
        error::StoreError,
        item::{self, Item},
        item_size::{self, ITEM_BYTES_MAX},
        key::{Key, Kind},
        retry::Tries,
        schema::Unreadable,
        session::{Session, entity_tag},
        transaction::Outcome,
    },
};

/// The outcome of putting a stage into the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum StagePut {
    /// The stage is in the table, as its first revision.
    Inserted,
    /// The stage is in the table, in place of this one.
    Replaced(Box<Stored>),
    /// A stage with its UUID already exists, and was not changed.
    Exists,
    /// The stage has these problems, and nothing was changed: another stage has its name, a row
    /// that it refers to is missing, or it is larger than an item can be.
    Invalid(Problems),
    /// The stage does not have the given version; this is the stage as it is, if it exists.
    VersionChanged(Option<Box<Stored>>),
    /// Another writer changed the stage in the meantime; that change was kept.
    Conflict,
    /// The existing stage does not own the lock of its name, or the lock cannot be read. Nothing was
    /// changed.
    ForeignLock,
    /// A stage with its UUID exists but cannot be read, and was not changed.
    Unreadable(Unreadable),
}

/// All stages of the table.
#[derive(Clone, Debug, Default)]
pub struct StageList {
    /// The stages that can be read, in the order of their UUIDs.
    pub stages: Vec<Stored>,
    /// Items that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
}

impl Session<'_> {
    /// Puts a whole stage, together with the lock of its name. With [`OnConflict::Overwrite`], this
    /// becomes an existing stage's next revision, but only of the given `version`, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn put(
        &self,
        stage: &Stage,
        on_conflict: OnConflict,
        version: Option<&EntityTag>,
    ) -> Result<StagePut, StoreError> {
        if on_conflict == OnConflict::Skip {
            return match self.write_whole(stage, None).await? {
                StagePut::Conflict if self.get(Key::stage(stage.uuid)).await?.is_some() => {
                    Ok(StagePut::Exists)
                }
                put => Ok(put),
            };
        }
        let seen = match self.inspect(stage.uuid).await? {
            Some(Err(why)) => return Ok(StagePut::Unreadable(why)),
            Some(Ok(seen)) => Some(seen),
            None => None,
        };
        let there = seen.as_ref().map(|seen| entity_tag(&seen.version));
        if version.is_some() && version != there.as_ref() {
            return Ok(StagePut::VersionChanged(seen.map(Box::new)));
        }
        self.write_whole(stage, seen).await
    }

    /// Writes a whole stage: a new one, or a replacement for exactly what was seen. A write that
    /// collides with another writer's is retried on the same condition, so that nothing is lost.
    async fn write_whole(
        &self,
        stage: &Stage,
        seen: Option<Stored>,
    ) -> Result<StagePut, StoreError> {
        let Some(item) = self.item(stage, seen.as_ref()) else {
            return Ok(StagePut::Invalid(size::too_large(stage, Field::all())));
        };
        let nothing = Stage::new(stage.uuid);
        let old = seen.as_ref().map_or(&nothing, |seen| &seen.stage);
        let references = apply::new_references(old, stage);
        let mut tries = Tries::default();
        while let Some(attempt) = tries.next().await {
            let references = references.iter().map(|(field, row)| (*field, *row, row.to_string()));
            let put = self.put_stage(stage, item.clone(), seen.as_ref(), references, attempt);
            match put.await {
                Ok(
                    failed @ (Outcome::Conflict | Outcome::MissingFlow(_) | Outcome::Throttled(_)),
                ) => tries.failed(failed)?,
                Ok(outcome) => return self.put_outcome(stage, seen, outcome),
                Err(error) => return self.unless_unreadable(stage.uuid, error).await,
            }
        }
        tries.end(self, StagePut::Conflict)
    }

    /// The stage's item, as the next version of what was seen, unless it is too large.
    fn item(&self, stage: &Stage, seen: Option<&Stored>) -> Option<Item> {
        let version = match seen {
            None => Version::first(self.write_id()),
            Some(seen) => seen.version.next(self.write_id()),
        };
        let item = item::stage_item(&Stored { stage: stage.clone(), version });
        let fits = item_size::item_bytes(&item) <= ITEM_BYTES_MAX
            && size::document_bytes(stage) <= DOCUMENT_BYTES_MAX;
        fits.then_some(item)
    }

    fn put_outcome(
        &self,
        stage: &Stage,
        seen: Option<Stored>,
        outcome: Outcome,
    ) -> Result<StagePut, StoreError> {
        let is_done = match &outcome {
            Outcome::Done => true,
            Outcome::StageRefused(Some(there)) => self.is_written(there),
            _ => false,
        };
        match outcome {
            _ if is_done => {
                let replaced = seen.map(|seen| StagePut::Replaced(Box::new(seen)));
                Ok(replaced.unwrap_or(StagePut::Inserted))
            }
            Outcome::Invalid(problems) => self.unless_lost(StagePut::Invalid(problems)),
            Outcome::ForeignLock => self.unless_lost(StagePut::ForeignLock),
            Outcome::TooLarge => Ok(StagePut::Invalid(size::too_large(stage, Field::all()))),
            _ => self.unless_lost(StagePut::Conflict),
        }
    }

    /// Returns the failure, unless its cause is that the existing stage cannot be read.
    async fn unless_unreadable(
        &self,
        stage: Uuid,
        error: StoreError,
    ) -> Result<StagePut, StoreError> {
        match self.inspect(stage).await {
            Ok(Some(Err(why))) => Ok(StagePut::Unreadable(why)),
            _ => Err(error),
        }
    }

    /// Reads the stage: returns it, or why it cannot be read, if it exists.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn inspect(
        &self,
        stage: Uuid,
    ) -> Result<Option<Result<Stored, Unreadable>>, StoreError> {
        Ok(self.get(Key::stage(stage)).await?.map(item::read_stage))
    }

    /// Finds the stage that has this name, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn find_by_name(&self, name: &str) -> Result<Option<Uuid>, StoreError> {
        let lock = self.get(Key::name(name)).await?;
        Ok(lock.and_then(|lock| item::read_owner(lock).ok()))
    }

    /// Reads every stage. `progress` is called with the number of items read so far.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn stages(&self, mut progress: impl FnMut(usize)) -> Result<StageList, StoreError> {
        let mut list = StageList::default();
        let each = |id, item| {
            match item::read_stage(item) {
                Ok(stored) => list.stages.push(stored),
                Err(why) => {
                    list.unreadable
                        .push(UnreadableItem { key: Key { kind: Kind::Stage, id }, why });
                }
            }
            progress(list.stages.len() + list.unreadable.len());
        };
        self.read_kind(Kind::Stage, "", each).await?;
        Ok(list)
    }
}
