//! What an operator wants of a document whose key the table has already.

/// What is done about a document whose key the table has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// What is there stays.
    Skip,
    /// The document takes its place.
    Overwrite,
}
