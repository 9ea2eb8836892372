//! A flow in a stage's `flow_set`.

use uuid::Uuid;

pub use super::value::Flow;

use super::{
    field::{FLOW_FIELDS, FLOW_NAME, FLOW_SLUG, FLOW_TITLE, Spec},
    value::Value,
};

/// Background of a flow that was never given one: the default of authentik's model.
pub const DEFAULT_BACKGROUND: &str = "/static/dist/assets/images/flow_background.jpg";

/// Maximum number of flows in a `flow_set`: more cannot be stored with one stage, because an item
/// holds 409,600 bytes and a flow takes at least 216 (116 of them for its attribute names).
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

    /// The path where the flow can be exported; derived from the slug.
    #[must_use]
    pub fn export_url(&self) -> String {
        format!("/api/v3/flows/instances/{}/export/", self.slug())
    }

    /// The text of the field at this index of [`FLOW_FIELDS`].
    #[must_use]
    pub fn text(&self, index: usize) -> &str {
        self.values.get(index).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self::new()
    }
}

/// One element of a `flow_set` in a request.
///
/// A field that it does not contain keeps its value in the stage's flow with the same slug, or gets
/// the model's default if there is no such flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowPatch {
    /// The values of [`FLOW_FIELDS`], in the same order; `None` if not sent.
    pub values: Vec<Option<Value>>,
}

impl FlowPatch {
    /// The slug, which identifies the flow of the stage that it changes.
    #[must_use]
    pub fn slug(&self) -> &str {
        let slug = self.values.get(FLOW_SLUG).and_then(Option::as_ref);
        slug.and_then(Value::as_str).unwrap_or_default()
    }

    /// The resulting flow: `known`, or a new one, overwritten by the sent values.
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
