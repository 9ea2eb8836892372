//! The shape of the table's items, both ways.
//!
//! Attributes are named as the fields are. A key field is a text (`S`), null is `NULL`, a flow is a
//! map (`M`) in the list (`L`) `flow_set`.

use std::{collections::HashMap, fmt};

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::{
    choice::Choice,
    flow::Flow,
    permission::{Caller, Token, TokenHash, sha256_hex},
    precondition::EntityTag,
    stage::{Secret, Stage},
    validation::Field,
};

/// The table's key attribute.
pub const PARTITION_KEY: &str = "partition_key";
/// How often a stage was written.
pub const REVISION: &str = "revision";
/// The ids of a stage's last writes, newest first.
pub const WRITE_IDS: &str = "write_ids";
/// When a token ends, in seconds since 1970; the table's time-to-live attribute.
pub const EXPIRES: &str = "expires";
/// The stage that owns a name.
pub const STAGE_UUID: &str = "stage_uuid";

/// How many write ids a stage keeps. A write that was sent again is recognised as long as fewer
/// than this many others came in between.
pub const WRITE_IDS_KEPT: usize = 4;

/// Largest item that DynamoDB keeps, in bytes (400 KB):
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items>.
pub const ITEM_BYTES_MAX: usize = 400 * 1024;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// Where a stage is.
#[must_use]
pub fn stage_key(stage_uuid: Uuid) -> String {
    format!("STAGE#{stage_uuid}")
}

/// Where the owner of a stage's name is. The name is hashed, since it has no limit of length and a
/// key ends at 2,048 bytes.
#[must_use]
pub fn name_key(name: &str) -> String {
    format!("NAME#{}", sha256_hex(name))
}

/// Where a flow is that `configure_flow` may point to.
#[must_use]
pub fn flow_key(flow: Uuid) -> String {
    format!("FLOW#{flow}")
}

/// Where a mapping is that `mapping` may point to.
#[must_use]
pub fn mapping_key(mapping: Uuid) -> String {
    format!("MAPPING#{mapping}")
}

/// Where a token is.
#[must_use]
pub fn token_key(hash: &TokenHash) -> String {
    format!("TOKEN#{}", hash.as_str())
}

/// An item that is not as this program writes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The attribute that is missing or of another kind. Its value may be a secret, and is left out.
    pub attribute: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the item's attribute {} is missing or malformed", self.attribute)
    }
}

/// A stage as it is stored, with what tells this version from every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The document.
    pub stage: Stage,
    /// How often it was written.
    pub revision: u64,
    /// Who wrote it last, newest first; at most [`WRITE_IDS_KEPT`].
    pub write_ids: Vec<String>,
}

impl Stored {
    /// This version's name on the wire.
    #[must_use]
    pub fn entity_tag(&self) -> EntityTag {
        EntityTag::new(self.revision, self.newest_write_id())
    }

