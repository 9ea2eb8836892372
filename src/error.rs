//! Why a request was refused or failed, in the words of the domain.
//!
//! HTTP-free: `response.rs` has the one table from here to statuses. What a client may read is in
//! the variant; what only an operator may read (tables, hosts, codes of AWS) is in [`StoreError`],
//! and goes to the log.

use std::fmt;

use crate::validation::ValidationError;

/// Why a request has no document for an answer.
#[derive(Debug)]
pub enum Error {
    /// The path is none that we serve.
    NoRoute,
    /// The path is ours; the method, given, is not.
    MethodNotAllowed(String),
    /// The event's HTTP request cannot be read, for this reason.
    BadRequest(&'static str),
    /// No credentials were sent, or none that could be read as such.
    NotAuthenticated,
    /// Credentials of another scheme than `Bearer` were sent.
    UnsupportedAuthentication,
    /// Nobody has this token, or no longer.
    BadToken,
    /// The path's stage, given, is no UUID.
    BadStageUuid(String),
    /// The caller may not do this to this stage, whether there is one or not.
    Denied,
    /// The body is larger than a request may be.
    BodyTooLarge,
    /// The body is of this type, which is not JSON.
    UnsupportedMediaType(String),
    /// The `If-Match` or `If-None-Match` header is no list of entity tags.
    BadEntityTags,
    /// The body is not JSON, for this reason.
    Parse(String),
    /// The body is JSON, and these things are wrong with it.
    Invalid(ValidationError),
    /// There is no such stage.
    Missing,
    /// The stage is not what `If-Match` says it is.
    PreconditionFailed,
    /// Other writers were faster, every time.
    Outrun,
    /// The table could not be asked, or did not do what it was asked to.
    Store(StoreError),
}

/// Whether asking the table again later may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It may: the table was slow, throttled or out of reach.
    TryLater,
    /// It will not: the request, the permissions or the item are wrong.
    Repair,
}

/// A failure of the table. Its text is for the log, never for a client.
#[derive(Debug)]
pub struct StoreError {
    /// Whether asking again later may help.
    pub remedy: Remedy,
    /// What the table was asked.
    pub operation: &'static str,
    /// What went wrong, with the whole chain of causes; has no part of any item in it.
    pub cause: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.cause)
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
