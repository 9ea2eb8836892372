//! What can be wrong in the table.

use uuid::Uuid;

use super::lock::LockFinding;
use crate::{stage::field::Field, store::admin::UnreadableItem};

/// Something that is wrong in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An item that cannot be read, other than a lock ([`Finding::Lock`]).
    Unreadable(UnreadableItem),
    /// A name's lock has a fault.
    Lock(LockFinding),
    /// A stage refers to a missing row.
    DanglingReference {
        /// The stage.
        stage: Uuid,
        /// The field that refers to the row.
        field: Field,
        /// The row.
        row: Uuid,
    },
    /// A token has expired, and the table's time to live has not deleted it yet.
    ExpiredToken {
        /// The token's sort key: its hash.
        id: String,
        /// When it expired, in seconds since 1970.
        expired: u64,
    },
}
