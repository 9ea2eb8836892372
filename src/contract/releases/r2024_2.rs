//! 2024.2, whose contract stayed the same up to 2025.6.

use crate::{
    contract::{
        line::{BackgroundKeys, Line},
        release::Release,
    },
    stage::rules::NoDisplayName,
};

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2024, month: 2, patch: 4 },
    no_display_name: NoDisplayName::Null,
    flow_set_is_writable: true,
    slug_characters_max: Some(50),
    layouts: 5,
    background: BackgroundKeys::Background,
    themed_backgrounds_from_patch: None,
    secrets_gone_from_patch: None,
    has_autocomplete: false,
    page_size_default: 100,
    page_size_max: None,
    page_size_invalid: 100,
    nulls_first: false,
    search_before_permission: false,
};
