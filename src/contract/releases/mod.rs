//! Every known line of releases, oldest first: a row for each line, and a file for each line that
//! changed the contract.

pub mod r2024_2;
pub mod r2025_10;
pub mod r2025_12;
pub mod r2025_8;
pub mod r2026_2;
pub mod r2026_5;
pub mod r2026_8;

use super::line::Line;

/// The lines, oldest first.
pub static LINES: [Line; 15] = [
    r2024_2::LINE,
    r2024_2::LINE.unchanged_in(2024, 4, 4),
    r2024_2::LINE.unchanged_in(2024, 6, 5),
    r2024_2::LINE.unchanged_in(2024, 8, 6),
    r2024_2::LINE.unchanged_in(2024, 10, 5),
    r2024_2::LINE.unchanged_in(2024, 12, 5),
    r2024_2::LINE.unchanged_in(2025, 2, 4),
    r2024_2::LINE.unchanged_in(2025, 4, 4),
    r2024_2::LINE.unchanged_in(2025, 6, 4),
    r2025_8::LINE,
    r2025_10::LINE,
    r2025_12::LINE,
    r2026_2::LINE,
    r2026_5::LINE,
    r2026_8::LINE,
];
