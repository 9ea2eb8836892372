//! The stages that a run's clients change, and the rows that these stages may refer to.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{call::Document, model::Model};
use crate::harness::{
    GOOD,
    library::{ADD, CHANGE, DELETE, VIEW},
};

/// The flows that have a row.
pub const ROW_FLOWS: [&str; 2] =
    ["a1b2c3d4-e5f6-4789-8abc-def012345678", "ffeeddcc-bbaa-4998-8776-655443322110"];
/// The only mapping that has a row.
pub const MAPPING: &str = "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9";
/// The UUID of a row that does not exist.
pub const NO_SUCH_UUID: &str = "00000000-0000-4000-8000-000000000000";

/// The state that a run starts from.
pub struct Fixture {
    /// The stages' UUIDs.
    pub stages: Vec<Arc<str>>,
    /// The names that stages have or may take: one and a half times as many as there are stages, so
    /// that a name is taken more often than not.
    pub names: Vec<String>,
    /// The rows that the stages may refer to.
    pub model: Model,
}

impl Fixture {
    /// The state with this many stages.
    pub fn with_stages(stages: usize) -> Self {
        let names = stages + stages.div_ceil(2);
        Self {
            stages: (0..stages).map(|place| uuid("5a", place).into()).collect(),
            names: (0..names).map(|place| format!("name-{place}")).collect(),
            model: Model {
                flows: ROW_FLOWS.map(str::to_owned).into(),
                mappings: [MAPPING.to_owned()].into(),
                blank: Document::new(),
            },
        }
    }

    /// The documents, in the format of `--load`.
    pub fn documents(&self) -> Value {
        let stages = self.stages.iter().zip(&self.names).enumerate();
        let permissions = [VIEW, ADD, CHANGE, DELETE];
        json!({
            "stages": stages.map(|(place, (pk, name))| stage(place, pk, name)).collect::<Vec<_>>(),
            "flows": ROW_FLOWS.map(|pk| flow(pk, &pk[..8])),
            "mappings": [{"pk": MAPPING, "name": "payload"}],
            "tokens": [{
                "key": GOOD,
                "user": "editor",
                "permissions": permissions,
            }],
        })
    }
}

fn uuid(kind: &str, place: usize) -> String {
    format!("{kind}000000-0000-4000-8000-{place:012}")
}

/// A stage with two flows. Its `configure_flow` refers to the first, which has no row.
fn stage(place: usize, pk: &str, name: &str) -> Value {
    let own = uuid("f1", place);
    json!({
        "pk": pk,
        "name": name,
        "flow_set": [flow(&own, "alpha"), flow(ROW_FLOWS[0], "beta")],
        "configure_flow": own,
        "friendly_name": null,
        "provider": "twilio",
        "from_number": "+15005550006",
        "account_sid": "AC1",
        "auth": "x",
        "auth_password": "",
        "auth_type": "basic",
        "verify_only": false,
        "mapping": null,
    })
}

fn flow(pk: &str, slug: &str) -> Value {
    json!({
        "pk": pk,
        "policybindingmodel_ptr_id": pk,
        "name": slug,
        "slug": slug,
        "title": slug,
        "designation": "stage_configuration",
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "layout": "stacked",
        "denied_action": "message_continue",
    })
}
