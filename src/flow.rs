//! A flow, as it stands inside a stage's `flow_set`.

use uuid::Uuid;

use crate::choice::choices;

choices! {
    /// What a flow is used for.
    Designation {
        /// Logs a user in.
        Authentication = "authentication",
        /// Lets an application act for a user.
        Authorization = "authorization",
        /// Logs a user out.
        Invalidation = "invalidation",
        /// Takes in a new user.
        Enrollment = "enrollment",
        /// Lets a user leave.
        Unenrollment = "unenrollment",
        /// Brings back a user who cannot log in.
        Recovery = "recovery",
        /// Sets up a stage for a user.
        StageConfiguration = "stage_configuration",
    }
}

choices! {
    /// How many of a flow's policies must pass.
    PolicyEngineMode {
        /// Every one.
        All = "all",
        /// At least one.
        Any = "any",
    }
}

choices! {
    /// Where a flow's page shows its form.
    Layout {
        /// Above the footer, in the middle.
        Stacked = "stacked",
        /// To the left.
        ContentLeft = "content_left",
        /// To the right.
        ContentRight = "content_right",
        /// In a bar at the left edge.
        SidebarLeft = "sidebar_left",
        /// In a bar at the right edge.
        SidebarRight = "sidebar_right",
    }
}

choices! {
    /// What happens when a flow denies a user access.
    DeniedAction {
        /// Says so and, where there is a next page, goes there.
        MessageContinue = "message_continue",
        /// Says so.
        Message = "message",
        /// Goes on without a word.
        Continue = "continue",
    }
}

/// Background of a flow that never got one: the default of authentik's model.
pub const DEFAULT_BACKGROUND: &str = "/static/dist/assets/images/flow_background.jpg";

/// One flow of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Identifies the flow.
    pub pk: Uuid,
    /// Key of the row in authentik's parent table; kept because clients read it.
    pub policybindingmodel_ptr_id: Uuid,
    /// Name for administrators.
    pub name: String,
    /// Name in the URL; unique within a stage's `flow_set`.
    pub slug: String,
    /// Title of the flow's pages.
    pub title: String,
    /// What the flow is used for.
    pub designation: Designation,
    /// Where the background image is: a path below `/static`, or a URL.
    pub background: String,
    /// How many of its policies must pass.
    pub policy_engine_mode: PolicyEngineMode,
    /// Whether its pages make allowance for password managers on mobile devices.
    pub compatibility_mode: bool,
    /// Where its page shows its form.
    pub layout: Layout,
    /// What happens when it denies access.
    pub denied_action: DeniedAction,
}

impl Flow {
    /// Where the flow can be exported; follows from the slug.
    #[must_use]
    pub fn export_url(&self) -> String {
        format!("/api/v3/flows/instances/{}/export/", self.slug)
    }
}

/// One element of a `flow_set` that was sent: the four fields that make a flow, and what else it
/// names. `None` leaves the flow's own value, or the model's default where the slug is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowChange {
    /// Name for administrators.
    pub name: String,
    /// Tells which flow of the stage this is.
    pub slug: String,
    /// Title of the flow's pages.
    pub title: String,
    /// What the flow is used for.
    pub designation: Designation,
    /// How many of its policies must pass.
    pub policy_engine_mode: Option<PolicyEngineMode>,
    /// Whether its pages make allowance for password managers on mobile devices.
    pub compatibility_mode: Option<bool>,
    /// Where its page shows its form.
    pub layout: Option<Layout>,
    /// What happens when it denies access.
    pub denied_action: Option<DeniedAction>,
}

impl FlowChange {
    /// The flow as it will be: what `known` has, overwritten by what was sent.
    ///
    /// `fresh` makes the two keys of a flow whose slug is new: its own, and the parent table's.
    #[must_use]
    pub fn apply(&self, known: Option<&Flow>, fresh: impl FnOnce() -> (Uuid, Uuid)) -> Flow {
        let (pk, policybindingmodel_ptr_id) =
            known.map_or_else(fresh, |flow| (flow.pk, flow.policybindingmodel_ptr_id));
        let background = known.map_or(DEFAULT_BACKGROUND, |flow| &flow.background);
        Flow {
            pk,
            policybindingmodel_ptr_id,
            name: self.name.clone(),
            slug: self.slug.clone(),
            title: self.title.clone(),
            designation: self.designation,
            background: background.to_owned(),
            policy_engine_mode: (self.policy_engine_mode)
                .or(known.map(|flow| flow.policy_engine_mode))
                .unwrap_or(PolicyEngineMode::Any),
            compatibility_mode: (self.compatibility_mode)
                .or(known.map(|flow| flow.compatibility_mode))
                .unwrap_or(false),
            layout: (self.layout).or(known.map(|flow| flow.layout)).unwrap_or(Layout::Stacked),
            denied_action: (self.denied_action)
                .or(known.map(|flow| flow.denied_action))
                .unwrap_or(DeniedAction::MessageContinue),
        }
    }
}
