//! A response, before it is shaped for the trigger.

use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// A response to any trigger. It cannot be printed, since a body may hold secrets.
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Headers, each with one value. The values must be UTF-8, since they become JSON.
    pub headers: HeaderMap,
    /// The body, if there is one.
    pub body: Option<String>,
}

impl Response {
    /// Creates a response without headers or a body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: None }
    }

    /// The same response with this header, which replaces any other of its name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same response with these headers as well.
    #[must_use]
    pub fn with_headers(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The same response with this body.
    #[must_use]
    pub fn with_body(self, body: String) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The same response without its body, for HEAD.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: None, ..self }
    }
}
