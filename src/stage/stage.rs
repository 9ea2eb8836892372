//! The SMS Authenticator Setup Stage as authentik keeps it.

use uuid::Uuid;

use super::{
    field::{FIELDS, Field, Spec},
    flow::Flow,
    value::{Secret, Value},
};

/// One SMS Authenticator Setup Stage with its flows.
///
/// What is the same for every stage (`component`, `verbose_name`, …) is not in it: the answer adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Identifies the stage, in the path and as `pk` in the answer.
    pub uuid: Uuid,
    /// The values of [`FIELDS`], in their order; `None` is null.
    pub values: Vec<Option<Value>>,
}

impl Stage {
    /// A stage in which every field has its initial value.
    #[must_use]
    pub fn new(uuid: Uuid) -> Self {
        Self { uuid, values: FIELDS.iter().map(Spec::initial_value).collect() }
    }

    /// A field's value; `None` is null.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.values.get(field.place()).and_then(Option::as_ref)
    }

    /// Sets a field; `None` is null.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        if let Some(place) = self.values.get_mut(field.place()) {
            *place = value;
        }
    }

    /// A field's text; empty for null and for what is not text.
    #[must_use]
    pub fn text(&self, field: Field) -> &str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// Unique among all stages, byte for byte.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text(Field::NAME)
    }

    /// The flows that the stage is bound to, in order.
    #[must_use]
    pub fn flow_set(&self) -> &[Flow] {
        match self.get(Field::FLOW_SET) {
            Some(Value::Flows(flows)) => flows,
            _ => &[],
        }
    }

    /// The row that a reference points to.
    #[must_use]
    pub fn reference(&self, field: Field) -> Option<Uuid> {
        self.get(field).and_then(Value::as_key)
    }

    /// Whether one of the stage's own flows has this key.
    #[must_use]
    pub fn has_flow(&self, flow: Uuid) -> bool {
        self.flow_set().iter().any(|own| own.pk == flow)
    }

    /// The stage's credentials, with their fields.
    pub fn secrets(&self) -> impl Iterator<Item = (Field, &Secret)> {
        Field::secrets().filter_map(|field| match self.get(field) {
            Some(Value::Secret(secret)) => Some((field, secret)),
            _ => None,
        })
    }
}
