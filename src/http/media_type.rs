//! The content types that a JSON body may have.

/// Whether a body of this `Content-Type` is read as JSON, by Django REST framework's rule for
/// choosing a parser: type and subtype may each be `*`. JSON is UTF-8 (RFC 8259, section 8.1), so a
/// body with another `charset` is not JSON.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';');
    let media_type = parts.next().unwrap_or_default().trim();
    is_json_type(media_type) && parts.filter_map(|part| part.split_once('=')).all(is_utf8)
}

fn is_json_type(media_type: &str) -> bool {
    let is = |text: &str, name: &str| text == "*" || text.eq_ignore_ascii_case(name);
    media_type
        .split_once('/')
        .is_some_and(|(family, subtype)| is(family, "application") && is(subtype, "json"))
}

/// Whether a parameter is not a `charset`, or is the `charset` UTF-8.
fn is_utf8((name, value): (&str, &str)) -> bool {
    let charset = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset")
        || charset.eq_ignore_ascii_case("utf-8")
        || charset.eq_ignore_ascii_case("utf8")
}
