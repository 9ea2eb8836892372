//! The SMS Authenticator Setup Stage, as authentik defines it.

use uuid::Uuid;

use super::{
    field::{FIELDS, Field, Spec},
    flow::Flow,
    value::{Secret, Value},
};

/// One SMS Authenticator Setup Stage with its flows.
///
/// It lacks what is the same for every stage (`component`, `verbose_name`, …), which answers add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Identifies the stage, in the path and as `pk` in the answer.
    pub uuid: Uuid,
    /// The values of [`FIELDS`], in the same order; `None` is null.
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
        self.values.get(field.index()).and_then(Option::as_ref)
    }

    /// Sets a field; `None` is null.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        if let Some(slot) = self.values.get_mut(field.index()) {
            *slot = value;
        }
    }

    /// A field's text; empty for null and for other kinds of values.
    #[must_use]
    pub fn text(&self, field: Field) -> &str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The name, unique among all stages, byte for byte.
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

    /// The key of the row that a field refers to.
    #[must_use]
    pub fn reference(&self, field: Field) -> Option<Uuid> {
        self.get(field).and_then(Value::as_key)
    }

    /// Whether a flow in the stage's `flow_set` has this key.
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
