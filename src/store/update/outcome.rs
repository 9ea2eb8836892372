//! What can become of a change.

use crate::stage::{problem::Problems, version::Stored};

/// What became of a change.
#[derive(Debug)]
#[must_use]
pub enum Updated {
    /// It is done; this is the stage as it now stands.
    Done(Box<Stored>),
    /// No stage has this UUID.
    Missing,
    /// The stage is not as the preconditions ask.
    PreconditionFailed,
    /// These things, which only the table can tell, are wrong with the change.
    Invalid(Problems),
    /// Other writers came first, every time.
    Conflict,
}
