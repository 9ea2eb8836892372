//! Callers, tokens and permissions.

pub mod caller;
pub mod permission;
pub mod token;
