//! Settings of the connection, fully checked before anything is sent.

pub use crate::http::endpoint::Endpoint;

/// Reads a table name:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>.
///
/// # Errors
///
/// A message that describes a valid name.
pub fn table_name(text: &str) -> Result<String, String> {
    // The SDK accepts a table's ARN wherever it accepts a name.
    let name = text.rsplit_once(":table/").map_or(text, |(_, name)| name);
    let is_name = (3..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let is_arn = name.len() == text.len()
        || (text.starts_with("arn:") && text.bytes().all(|b| b.is_ascii_graphic()));
    if is_name && is_arn {
        Ok(text.to_owned())
    } else {
        Err("is not a table name: 3 to 255 letters, digits, `_`, `-` and `.`".to_owned())
    }
}

/// Reads a region name, such as `eu-central-1`.
///
/// # Errors
///
/// A message that describes a valid name.
pub fn region(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("is not the name of a region such as eu-central-1".to_owned())
    }
}
