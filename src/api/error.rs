//! Why a request is refused or fails. The table of answers is in `answer.rs`.

use crate::{
    access::permission::Refusal,
    stage::problem::{Problem, Problems},
    store::error::StoreError,
};

/// Why a request is not answered with what it asks for.
///
/// What a client may read is in the variant; what only an operator may read (tables, hosts, codes of
/// AWS) is in [`StoreError`], and goes to the log.
#[derive(Debug)]
pub enum Error {
    /// The path is none that is served, and none of authentik's.
    NoRoute,
    /// The path is authentik's, and is not served here.
    NotImplemented,
    /// The path is served, but not by this method.
    MethodNotAllowed {
        /// The method.
        method: String,
        /// The methods that the path has, as the `Allow` header lists them.
        allow: String,
    },
    /// The event's HTTP request cannot be read, for this reason.
    BadRequest(&'static str),
    /// No credentials were sent, or none that could be read as such.
    NotAuthenticated,
    /// Credentials of another scheme than `Bearer` were sent.
    UnsupportedAuthentication,
    /// There is no such token, or no longer.
    BadToken,
    /// The path's stage, given, is no UUID.
    BadStageUuid(String),
    /// The caller may not do this, whether there is such a stage or not.
    Denied,
    /// There is no such stage, or none that the caller may view.
    NotFound,
    /// The body is larger than a request may be.
    BodyTooLarge,
    /// The body is of this type, which is not JSON.
    UnsupportedMediaType(String),
    /// The body is not JSON, for this reason.
    NotJson(String),
    /// The body has more values in it than any stage.
    TooManyValues,
    /// The `If-Match` or `If-None-Match` header is not a list of entity tags.
    BadEntityTags,
    /// These parameters of a list, by their names, are wrong.
    BadParameters(Vec<(&'static str, Problem)>),
    /// The list has no such page.
    InvalidPage,
    /// The body is JSON, and these things are wrong with it.
    Invalid(Problems),
    /// The stage is not as `If-Match` or `If-None-Match` asks.
    PreconditionFailed,
    /// Other writers came first, every time, and nothing was changed.
    Conflict,
    /// The answer would be larger than the trigger carries.
    AnswerTooLarge,
    /// The table could not be asked, or did not do what it was asked to.
    Store(StoreError),
}

impl Error {
    /// Whether a caller who may view single stages only is told something else where this stage is
    /// not among them any more.
    #[must_use]
    pub fn stands_behind_visibility(&self) -> bool {
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
