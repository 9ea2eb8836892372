//! The address of a server, checked completely before anything is sent there.
//!
//! The SDK detects an endpoint that is not a URI only when it sends a request, and then prints the
//! whole request, including secrets.

use lambda_http::http::Uri;

/// An endpoint: `http://` or `https://`, a host, optionally a port; nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Reads an endpoint.
    ///
    /// # Errors
    ///
    /// What is wrong with the text. The message does not contain the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected http:// or https:// and a host, such as http://127.0.0.1:8000";
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!("contains white space; {expected}"));
        }
        if text.contains(['$', '{', '}', '<', '>']) {
            return Err(format!("contains a placeholder that was not replaced; {expected}"));
        }
        let uri: Uri = text.parse().map_err(|_| format!("is not a URI; {expected}"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if !matches!(scheme, "http" | "https") {
            return Err(format!("does not begin with http:// or https://; {expected}"));
        }
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let has_host = uri.host().is_some_and(is_host) && !authority.contains('@');
        // `port` returns `None` for anything that is not a valid port number.
        let has_port = uri.host().is_some_and(|host| host.len() == authority.len())
            || uri.port().is_some_and(|port| port.as_u16() > 0);
        if !has_host || !has_port {
            return Err(format!("has no valid host or port; {expected}"));
        }
        if uri.query().is_some() || !matches!(uri.path(), "" | "/") || text.contains('#') {
            return Err(format!("has more than a host and a port; {expected}"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The endpoint as given, without trailing slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the connection is not encrypted.
    #[must_use]
    pub fn is_cleartext(&self) -> bool {
        self.0.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
    }
}

/// Whether a host is a name made of labels, or an IP address.
pub(super) fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    !host.is_empty() && host.trim_end_matches('.').split('.').all(is_label)
}
