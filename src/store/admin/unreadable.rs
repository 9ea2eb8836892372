//! Items that cannot be read, told apart from the others.

use crate::store::{item::Unreadable, key::Key};

/// An item that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableItem {
    /// Where it is.
    pub key: Key,
    /// Why.
    pub why: Unreadable,
}
