//! Permissions as values: [`Caller`](super::caller::Caller) creates them, and no stage is
//! read or written for a caller without one.

use std::collections::BTreeSet;

use uuid::Uuid;

/// Django's codename for viewing a stage.
pub const VIEW: &str = "authentik_stages_authenticator_sms.view_authenticatorsmsstage";
/// Django's codename for creating stages.
pub const ADD: &str = "authentik_stages_authenticator_sms.add_authenticatorsmsstage";
/// Django's codename for changing a stage.
pub const CHANGE: &str = "authentik_stages_authenticator_sms.change_authenticatorsmsstage";
/// Django's codename for deleting a stage.
pub const DELETE: &str = "authentik_stages_authenticator_sms.delete_authenticatorsmsstage";
/// Django's codename for viewing flows, which `used_by` and the list of flows show.
pub const VIEW_FLOW: &str = "authentik_flows.view_flow";

/// The codenames, each with the short name that operators use for it.
pub const CODENAMES: [(&str, &str); 5] = [
    ("view", VIEW),
    ("add", ADD),
    ("change", CHANGE),
    ("delete", DELETE),
    ("view_flow", VIEW_FLOW),
];

/// The codename for a word, which is one of the short names in [`CODENAMES`] or a codename itself.
#[must_use]
pub fn codename(word: &str) -> Option<&'static str> {
    CODENAMES
        .iter()
        .find(|(short, codename)| *short == word || *codename == word)
        .map(|(_, codename)| *codename)
}

/// Why a caller may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The caller lacks the permission.
    Denied,
    /// The caller may view only other stages, and so must not learn whether this one exists.
    Hidden,
}

/// Declares the permissions for one stage.
macro_rules! for_one_stage {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            stage: Uuid,
        }

        impl $name {
            pub(super) fn new(stage: Uuid) -> Self {
                Self { stage }
            }

            /// The stage that the permission is for.
            #[must_use]
            pub fn stage(&self) -> Uuid {
                self.stage
            }
        }
    )+};
}

for_one_stage! {
    /// Permission to view this stage.
    MayView,
    /// Permission to change this stage.
    MayChange,
    /// Permission to delete this stage.
    MayDelete,
}

/// Permission to create stages.
#[derive(Debug)]
pub struct MayAdd(());

impl MayAdd {
    pub(super) fn new() -> Self {
        Self(())
    }
}

/// Permission to list stages.
#[derive(Debug)]
pub struct MayList {
    stages: StageSet,
}

impl MayList {
    pub(super) fn new(stages: StageSet) -> Self {
        Self { stages }
    }

    /// The stages that may be listed; `None` for all of them.
    #[must_use]
    pub fn stages(&self) -> Option<&BTreeSet<Uuid>> {
        match &self.stages {
            StageSet::Every => None,
            StageSet::These(stages) => Some(stages),
        }
    }
}

/// The stages for which a permission is held.
#[derive(Debug)]
pub enum StageSet {
    /// Every stage.
    Every,
    /// These stages, whether they exist or not.
    These(BTreeSet<Uuid>),
}

impl StageSet {
    /// Whether the permission is held for this stage.
    #[must_use]
    pub fn contains(&self, stage: Uuid) -> bool {
        match self {
            Self::Every => true,
            Self::These(stages) => stages.contains(&stage),
        }
    }

    /// Whether the permission is held for no stage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Every => false,
            Self::These(stages) => stages.is_empty(),
        }
    }
}
