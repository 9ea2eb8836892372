//! The schema of the table's items: converts values to attributes and back, by the field's kind.
//!
//! Attributes have the names of the fields. The key of a row is a text (`S`), null is `NULL`, and a
//! flow is a map (`M`) in the list (`L`) `flow_set`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use super::{
    key::{ID, Key},
    schema::{SCHEMA, SCHEMA_VERSION, Unreadable, schema_version},
};
use crate::{
    access::{caller::Caller, token::Token},
    stage::{
        field::{FIELDS, FLOW_FIELDS, Kind, Spec},
        flow::Flow,
        stage::Stage,
        value::Value,
        version::{Stored, Version},
    },
};

/// How many times a stage was written.
pub const REVISION: &str = "revision";
/// The ids of a stage's last writes, newest first.
pub const WRITE_IDS: &str = "write_ids";
/// When a token expires, in seconds since 1970; the table's time-to-live attribute.
pub const EXPIRES: &str = "expires";
/// When a token was created, in seconds since 1970.
pub const CREATED: &str = "created";
/// When a token was revoked, in seconds since 1970. Its item is kept, so that loading the token's
/// file again does not restore the token.
pub const REVOKED: &str = "revoked";
/// The stage that owns a name.
pub const STAGE_UUID: &str = "stage_uuid";
/// The three attributes of a flow that a request does not write.
const PK: &str = "pk";
const PARENT: &str = "policybindingmodel_ptr_id";
const BACKGROUND: &str = "background";

/// An item as the SDK represents it.
pub type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A field's value as an attribute; `None` is null.
#[must_use]
pub fn attribute(value: Option<&Value>) -> AttributeValue {
    match value {
        None => AttributeValue::Null(true),
        Some(Value::Text(value)) => text(value),
        Some(Value::Secret(secret)) => text(secret.reveal()),
        Some(Value::Word(word)) => text(word),
        Some(Value::Boolean(boolean)) => AttributeValue::Bool(*boolean),
        Some(Value::Key(key)) => AttributeValue::S(key.to_string()),
        Some(Value::Flows(flows)) => {
            AttributeValue::L(flows.iter().map(|flow| AttributeValue::M(flow_map(flow))).collect())
        }
    }
}

