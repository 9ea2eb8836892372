//! The schema version of items, and the reasons why an item cannot be read.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

/// The schema version, which every item has.
pub const SCHEMA: &str = "schema";
/// The schema version that this program reads and writes. Each of the function's writes to an
/// existing item, except the undo of its own, requires it in its condition, so that an item with a
/// newer version is not changed.
pub const SCHEMA_VERSION: &str = "1";

/// The value of [`SCHEMA`].
pub(super) fn schema_version() -> AttributeValue {
    AttributeValue::N(SCHEMA_VERSION.to_owned())
}

/// Why an item cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The item has another schema version than this program's, or none (`None`).
    Schema(Option<String>),
    /// The attribute is missing or malformed. Its value may be a secret, and is left out.
    Attribute(&'static str),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema(Some(found)) => write!(
                f,
                "the item has schema {found}, and this version reads schema {SCHEMA_VERSION}"
            ),
            Self::Schema(None) => write!(f, "the item has no attribute {SCHEMA}"),
            Self::Attribute(name) => {
                write!(f, "the item's attribute {name} is missing or malformed")
            }
        }
    }
}
