//! Items that cannot be read.

use crate::store::{key::Key, schema::Unreadable};

/// An item that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableItem {
    /// Its key.
    pub key: Key,
    /// Why it cannot be read.
    pub why: Unreadable,
}
