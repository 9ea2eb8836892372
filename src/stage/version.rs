//! A stage as it is stored: the document, and what tells this version from every other.

use super::stage::Stage;

/// How many write ids a stage keeps. A write that was sent again is recognised as long as fewer
/// than this many others came in between.
pub const WRITE_IDS_KEPT: usize = 4;

/// A stage as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The document.
    pub stage: Stage,
    /// Which version of it this is.
    pub version: Version,
}

/// Tells one version of a stage from every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// How often the stage was written.
    pub revision: u64,
    /// The ids of the last writes, newest first; at most [`WRITE_IDS_KEPT`].
    pub write_ids: Vec<String>,
}

impl Version {
    /// The first version of a stage. All places are filled, so that every later write can shift
    /// them.
    #[must_use]
    pub fn first(write_id: &str) -> Self {
        Self { revision: 1, write_ids: vec![write_id.to_owned(); WRITE_IDS_KEPT] }
    }

    /// The version that a write with this id makes of this one.
    #[must_use]
    pub fn next(&self, write_id: &str) -> Self {
        let older = self.write_ids.iter().take(WRITE_IDS_KEPT - 1).cloned();
        let write_ids = std::iter::once(write_id.to_owned()).chain(older).collect();
        Self { revision: self.revision.saturating_add(1), write_ids }
    }

    /// The id of the write that made this version.
    #[must_use]
    pub fn newest_write_id(&self) -> &str {
        self.write_ids.first().map_or("", String::as_str)
    }

    /// Whether the write with this id is among the last.
    #[must_use]
    pub fn has(&self, write_id: &str) -> bool {
        self.write_ids.iter().any(|id| id == write_id)
    }
}
