//! The table's keys. No other file of the tests contains the name of a key attribute.

use std::fmt;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, KeySchemaElement, KeyType, ScalarAttributeType,
};
use serde_json::{Map, Value};

use super::{Item, library::sha256_hex};

/// The key attributes of every item.
pub const ATTRIBUTES: [&str; 2] = [KIND, ID];
const KIND: &str = "kind";
const ID: &str = "id";

/// The kind of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A stage.
    Stage,
    /// The lock on a stage's name.
    Name,
    /// A flow that stages may refer to.
    Flow,
    /// A mapping that stages may refer to.
    Mapping,
    /// A token.
    Token,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Stage, Self::Name, Self::Flow, Self::Mapping, Self::Token];

    /// The kind's name in the table and in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "STAGE",
            Self::Name => "NAME",
            Self::Flow => "FLOW",
            Self::Mapping => "MAPPING",
            Self::Token => "TOKEN",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The item's kind.
    pub kind: Kind,
    /// Identifies the item among those of its kind.
    pub id: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

impl Key {
    /// The key of a stage.
    pub fn stage(uuid: &str) -> Self {
        Self { kind: Kind::Stage, id: uuid.to_owned() }
    }

    /// The key of the lock on a name.
    pub fn name(name: &str) -> Self {
        Self { kind: Kind::Name, id: sha256_hex(name) }
    }

    /// The key of a flow's row.
    pub fn flow(uuid: &str) -> Self {
        Self { kind: Kind::Flow, id: uuid.to_owned() }
    }

    /// The key of a mapping's row.
    pub fn mapping(uuid: &str) -> Self {
        Self { kind: Kind::Mapping, id: uuid.to_owned() }
    }

    /// The key attributes.
    pub fn attributes(&self) -> Item {
        item(self.kind.as_str(), &self.id)
    }

    /// The key attributes in DynamoDB's JSON.
    pub fn json(&self) -> Value {
        json(self.attributes())
    }

    /// The key of an item.
    pub fn of_item(item: &Item) -> Self {
        Self::parse(item[KIND].as_s().unwrap(), item[ID].as_s().unwrap()).unwrap()
    }

    /// Reads the key of an item, or of a key alone, in DynamoDB's JSON; none if there is no key.
    pub fn of_json(item: &Value) -> Option<Self> {
        Self::parse(item[KIND]["S"].as_str()?, item[ID]["S"].as_str()?)
    }

    fn parse(kind: &str, id: &str) -> Option<Self> {
        Some(Self { kind: Kind::parse(kind)?, id: id.to_owned() })
    }
}

fn item(kind: &str, id: &str) -> Item {
    [(KIND, kind), (ID, id)]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into()
}

fn json(key: Item) -> Value {
    let member = |(name, value): (String, AttributeValue)| {
        (name, serde_json::json!({"S": value.as_s().unwrap()}))
    };
    key.into_iter().map(member).collect::<Map<_, _>>().into()
}

/// The kind of items that only tests of an engine use.
const PROBE: &str = "PROBE";

/// The key attributes of an item of a kind that only tests of an engine use.
pub fn probe(id: &str) -> Item {
    item(PROBE, id)
}

/// The same in DynamoDB's JSON.
pub fn probe_json(id: &str) -> Value {
    json(probe(id))
}

/// The size of the key attributes of such an item, in bytes.
pub fn probe_bytes(id: &str) -> usize {
    KIND.len() + PROBE.len() + ID.len() + id.len()
}

/// The key schema of the table, for tests that create a table without the library.
pub fn schema() -> (Vec<KeySchemaElement>, Vec<AttributeDefinition>) {
    let elements = [(KIND, KeyType::Hash), (ID, KeyType::Range)].map(|(name, kind)| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    });
    let definitions = ATTRIBUTES.map(|name| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build().unwrap()
    });
    (elements.into(), definitions.into())
}

/// The condition that the item exists.
pub fn exists() -> String {
    format!("attribute_exists({ID})")
}

/// The condition that the item does not exist.
pub fn not_exists() -> String {
    format!("attribute_not_exists({ID})")
}
