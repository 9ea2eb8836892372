//! Files that operators load: authentik's own answers, and this program's own format.

pub mod file;
pub mod load;
