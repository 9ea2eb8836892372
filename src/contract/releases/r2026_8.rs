//! 2026.8: null sorts first; answers have no secrets from 2026.8.2 on.

use crate::contract::{line::Line, release::Release};

use super::r2026_5;

/// The contract.
pub const LINE: Line = Line {
    newest: Release { year: 2026, month: 8, patch: 7 },
    secrets_gone_from_patch: Some(2),
    nulls_first: true,
    ..r2026_5::LINE.inherited()
};
