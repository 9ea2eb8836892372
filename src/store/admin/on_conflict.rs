//! How to handle documents whose keys are already in the table.

/// What to do with a document whose key is already in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Keep what is in the table.
    Skip,
    /// Replace it with the document.
    Overwrite,
}
