//! The outcomes of a change.

use crate::stage::{problem::Problems, version::Stored};

/// The outcome of a change.
#[derive(Debug)]
#[must_use]
pub enum Updated {
    /// The change is made; this is the stage as it is now.
    Done(Box<Stored>),
    /// No stage has this UUID.
    Missing,
    /// The stage does not meet the preconditions.
    PreconditionFailed,
    /// The change has these problems.
    Invalid(Problems),
    /// Other writers came first, every time.
    Conflict,
}
