//! 2026.2: two more layouts; answers have no secrets from 2026.2.7 on.

use crate::contract::{line::Line, release::Release};

use super::r2025_12;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2026, month: 2, patch: 7 },
    layouts: 7,
    secrets_gone_from_patch: Some(7),
    ..r2025_12::LINE.inherited()
};
