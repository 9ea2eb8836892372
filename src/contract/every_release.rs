//! The contract if no release is chosen: what clients of every release can send and read.

use crate::stage::rules::NoDisplayName;

use super::{
    line::{BackgroundKeys, Line},
    releases::{r2025_8, r2026_8},
};

/// Requests are as in 2025.8, but a stage without a display name may be written either way. Answers
/// have every key that any release requires: a client ignores a key that it does not know.
pub static LINE: Line = Line {
    newest: r2026_8::LINE.newest,
    no_display_name: NoDisplayName::Either,
    background: BackgroundKeys::Both,
    themed_backgrounds_from_patch: Some(0),
    ..r2025_8::LINE.inherited()
};