/// A flow's attributes as in `flow_set`, without an item key.
fn flow_map(flow: &Flow) -> Item {
    let own = [
        (PK, AttributeValue::S(flow.pk.to_string())),
        (PARENT, AttributeValue::S(flow.policybindingmodel_ptr_id.to_string())),
        (BACKGROUND, text(&flow.background)),
    ];
    let values = FLOW_FIELDS.iter().zip(&flow.values);
    let fields = values.map(|(spec, value)| (spec.name, attribute(Some(value))));
    own.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An item with this key and this program's schema version.
#[must_use]
pub fn item(
    key: Key,
    attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
) -> Item {
    let mut item = key.attributes();
    item.insert(SCHEMA.to_owned(), schema_version());
    item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
    item
}

/// The item of a stage.
#[must_use]
pub fn stage_item(stored: &Stored) -> Item {
    let Stored { stage, version } = stored;
    let write_ids = version.write_ids.iter().map(|id| text(id)).collect();
    let own = [(REVISION, number(version.revision)), (WRITE_IDS, AttributeValue::L(write_ids))];
    let values = FIELDS.iter().zip(&stage.values);
    let fields = values.map(|(spec, value)| (spec.name, attribute(value.as_ref())));
    item(Key::stage(stage.uuid), own.into_iter().chain(fields))
}

/// A flow's row, which `configure_flow` may point to.
#[must_use]
pub fn flow_item(flow: &Flow) -> Item {
    let mut item = item(Key::flow(flow.pk), []);
    item.extend(flow_map(flow));
    item
}

/// Reads a stage's item.
///
/// # Errors
///
/// [`Unreadable`], for the first attribute that is not as this program writes it.
pub fn read_stage(item: Item) -> Result<Stored, Unreadable> {
    let mut item = Attributes::of_this_schema(item)?;
    let uuid = item.uuid(ID)?;
    // Not collected: the vector in a collected `Result` would grow step by step.
    let mut values = Vec::with_capacity(FIELDS.len());
    for spec in &FIELDS {
        values.push(item.field(spec)?);
    }
    let write_ids = item.texts(WRITE_IDS)?;
    let version = Version { revision: item.number(REVISION)?, write_ids };
    Ok(Stored { stage: Stage { uuid, values }, version })
}

/// Reads a flow's row.
///
/// # Errors
///
/// [`Unreadable`], as for a stage.
pub fn read_flow_row(item: Item) -> Result<Flow, Unreadable> {
    Attributes::of_this_schema(item)?.flow()
}

/// Reads a token's item; `None` for a revoked token.
///
/// # Errors
///
/// [`Unreadable`], as for a stage.
pub fn read_token(item: Item) -> Result<Option<Token>, Unreadable> {
    // Regardless of its schema: a revoked token stays revoked.
    if item.contains_key(REVOKED) {
        return Ok(None);
    }
    let mut item = Attributes::of_this_schema(item)?;
    let user = item.text("user")?;
    let permissions = item.texts("permissions")?;
    let created = item.optional_number(CREATED)?;
    let expires = item.optional_number(EXPIRES)?;
    Ok(Some(Token { caller: Caller::new(Some(user), permissions), created, expires }))
}

/// Reads the name in a mapping's row or in a name's lock.
///
/// # Errors
///
/// [`Unreadable`], as for a stage.
#[cfg(feature = "local")]
pub fn read_name(item: Item) -> Result<String, Unreadable> {
    Attributes::of_this_schema(item)?.text("name")
}

/// Reads the owner of a name from its lock.
///
/// # Errors
///
/// [`Unreadable`], as for a stage.
pub fn read_owner(item: Item) -> Result<Uuid, Unreadable> {
    Attributes::of_this_schema(item)?.uuid(STAGE_UUID)
}

/// An item whose attributes are moved out one by one, so that no text is copied.
struct Attributes(Item);

impl Attributes {
    fn of_this_schema(item: Item) -> Result<Self, Unreadable> {
        match item.get(SCHEMA) {
            Some(AttributeValue::N(found)) if found == SCHEMA_VERSION => Ok(Self(item)),
            Some(AttributeValue::N(found)) => Err(Unreadable::Schema(Some(found.clone()))),
            _ => Err(Unreadable::Schema(None)),
        }
    }

    fn take(&mut self, name: &'static str) -> Result<AttributeValue, Unreadable> {
        self.0.remove(name).ok_or(Unreadable::Attribute(name))
    }

    fn field(&mut self, spec: &Spec) -> Result<Option<Value>, Unreadable> {
        match self.take(spec.name)? {
            AttributeValue::Null(_) if spec.nullable => Ok(None),
            attribute => value(spec.kind, attribute, spec.name).map(Some),
        }
    }

    fn flow(&mut self) -> Result<Flow, Unreadable> {
        let mut values = Vec::with_capacity(FLOW_FIELDS.len());
        for spec in &FLOW_FIELDS {
            values.push(value(spec.kind, self.take(spec.name)?, spec.name)?);
        }
        Ok(Flow {
            pk: self.uuid(PK)?,
            policybindingmodel_ptr_id: self.uuid(PARENT)?,
            background: self.text(BACKGROUND)?,
            values,
        })
    }

    fn text(&mut self, name: &'static str) -> Result<String, Unreadable> {
        as_text(self.take(name)?, name)
    }

    fn uuid(&mut self, name: &'static str) -> Result<Uuid, Unreadable> {
        Uuid::try_parse(&self.text(name)?).map_err(|_| Unreadable::Attribute(name))
    }

    fn texts(&mut self, name: &'static str) -> Result<Vec<String>, Unreadable> {
        match self.take(name)? {
            AttributeValue::L(list) => list.into_iter().map(|one| as_text(one, name)).collect(),
            _ => Err(Unreadable::Attribute(name)),
        }
    }

    fn number(&mut self, name: &'static str) -> Result<u64, Unreadable> {
        match self.take(name)? {
            AttributeValue::N(digits) => digits.parse().map_err(|_| Unreadable::Attribute(name)),
            _ => Err(Unreadable::Attribute(name)),
        }
    }

    fn optional_number(&mut self, name: &'static str) -> Result<Option<u64>, Unreadable> {
        if self.0.contains_key(name) { self.number(name).map(Some) } else { Ok(None) }
    }
}

fn as_text(attribute: AttributeValue, name: &'static str) -> Result<String, Unreadable> {
    match attribute {
        AttributeValue::S(text) => Ok(text),
        _ => Err(Unreadable::Attribute(name)),
    }
}

/// Reads an attribute, according to its field's kind.
fn value(kind: Kind, attribute: AttributeValue, name: &'static str) -> Result<Value, Unreadable> {
    let unreadable = || Unreadable::Attribute(name);
    match (kind, attribute) {
        (Kind::Text | Kind::Slug, AttributeValue::S(text)) => Ok(Value::Text(text)),
        (Kind::Secret, AttributeValue::S(text)) => Ok(Value::secret(text)),
        (Kind::Choice(words), AttributeValue::S(text)) => words
            .iter()
            .find(|word| **word == text)
            .map(|word| Value::Word(word))
            .ok_or_else(unreadable),
        (Kind::Boolean, AttributeValue::Bool(boolean)) => Ok(Value::Boolean(boolean)),
        (Kind::Reference(_), AttributeValue::S(text)) => {
            Uuid::try_parse(&text).map(Value::Key).map_err(|_| unreadable())
        }
        (Kind::Flows, AttributeValue::L(list)) => {
            let mut flows = Vec::with_capacity(list.len());
            for one in list {
                let AttributeValue::M(map) = one else { return Err(unreadable()) };
                flows.push(Attributes(map).flow()?);
            }
            Ok(Value::Flows(flows))
        }
        _ => Err(unreadable()),
    }
}
