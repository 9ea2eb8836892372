//! The keys of the table's items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::access::token::{TokenHash, sha256_hex};

/// The partition key's attribute: the kind of the item.
pub const KIND: &str = "kind";
/// The sort key's attribute: the item's id within its kind.
pub const ID: &str = "id";

/// The kinds of item. Each has its own partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A stage: its document and version.
    Stage,
    /// The lock of a name: which stage owns the name.
    Name,
    /// A flow that `configure_flow` may point to.
    Flow,
    /// A webhook mapping that `mapping` may point to.
    Mapping,
    /// A bearer token: its user and permissions.
    Token,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Stage, Self::Name, Self::Flow, Self::Mapping, Self::Token];

    /// The value of [`KIND`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "STAGE",
            Self::Name => "NAME",
            Self::Flow => "FLOW",
            Self::Mapping => "MAPPING",
            Self::Token => "TOKEN",
        }
    }
}

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub kind: Kind,
    /// The sort key.
    pub id: String,
}

impl Key {
    /// The key of a stage.
    #[must_use]
    pub fn stage(stage: Uuid) -> Self {
        Self { kind: Kind::Stage, id: stage.to_string() }
    }

    /// The key of a name's lock. The name is hashed, because its length is unlimited and a sort key
    /// has at most 1,024 bytes.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self { kind: Kind::Name, id: sha256_hex(name) }
    }

    /// The key of a flow's row.
    #[must_use]
    pub fn flow(flow: Uuid) -> Self {
        Self { kind: Kind::Flow, id: flow.to_string() }
    }

    /// The key of a mapping's row.
    #[must_use]
    pub fn mapping(mapping: Uuid) -> Self {
        Self { kind: Kind::Mapping, id: mapping.to_string() }
    }

    /// The key of a token.
    #[must_use]
    pub fn token(hash: &TokenHash) -> Self {
        Self { kind: Kind::Token, id: hash.as_str().to_owned() }
    }

    /// The key's attributes.
    #[must_use]
    pub fn attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (KIND.to_owned(), AttributeValue::S(self.kind.as_str().to_owned())),
            (ID.to_owned(), AttributeValue::S(self.id)),
        ])
    }
}
