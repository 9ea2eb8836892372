//! 2026.2: two more layouts; secrets left the answers with 2026.2.7.

use crate::contract::{line::Line, release::Release};

use super::r2025_12;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2026, month: 2, patch: 7 },
    layouts: 7,
    secrets_gone_from_patch: Some(7),
    ..r2025_12::LINE.inherited()
};
