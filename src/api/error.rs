//! Why a request is refused or fails. The table of answers is in `answer.rs`.

use crate::{
    access::permission::Refusal,
    stage::{
        echo::Echo,
        problem::{Problem, Problems},
    },
    store::error::StoreError,
};

/// The reason why a request is refused or fails.
///
/// The variants contain what a client may see. What only an operator may see (tables, hosts, AWS
/// error codes) is in [`StoreError`], and goes to the log.
#[derive(Debug)]
pub enum Error {
    /// The path is neither served nor part of authentik's API.
    NoRoute,
    /// The path is part of authentik's API, but is not served here.
    NotImplemented,
    /// The path is served, but not with this method.
    MethodNotAllowed {
        /// The method.
        method: Echo,
        /// The path's methods, as the `Allow` header lists them.
        allow: String,
    },
    /// The event's HTTP request cannot be read, for this reason.
    BadRequest(&'static str),
    /// No credentials were sent, or none that could be read.
    NotAuthenticated,
    /// Credentials of a scheme other than `Bearer` were sent.
    UnsupportedAuthentication,
    /// The token does not exist, or is no longer valid.
    BadToken,
    /// The stage in the path, given here, is not a UUID.
    BadStageUuid(Echo),
    /// The caller may not do this, whether or not there is such a stage.
    Denied,
    /// There is no such stage, or the caller may not view it.
    NotFound,
    /// The body is too large.
    BodyTooLarge,
    /// The body has this content type, which is not JSON.
    UnsupportedMediaType(Echo),
    /// The body is not JSON, for this reason.
    NotJson(String),
    /// The body has more values than any stage can have.
    TooManyValues,
    /// The `If-Match` or `If-None-Match` header is not a list of entity tags.
    BadEntityTags,
    /// These parameters of a list, given by name, are invalid.
    BadParameters(Vec<(&'static str, Problem)>),
    /// The list has no such page.
    InvalidPage,
    /// The body is JSON, but has these problems.
    Invalid(Problems),
    /// The stage does not satisfy `If-Match` or `If-None-Match`.
    PreconditionFailed,
    /// Every attempt lost to another writer, and nothing was changed.
    Conflict,
    /// The answer would be larger than the trigger can carry.
    AnswerTooLarge,
    /// The table could not be reached, or did not do what was requested.
    Store(StoreError),
}

impl Error {
    /// Whether a caller who may view only single stages gets a different error if this stage is not
    /// among those that exist.
    #[must_use]
    pub fn yields_to_visibility(&self) -> bool {
        match self {
            Self::Denied
            | Self::NotFound
            | Self::BodyTooLarge
            | Self::UnsupportedMediaType(_)
            | Self::NotJson(_)
            | Self::TooManyValues
            | Self::BadEntityTags
            | Self::Invalid(_)
            | Self::PreconditionFailed => true,
            Self::NoRoute
            | Self::NotImplemented
            | Self::MethodNotAllowed { .. }
            | Self::BadRequest(_)
            | Self::NotAuthenticated
            | Self::UnsupportedAuthentication
            | Self::BadToken
            | Self::BadStageUuid(_)
            | Self::BadParameters(_)
            | Self::InvalidPage
            | Self::Conflict
            | Self::AnswerTooLarge
            | Self::Store(_) => false,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied => Self::Denied,
            Refusal::Hidden => Self::NotFound,
        }
    }
}
