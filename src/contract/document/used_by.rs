//! How an answer shows what uses a stage.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::stage::flow::Flow;

use super::value::Hyphenated;

/// A flow that a stage is bound to, as a user of the stage.
#[derive(Clone, Copy, Debug)]
pub struct UsedByDocument<'s>(pub &'s Flow);

impl Serialize for UsedByDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(flow) = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("app", "authentik_flows")?;
        map.serialize_entry("model_name", "flow")?;
        map.serialize_entry("pk", &Hyphenated(flow.pk))?;
        map.serialize_entry("name", &format_args!("Flow {} ({})", flow.name(), flow.slug()))?;
        // In every release: the stage loses its place in the flow.
        map.serialize_entry("action", "cascade_many")?;
        map.end()
    }
}
