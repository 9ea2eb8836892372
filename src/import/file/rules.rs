//! The rules for documents.

use crate::stage::{
    field::LAYOUTS,
    rules::{NoDisplayName, Rules},
};

/// The rules for documents: everything that any release returns is accepted.
pub(super) const RULES: Rules = Rules {
    no_display_name: NoDisplayName::Either,
    flow_set_is_writable: true,
    slug_characters_max: None,
    layouts: LAYOUTS.len(),
    guards_secrets: false,
};
