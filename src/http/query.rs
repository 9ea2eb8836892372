//! A request's query parameters, decoded in the same way for every trigger.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{pairs::Pairs, trigger::Trigger};

/// Query parameters, decoded, in the order of the request.
#[derive(Default)]
pub struct Query<'r>(Vec<(Cow<'r, str>, Cow<'r, str>)>);

impl<'r> Query<'r> {
    /// Reads a query string as Django does: `&` separates pairs, the first `=` ends the key, and a
    /// key without `=` has an empty value. `+` is a space, `%XX` is a byte of UTF-8 (invalid UTF-8
    /// becomes U+FFFD), and a `%` that is not followed by two hex digits is kept.
    #[must_use]
    pub fn parse(text: &'r str) -> Self {
        let parts = text.split('&').filter(|part| !part.is_empty());
        let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        Self(pairs.map(|(key, value)| (decode(key), decode(value))).collect())
    }

    /// The last value of a key, even if it is empty. The key is case-sensitive.
    #[must_use]
    pub fn last(&self, key: &str) -> Option<&str> {
        self.iter().filter(|(known, _)| *known == key).last().map(|(_, value)| value)
    }

    /// All keys and values, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
    } else {
        percent_decode_str(text).decode_utf8_lossy()
    }
}

/// The query as in the event. It is decoded only on demand, since most requests need none.
pub(super) enum RawQuery {
    /// The query string, from an HTTP API or a function URL.
    Text(String),
    /// Pairs that the gateway has decoded, from a REST API.
    Decoded(Pairs),
    /// Pairs as the client encoded them, from a load balancer.
    Encoded(Pairs),
}

impl RawQuery {
    /// Chooses among the forms that an event may have: the query string, one value for each key,
    /// and a list of values for each key.
    pub(super) fn new(
        trigger: Trigger,
        text: Option<String>,
        single_value: Option<Pairs>,
        multi_value: Option<Pairs>,
    ) -> Self {
        let multi_value = multi_value.filter(|Pairs(pairs)| !pairs.is_empty());
        let pairs = multi_value.or(single_value).unwrap_or_default();
        match (trigger, text) {
            (Trigger::HttpApi, Some(text)) => Self::Text(text),
            // An event written by hand may have only the decoded parameters.
            (Trigger::HttpApi, None) | (Trigger::RestApi, _) => Self::Decoded(pairs),
            (Trigger::LoadBalancer, _) => Self::Encoded(pairs),
        }
    }

    /// Decodes the query.
    pub(super) fn decoded(&self) -> Query<'_> {
        match self {
            Self::Text(text) => Query::parse(text),
            Self::Decoded(Pairs(pairs)) => {
                let borrow = |(key, value)| (Cow::Borrowed(key), Cow::Borrowed(value));
                Query(pairs.iter().map(|(key, value)| borrow((&**key, &**value))).collect())
            }
            Self::Encoded(Pairs(pairs)) => {
                Query(pairs.iter().map(|(key, value)| (decode(key), decode(value))).collect())
            }
        }
    }
}