    /// The id of the write that made this version.
    #[must_use]
    pub fn newest_write_id(&self) -> &str {
        self.write_ids.first().map_or("", String::as_str)
    }
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A flow's attributes, without a key: as they stand in `flow_set`.
pub(crate) fn flow_item(flow: &Flow) -> Item {
    [
        ("pk", text(&flow.pk.to_string())),
        ("policybindingmodel_ptr_id", text(&flow.policybindingmodel_ptr_id.to_string())),
        ("name", text(&flow.name)),
        ("slug", text(&flow.slug)),
        ("title", text(&flow.title)),
        ("designation", text(flow.designation.as_str())),
        ("background", text(&flow.background)),
        ("policy_engine_mode", text(flow.policy_engine_mode.as_str())),
        ("compatibility_mode", AttributeValue::Bool(flow.compatibility_mode)),
        ("layout", text(flow.layout.as_str())),
        ("denied_action", text(flow.denied_action.as_str())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// A field of a stage as an attribute.
#[must_use]
pub fn attribute(field: Field, stage: &Stage) -> AttributeValue {
    match field {
        Field::Name => text(&stage.name),
        Field::FlowSet => AttributeValue::L(
            stage.flow_set.iter().map(|flow| AttributeValue::M(flow_item(flow))).collect(),
        ),
        Field::ConfigureFlow => nullable(stage.configure_flow.as_ref()),
        Field::FriendlyName => nullable(stage.friendly_name.as_ref()),
        Field::Provider => text(stage.provider.as_str()),
        Field::FromNumber => text(&stage.from_number),
        Field::AccountSid => text(&stage.account_sid),
        Field::Auth => text(stage.auth.reveal()),
        Field::AuthPassword => text(stage.auth_password.reveal()),
        Field::AuthType => text(stage.auth_type.as_str()),
        Field::VerifyOnly => AttributeValue::Bool(stage.verify_only),
        Field::Mapping => nullable(stage.mapping.as_ref()),
    }
}

/// A nullable field as an attribute.
fn nullable<T: ToString>(value: Option<&T>) -> AttributeValue {
    value.map_or(AttributeValue::Null(true), |value| AttributeValue::S(value.to_string()))
}

/// A whole stage's item.
#[cfg(feature = "local")]
#[must_use]
pub fn stage_item(stored: &Stored) -> Item {
    let write_ids = stored.write_ids.iter().map(|id| text(id)).collect();
    let own = [
        (PARTITION_KEY, AttributeValue::S(stage_key(stored.stage.stage_uuid))),
        (REVISION, number(stored.revision)),
        (WRITE_IDS, AttributeValue::L(write_ids)),
    ];
    let fields = Field::ALL.map(|field| (field.as_str(), attribute(field, &stored.stage)));
    own.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Reads a stage's item.
///
/// # Errors
///
/// Names the first attribute that is not as [`Session`](super::Session) writes it.
pub fn read_stage(item: Item) -> Result<Stored, Malformed> {
    let mut item = Attributes(item);
    let key = item.text(PARTITION_KEY)?;
    let stage_uuid = key.strip_prefix("STAGE#").and_then(|uuid| Uuid::try_parse(uuid).ok());
    let stage = Stage {
        stage_uuid: stage_uuid.ok_or(Malformed { attribute: PARTITION_KEY })?,
        name: item.text("name")?,
        flow_set: item.list("flow_set", read_flow)?,
        configure_flow: item.nullable_uuid("configure_flow")?,
        friendly_name: item.nullable_text("friendly_name")?,
        provider: item.choice("provider")?,
        from_number: item.text("from_number")?,
        account_sid: item.text("account_sid")?,
        auth: Secret::new(item.text("auth")?),
        auth_password: Secret::new(item.text("auth_password")?),
        auth_type: item.choice("auth_type")?,
        verify_only: item.boolean("verify_only")?,
        mapping: item.nullable_uuid("mapping")?,
    };
    let write_ids = item.list(WRITE_IDS, |value| match value {
        AttributeValue::S(id) => Ok(id),
        _ => Err(Malformed { attribute: WRITE_IDS }),
    })?;
    Ok(Stored { stage, revision: item.number(REVISION)?, write_ids })
}

fn read_flow(value: AttributeValue) -> Result<Flow, Malformed> {
    let AttributeValue::M(item) = value else {
        return Err(Malformed { attribute: "flow_set" });
    };
    let mut item = Attributes(item);
    Ok(Flow {
        pk: item.uuid("pk")?,
        policybindingmodel_ptr_id: item.uuid("policybindingmodel_ptr_id")?,
        name: item.text("name")?,
        slug: item.text("slug")?,
        title: item.text("title")?,
        designation: item.choice("designation")?,
        background: item.text("background")?,
        policy_engine_mode: item.choice("policy_engine_mode")?,
        compatibility_mode: item.boolean("compatibility_mode")?,
        layout: item.choice("layout")?,
        denied_action: item.choice("denied_action")?,
    })
}

/// Reads a token's item.
///
/// # Errors
///
/// Names the first attribute that is not as the command `sms-stage` writes it.
pub(crate) fn read_token(item: Item) -> Result<Token, Malformed> {
    let mut item = Attributes(item);
    let user = item.text("user")?;
    let permissions = item.list("permissions", |value| match value {
        AttributeValue::S(codename) => Ok(codename),
        _ => Err(Malformed { attribute: "permissions" }),
    })?;
    let expires = match item.0.contains_key(EXPIRES) {
        true => Some(item.number(EXPIRES)?),
        false => None,
    };
    Ok(Token { caller: Caller::new(user, permissions), expires })
}

/// The stage that owns the name of a `NAME#` item.
pub(crate) fn read_owner(item: Item) -> Result<Uuid, Malformed> {
    Attributes(item).uuid(STAGE_UUID)
}

/// An item whose attributes are taken out one by one, so that no text is copied.
struct Attributes(Item);

impl Attributes {
    fn take(&mut self, attribute: &'static str) -> Result<AttributeValue, Malformed> {
        self.0.remove(attribute).ok_or(Malformed { attribute })
    }

    fn text(&mut self, attribute: &'static str) -> Result<String, Malformed> {
        match self.take(attribute)? {
            AttributeValue::S(text) => Ok(text),
            _ => Err(Malformed { attribute }),
        }
    }

    fn nullable_text(&mut self, attribute: &'static str) -> Result<Option<String>, Malformed> {
        match self.take(attribute)? {
            AttributeValue::S(text) => Ok(Some(text)),
            AttributeValue::Null(_) => Ok(None),
            _ => Err(Malformed { attribute }),
        }
    }

    fn uuid(&mut self, attribute: &'static str) -> Result<Uuid, Malformed> {
        Uuid::try_parse(&self.text(attribute)?).map_err(|_| Malformed { attribute })
    }

    fn nullable_uuid(&mut self, attribute: &'static str) -> Result<Option<Uuid>, Malformed> {
        match self.nullable_text(attribute)? {
            Some(uuid) => Uuid::try_parse(&uuid).map(Some).map_err(|_| Malformed { attribute }),
            None => Ok(None),
        }
    }

    fn choice<C: Choice>(&mut self, attribute: &'static str) -> Result<C, Malformed> {
        C::from_word(&self.text(attribute)?).ok_or(Malformed { attribute })
    }

    fn boolean(&mut self, attribute: &'static str) -> Result<bool, Malformed> {
        match self.take(attribute)? {
            AttributeValue::Bool(boolean) => Ok(boolean),
            _ => Err(Malformed { attribute }),
        }
    }

    fn number(&mut self, attribute: &'static str) -> Result<u64, Malformed> {
        match self.take(attribute)? {
            AttributeValue::N(digits) => digits.parse().map_err(|_| Malformed { attribute }),
            _ => Err(Malformed { attribute }),
        }
    }

    fn list<T>(
        &mut self,
        attribute: &'static str,
        element: impl Fn(AttributeValue) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        match self.take(attribute)? {
            AttributeValue::L(elements) => elements.into_iter().map(element).collect(),
            _ => Err(Malformed { attribute }),
        }
    }
}
