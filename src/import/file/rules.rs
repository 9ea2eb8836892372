//! What a document may say.

use crate::stage::{
    field::LAYOUTS,
    rules::{NoDisplayName, Rules},
};

/// What a document may say: all that any release answers with.
pub(super) const RULES: Rules = Rules {
    no_display_name: NoDisplayName::Either,
    flow_set_is_writable: true,
    slug_characters_max: None,
    layouts: LAYOUTS.len(),
    guards_secrets: false,
};
