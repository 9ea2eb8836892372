//! 2025.8: lists have a search language, and the key `autocomplete` for it.

use crate::contract::{line::Line, release::Release};

use super::r2024_2;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2025, month: 8, patch: 6 },
    has_autocomplete: true,
    search_before_permission: true,
    ..r2024_2::LINE.inherited()
};
