//! A stage as stored: the document and its version.

use super::stage::Stage;

/// Number of write ids that a stage keeps. A write that is sent again is recognised if fewer than
/// this many other writes have happened since.
pub const WRITE_IDS_KEPT: usize = 4;

/// A stage as stored in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The document.
    pub stage: Stage,
    /// Its version.
    pub version: Version,
}

/// Identifies a version of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// How many times the stage was written.
    pub revision: u64,
    /// The ids of the last writes, newest first; at most [`WRITE_IDS_KEPT`].
    pub write_ids: Vec<String>,
}

impl Version {
    /// The first version of a stage. It has all [`WRITE_IDS_KEPT`] ids, so that every later write
    /// can shift them.
    #[must_use]
    pub fn first(write_id: &str) -> Self {
        Self { revision: 1, write_ids: vec![write_id.to_owned(); WRITE_IDS_KEPT] }
    }

    /// The version after a write with this id.
    #[must_use]
    pub fn next(&self, write_id: &str) -> Self {
        let older = self.write_ids.iter().take(WRITE_IDS_KEPT - 1).cloned();
        let write_ids = std::iter::once(write_id.to_owned()).chain(older).collect();
        Self { revision: self.revision.saturating_add(1), write_ids }
    }

    /// The id of the write that created this version.
    #[must_use]
    pub fn newest_write_id(&self) -> &str {
        self.write_ids.first().map_or("", String::as_str)
    }

    /// Whether the write with this id is among the last ones.
    #[must_use]
    pub fn has(&self, write_id: &str) -> bool {
        self.write_ids.iter().any(|id| id == write_id)
    }
}
