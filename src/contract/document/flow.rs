//! How an answer shows a flow.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use crate::{
    contract::{Contract, line::BackgroundKeys},
    stage::{field::FLOW_FIELDS, flow::Flow},
};

use super::value::{Hyphenated, serialize_value};

/// The flows of a stage.
pub(super) struct Flows<'s> {
    pub(super) contract: Contract,
    pub(super) flows: &'s [Flow],
}

impl Serialize for Flows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { contract, flows } = *self;
        let mut list = serializer.serialize_seq(Some(flows.len()))?;
        for flow in flows {
            list.serialize_element(&FlowDocument { contract, flow, is_listed: false })?;
        }
        list.end()
    }
}

/// A flow, in a stage's `flow_set` or in the list of flows.
#[derive(Clone, Copy, Debug)]
pub struct FlowDocument<'s> {
    /// The contract.
    pub contract: Contract,
    /// The flow.
    pub flow: &'s Flow,
    /// Whether the flow is in the list of flows, and so shown with all of its fields.
    pub is_listed: bool,
}

impl Serialize for FlowDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flow = self.flow;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &Hyphenated(flow.pk))?;
        let parent = Hyphenated(flow.policybindingmodel_ptr_id);
        map.serialize_entry("policybindingmodel_ptr_id", &parent)?;
        for (spec, value) in FLOW_FIELDS.iter().zip(&flow.values) {
            serialize_value(&mut map, spec.name, value)?;
            match spec.name {
                "designation" => self.serialize_after_designation(&mut map)?,
                "compatibility_mode" => map.serialize_entry("export_url", &flow.export_url())?,
                _ => {}
            }
        }
        if self.is_listed {
            map.serialize_entry("authentication", "none")?;
        }
        map.end()
    }
}

impl FlowDocument<'_> {
    fn serialize_after_designation<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let keys = self.contract.background();
        if keys != BackgroundKeys::Url || self.is_listed {
            map.serialize_entry("background", &self.flow.background)?;
        }
        if keys != BackgroundKeys::Background {
            map.serialize_entry("background_url", &self.flow.background)?;
        }
        if self.is_listed {
            // Clients require these keys; the table has no values for them.
            if self.contract.has_themed_backgrounds() {
                map.serialize_entry("background_themed_urls", &())?;
            }
            let none: [&str; 0] = [];
            map.serialize_entry("stages", &none)?;
            map.serialize_entry("policies", &none)?;
            map.serialize_entry("cache_count", &0)?;
        }
        Ok(())
    }
}
