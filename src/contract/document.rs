//! How an answer shows a stage, key by key, in the contract's order. Flows, lists and the users of
//! a stage have files of their own.

mod flow;
mod list;
mod used_by;
mod value;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::stage::{field::Field, stage::Stage, value::Value};

use super::Contract;

pub use self::{flow::FlowDocument, list::ListDocument, used_by::UsedByDocument};

use self::{
    flow::Flows,
    value::{Hyphenated, serialize_value},
};

/// The keys with the same value for every stage, in the contract's order.
const CONSTANTS: [(&str, &str); 4] = [
    ("component", "ak-stage-authenticator-sms-form"),
    ("verbose_name", "SMS Authenticator Setup Stage"),
    ("verbose_name_plural", "SMS Authenticator Setup Stages"),
    ("meta_model_name", "authentik_stages_authenticator_sms.authenticatorsmsstage"),
];

/// A stage with all of its fields.
#[derive(Clone, Copy, Debug)]
pub struct StageDocument<'s> {
    /// The contract.
    pub contract: Contract,
    /// The stage.
    pub stage: &'s Stage,
    /// Whether the caller is shown the values of the secrets.
    pub shows_secrets: bool,
}

impl Serialize for StageDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &Hyphenated(self.stage.uuid))?;
        for field in Field::all() {
            self.serialize_field(&mut map, field)?;
            if field == Field::NAME {
                serialize_constants(&mut map)?;
            }
        }
        map.end()
    }
}

impl StageDocument<'_> {
    fn serialize_field<M: SerializeMap>(&self, map: &mut M, field: Field) -> Result<(), M::Error> {
        let key = field.as_str();
        match self.stage.get(field) {
            Some(Value::Secret(_)) if !self.contract.has_secret_keys() => Ok(()),
            Some(Value::Secret(_)) if !self.shows_secrets => map.serialize_entry(key, ""),
            Some(Value::Secret(secret)) => map.serialize_entry(key, secret.reveal()),
            Some(Value::Flows(flows)) => {
                map.serialize_entry(key, &Flows { contract: self.contract, flows })
            }
            Some(value) => serialize_value(map, key, value),
            None if self.shows_blank(field) => map.serialize_entry(key, ""),
            None => map.serialize_entry(key, &()),
        }
    }

    fn shows_blank(&self, field: Field) -> bool {
        field == Field::FRIENDLY_NAME && self.contract.shows_blank_display_name()
    }
}

fn serialize_constants<M: SerializeMap>(map: &mut M) -> Result<(), M::Error> {
    CONSTANTS.iter().try_for_each(|(key, text)| map.serialize_entry(key, text))
}

/// A stage in the list of stages of every kind, with only the keys that they have in common.
#[derive(Clone, Copy, Debug)]
pub struct CommonStageDocument<'s> {
    /// The contract.
    pub contract: Contract,
    /// The stage.
    pub stage: &'s Stage,
}

impl Serialize for CommonStageDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &Hyphenated(self.stage.uuid))?;
        map.serialize_entry("name", self.stage.name())?;
        serialize_constants(&mut map)?;
        let flows = Flows { contract: self.contract, flows: self.stage.flow_set() };
        map.serialize_entry("flow_set", &flows)?;
        map.end()
    }
}
