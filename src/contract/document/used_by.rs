//! How an answer shows what uses a stage.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{contract::Contract, stage::flow::Flow};

use super::value::Hyphenated;

/// A flow that a stage is bound to, as a user of the stage.
#[derive(Clone, Copy, Debug)]
pub struct UsedByDocument<'s> {
    /// The contract.
    pub contract: Contract,
    /// The flow.
    pub flow: &'s Flow,
}

impl Serialize for UsedByDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flow = self.flow;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("app", "authentik_flows")?;
        map.serialize_entry("model_name", "flow")?;
        map.serialize_entry("pk", &Hyphenated(flow.pk))?;
        map.serialize_entry("name", &format_args!("Flow {} ({})", flow.name(), flow.slug()))?;
        map.serialize_entry("action", self.contract.used_by())?;
        map.end()
    }
}
