//! Loads operators' files into the table: answers of authentik's API, or this program's own format.

pub mod file;
pub mod load;
pub mod quote;
