//! Errors in the syntax of a request, or of an HTTP setting.

use std::fmt;

/// The event says that its body is base64, but it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBase64;

/// `If-Match` or `If-None-Match` is neither `*` nor a list of quoted entity tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedTags;

/// An entry in the setting of allowed origins is not an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin {
    /// The entry, as written in the setting.
    pub entry: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an origin: {}", self.entry, self.problem)
    }
}

impl std::error::Error for InvalidOrigin {}
