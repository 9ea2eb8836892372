//! How an answer shows a value.

use serde::{Serialize, Serializer, ser::SerializeMap};
use uuid::Uuid;

use crate::stage::value::Value;

/// Serializes a value of a kind that both stages and flows have.
pub(super) fn serialize_value<M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: &Value,
) -> Result<(), M::Error> {
    match value {
        Value::Boolean(boolean) => map.serialize_entry(key, boolean),
        Value::Key(uuid) => map.serialize_entry(key, &Hyphenated(*uuid)),
        Value::Text(_) | Value::Word(_) | Value::Secret(_) | Value::Flows(_) => {
            map.serialize_entry(key, value.as_str().unwrap_or_default())
        }
    }
}

/// A UUID in its usual spelling: lower case, with hyphens.
pub(super) struct Hyphenated(pub(super) Uuid);

impl Serialize for Hyphenated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut buffer))
    }
}
