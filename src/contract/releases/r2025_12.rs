//! 2025.12: flows are read-only and have the key `background_url`; pages are smaller.

use crate::contract::{
    line::{BackgroundKeys, Line},
    release::Release,
};

use super::r2025_10;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2025, month: 12, patch: 6 },
    flow_set_is_writable: false,
    slug_characters_max: None,
    background: BackgroundKeys::Url,
    themed_backgrounds_from_patch: Some(2),
    page_size_default: 20,
    page_size_max: Some(100),
    ..r2025_10::LINE.inherited()
};
