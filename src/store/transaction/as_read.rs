//! Parts for items that this program may not be able to parse: each is conditional on the raw
//! attributes that were read.

use super::{Role, Transaction, condition::Condition};
use crate::store::{
    error::StoreError,
    item::{Item, REVISION, STAGE_UUID, WRITE_IDS},
    key::Key,
    schema::SCHEMA,
};

/// The attributes of a stage that identify its version.
const STAGE_VERSION: [&str; 3] = [SCHEMA, REVISION, WRITE_IDS];
/// The attribute that determines a stage's lock.
const STAGE_NAME: [&str; 1] = ["name"];
/// All attributes of a lock.
const LOCK: [&str; 3] = [SCHEMA, STAGE_UUID, "name"];

impl Transaction<'_> {
    /// Deletes a stage's item, if it has not changed since it was read.
    pub(in crate::store) fn delete_stage_item(
        &mut self,
        key: Key,
        seen: &Item,
    ) -> Result<(), StoreError> {
        self.delete(Role::Stage, key, Condition::is_as_read(Some(seen), &STAGE_VERSION))
    }

    /// Deletes a name's lock, if it has not changed since it was read.
    pub(in crate::store) fn delete_lock(
        &mut self,
        key: Key,
        seen: &Item,
    ) -> Result<(), StoreError> {
        self.delete(Role::BrokenLock, key, Condition::is_as_read(Some(seen), &LOCK))
    }

    /// Puts a name's lock, if the old one, or its absence, has not changed since it was read.
    pub(in crate::store) fn put_lock(
        &mut self,
        lock: Item,
        seen: Option<&Item>,
    ) -> Result<(), StoreError> {
        self.put(Role::BrokenLock, lock, Condition::is_as_read(seen, &LOCK))
    }

    /// Requires that the stage still have the name that was read, or still be missing.
    pub(in crate::store) fn require_stage_name(
        &mut self,
        key: Key,
        seen: Option<&Item>,
    ) -> Result<(), StoreError> {
        self.check(Role::Stage, key, Condition::is_as_read(seen, &STAGE_NAME))
    }
}
