//! A request, independent of its trigger.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    authorizer::Identity,
    error::{MalformedTags, NotBase64},
    headers::Headers,
    precondition::{Preconditions, Tags},
    query::{Query, RawQuery},
};

/// A request. Its `Debug` form shows none of its content, since body and headers hold secrets.
pub struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: RawQuery,
    pub(super) headers: Headers,
    pub(super) body: String,
    pub(super) is_base64_encoded: bool,
    pub(super) identity: Option<Identity>,
}

/// The values of a request's `Authorization` header. Cannot be printed.
pub enum Authorization<'r> {
    /// There is none.
    Missing,
    /// There is this one.
    One(&'r str),
    /// There are several: choosing one of them would be a guess.
    Several,
}

impl Request {
    /// The method in upper case: `patch` is PATCH, as in Django. Empty if the event has none.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Whether the answer must have no body.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Whether a browser is asking if it may send another request (Fetch Standard, CORS-preflight).
    #[must_use]
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS"
            && self.origin().is_some()
            && self.header("access-control-request-method").is_some()
    }

    /// The path as in the event, percent-encoded or not; empty if the event has none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query parameters. They are decoded on every call.
    #[must_use]
    pub fn query(&self) -> Query<'_> {
        self.query.decoded()
    }

    /// The first value of a header. The name is case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.first(name)
    }

    /// `User-Agent`.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.header("user-agent")
    }

    /// `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    /// `Origin`.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header("origin")
    }

    /// `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Authorization<'_> {
        let mut values = self.headers.all("authorization");
        match (values.next(), values.next()) {
            (None, _) => Authorization::Missing,
            (Some(value), None) => Authorization::One(value),
            (Some(_), Some(_)) => Authorization::Several,
        }
    }

    /// The caller's identity according to API Gateway's authorizer, or IAM. It is never taken from
    /// headers.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// `If-Match` and `If-None-Match`.
    ///
    /// # Errors
    ///
    /// [`MalformedTags`] for a header that is not a list of entity tags.
    pub fn preconditions(&self) -> Result<Preconditions, MalformedTags> {
        let tags = |name| Tags::parse(self.headers.all(name));
        Ok(Preconditions { if_match: tags("if-match")?, if_none_match: tags("if-none-match")? })
    }

    /// The body's bytes; empty if there is no body.
    ///
    /// # Errors
    ///
    /// [`NotBase64`] if the event says that the body is base64, but it is not.
    pub fn body(&self) -> Result<Cow<'_, [u8]>, NotBase64> {
        if self.is_base64_encoded {
            STANDARD.decode(&self.body).map(Cow::Owned).map_err(|_| NotBase64)
        } else {
            Ok(Cow::Borrowed(self.body.as_bytes()))
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}
