//! Cross-origin requests: which origins may read answers, and the headers that tell browsers so.
//!
//! Fetch Standard, section *HTTP CORS protocol*. Credentials are never allowed: a caller is
//! identified by a header that a script must set, not by what a browser sends automatically.

use lambda_http::http::{HeaderName, HeaderValue, header};

use super::{endpoint::is_host, error::InvalidOrigin, request::Request};

/// What scripts may read of an answer besides its status, type and body.
const EXPOSED: HeaderValue = HeaderValue::from_static("ETag, Retry-After");
/// Which headers scripts may send.
const ALLOWED: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, If-Match, If-None-Match");
/// Seconds for which a browser need not send another preflight request.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// The origins whose scripts may read answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None: no answer has CORS headers.
    #[default]
    None,
    /// Every origin.
    Any,
    /// These, as a browser writes them.
    Listed(Vec<HeaderValue>),
}

impl AllowedOrigins {
    /// Reads the setting: origins (`https://host` or `https://host:port`) separated by commas, or
    /// `*` for every origin. A blank setting means no origins.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] for the first entry that is not an origin.
    pub fn parse(setting: &str) -> Result<Self, InvalidOrigin> {
        match setting.trim() {
            "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            list => list.split(',').map(origin).collect::<Result<_, _>>().map(Self::Listed),
        }
    }

    /// The headers that the answer to a request must have. `methods` are the path's methods, as in
    /// the `Allow` header.
    #[must_use]
    pub fn headers_for(
        &self,
        request: &Request,
        methods: &HeaderValue,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        if matches!(self, Self::Listed(_)) {
            // Even if the origin is not allowed: a cache must not serve this to other origins.
            headers.push((header::VARY, HeaderValue::from_static("Origin")));
        }
        let Some(origin) = request.origin().and_then(|origin| self.allowed(origin)) else {
            return headers;
        };
        headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin));
        headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
        if request.is_preflight() {
            headers.push((header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone()));
            headers.push((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED));
            headers.push((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE));
        }
        headers
    }

    /// The value of `Access-Control-Allow-Origin` for this origin, if it is allowed.
    fn allowed(&self, origin: &str) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::Listed(origins) => origins.iter().find(|listed| *listed == origin).cloned(),
        }
    }
}

/// Reads one origin, and writes it as browsers do (RFC 6454, section 6.1): in lower case, without
/// the scheme's default port.
fn origin(entry: &str) -> Result<HeaderValue, InvalidOrigin> {
    let entry = entry.trim();
    let origin = serialized(&entry.to_ascii_lowercase());
    origin.map_err(|problem| InvalidOrigin { entry: entry.to_owned(), problem })
}

fn serialized(text: &str) -> Result<HeaderValue, &'static str> {
    let (scheme, authority) = text
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "https" | "http"))
        .ok_or_else(|| problem_with_scheme(text))?;
    if authority.contains(['/', '?', '#']) {
        return Err("it must end with the host or the port, without a slash");
    }
    let (host, port) = host_and_port(authority);
    if !is_host(host) {
        return Err("the host must be an ASCII name or an IP address");
    }
    let port =
        port.map(port_number).transpose()?.filter(|port| Some(*port) != default_port(scheme));
    let origin = match port {
        None => format!("{scheme}://{host}"),
        Some(port) => format!("{scheme}://{host}:{port}"),
    };
    HeaderValue::try_from(origin).map_err(|_| "it is not valid in a header")
}

fn problem_with_scheme(text: &str) -> &'static str {
    match text {
        "" => "the list has an empty entry",
        "*" => "\"*\" cannot be part of a list",
        _ => "it must begin with https:// or http://",
    }
}

/// Splits at the colon before the port, not at one inside an IPv6 address.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn port_number(digits: &str) -> Result<u16, &'static str> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| is_number && *port > 0);
    port.ok_or("the port must be a number from 1 to 65535")
}

/// The scheme's default port.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}
