//! A flow, as it stands in a stage's `flow_set`.

use uuid::Uuid;

pub use super::value::Flow;

use super::{
    field::{FLOW_FIELDS, FLOW_NAME, FLOW_SLUG, FLOW_TITLE, Spec},
    value::Value,
};

/// Background of a flow that never got one: the default of authentik's model.
pub const DEFAULT_BACKGROUND: &str = "/static/dist/assets/images/flow_background.jpg";

/// Maximum number of flows in a `flow_set`: more cannot be stored with one stage, since an item holds
/// 409,600 bytes and the smallest flow takes 216 (116 of them for its attributes' names).
pub const FLOWS_MAX: usize = 409_600 / 216;

impl Flow {
    /// A flow with new keys and the model's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pk: Uuid::new_v4(),
            policybindingmodel_ptr_id: Uuid::new_v4(),
            background: DEFAULT_BACKGROUND.to_owned(),
            values: FLOW_FIELDS.iter().filter_map(Spec::initial_value).collect(),
        }
    }

    /// Name for administrators.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text(FLOW_NAME)
    }

    /// Name in the URL; unique within a stage's `flow_set`.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.text(FLOW_SLUG)
    }

    /// Title of the flow's pages.
    #[must_use]
    pub fn title(&self) -> &str {
        self.text(FLOW_TITLE)
    }

    /// Where the flow can be exported; follows from the slug.
    #[must_use]
    pub fn export_url(&self) -> String {
        format!("/api/v3/flows/instances/{}/export/", self.slug())
    }

    /// The text of the field in this place of [`FLOW_FIELDS`].
    #[must_use]
    pub fn text(&self, place: usize) -> &str {
        self.values.get(place).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self::new()
    }
}

/// One element of a `flow_set` that was sent: what it names of [`FLOW_FIELDS`], in their order.
///
/// What it does not name stays as the stage's flow with its slug has it, or is the model's default
/// where no flow has the slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowPatch {
    /// What is named.
    pub values: Vec<Option<Value>>,
}

impl FlowPatch {
    /// The slug, which tells which flow of the stage it changes.
    #[must_use]
    pub fn slug(&self) -> &str {
        let slug = self.values.get(FLOW_SLUG).and_then(Option::as_ref);
        slug.and_then(Value::as_str).unwrap_or_default()
    }

    /// The flow as it will be: `known`, or a new one, overwritten by what was sent.
    #[must_use]
    pub fn apply(&self, known: Option<&Flow>) -> Flow {
        let mut flow = known.cloned().unwrap_or_default();
        for (value, sent) in flow.values.iter_mut().zip(&self.values) {
            if let Some(sent) = sent {
                value.clone_from(sent);
            }
        }
        flow
    }
}
