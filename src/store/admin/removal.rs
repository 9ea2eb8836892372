//! Deletes stages, including those that cannot be read.

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::{
    http::precondition::Preconditions,
    store::{
        Deleted, Session,
        error::StoreError,
        item::{self, Item},
        key::Key,
        retry::Tries,
        transaction::{Outcome, Transaction},
    },
};

/// The outcome of deleting a stage's item by force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Removed {
    /// The item is deleted, and so is the lock of this name, if the stage had one.
    Done {
        /// The name, if the item had a readable one and the stage owned its lock.
        freed: Option<String>,
    },
    /// There is no such item.
    Missing,
    /// Other writers came first, every time.
    Conflict,
}

impl Session<'_> {
    /// Deletes a stage, regardless of concurrent changes, and frees its name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails, or the item cannot be read.
    pub async fn remove(&self, stage: Uuid) -> Result<Deleted, StoreError> {
        self.delete_stage(stage, &Preconditions::default()).await
    }

    /// Deletes a stage's item, even one that cannot be parsed, if it has not changed since it was
    /// read; and frees its name, if the stage owns it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn remove_by_force(&self, stage: Uuid) -> Result<Removed, StoreError> {
        let mut tries = Tries::default();
        while let Some(attempt) = tries.next().await {
            let Some(seen) = self.get(Key::stage(stage)).await? else {
                return self.unless_lost(Removed::Missing);
            };
            let freed = self.own_name(stage, &seen).await?;
            let mut transaction = Transaction::new(self);
            transaction.delete_stage_item(Key::stage(stage), &seen)?;
            if let Some(name) = &freed {
                transaction.free_lock(name, stage)?;
            }
            match transaction.send(self, attempt).await? {
                Outcome::Done => return Ok(Removed::Done { freed }),
                other => tries.failed(other)?,
            }
        }
        tries.end(self, Removed::Conflict)
    }

    /// The stage's name, if it can be read and the stage owns its lock.
    async fn own_name(&self, stage: Uuid, seen: &Item) -> Result<Option<String>, StoreError> {
        let Some(AttributeValue::S(name)) = seen.get("name") else {
            return Ok(None);
        };
        let lock = self.get(Key::name(name)).await?;
        let owner = lock.and_then(|lock| item::read_owner(lock).ok());
        Ok((owner == Some(stage)).then(|| name.clone()))
    }
}
