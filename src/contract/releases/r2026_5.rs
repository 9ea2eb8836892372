//! 2026.5: answers have no secrets from 2026.5.7 on.

use crate::contract::{line::Line, release::Release};

use super::r2026_2;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2026, month: 5, patch: 9 },
    secrets_gone_from_patch: Some(7),
    ..r2026_2::LINE.inherited()
};
