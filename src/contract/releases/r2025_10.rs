//! 2025.10: a missing display name is an empty string.

use crate::{
    contract::{line::Line, release::Release},
    stage::rules::NoDisplayName,
};

use super::r2025_8;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2025, month: 10, patch: 4 },
    no_display_name: NoDisplayName::Blank,
    ..r2025_8::LINE.inherited()
};
