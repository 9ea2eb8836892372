//! One request's session with the table: write id, calls, and whether their outcome is known.

use std::sync::atomic::{AtomicU32, Ordering};

use uuid::Uuid;

use super::{error::StoreError, table::Table};
use crate::{
    http::precondition::EntityTag,
    stage::version::{Stored, Version},
};

impl Table {
    /// Begins one request's session with the table.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session::new(self)
    }
}

/// One request's session with the table.
#[derive(Debug)]
pub struct Session<'t> {
    pub(super) table: &'t Table,
    write_id: String,
    calls: AtomicU32,
    lost_before: u64,
}

impl<'t> Session<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        Self {
            table,
            // A random UUID, the same in every attempt. Never taken from the event, because its
            // request id is the same for every local invocation.
            write_id: Uuid::new_v4().simple().to_string(),
            calls: AtomicU32::new(0),
            lost_before: table.watch.lost(),
        }
    }

    /// The id of this request's write, the same in every attempt: 122 random bits in hex. It is in
    /// the items that the request wrote, and in its log line.
    #[must_use]
    pub fn write_id(&self) -> &str {
        &self.write_id
    }

    /// Number of calls to DynamoDB, without the SDK's retries.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether the outcome of this request's writes is known: every attempt got an answer.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.table.watch.lost() == self.lost_before
    }

    /// The revision before this request's own write; the current one if it made none.
    #[must_use]
    pub fn revision_before(&self, version: &Version) -> u64 {
        let own = version.write_ids.iter().position(|id| *id == self.write_id);
        let writes_since = own.and_then(|index| u64::try_from(index + 1).ok()).unwrap_or_default();
        version.revision.saturating_sub(writes_since)
    }

    /// Whether this request's write is among the item's last writes.
    pub(super) fn is_written(&self, stored: &Stored) -> bool {
        stored.version.has(&self.write_id)
    }

    pub(super) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns an outcome in which nothing was changed, if that is certain. An attempt whose answer
    /// was lost may still be applied.
    pub(super) fn unless_lost<T>(&self, outcome: T) -> Result<T, StoreError> {
        if self.is_certain() {
            return Ok(outcome);
        }
        Err(StoreError::retryable("the write", "an attempt got no answer; it may still be applied"))
    }
}

/// The entity tag of a version.
#[must_use]
pub fn entity_tag(version: &Version) -> EntityTag {
    EntityTag::new(version.revision, version.newest_write_id())
}
