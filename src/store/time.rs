//! Converts times between seconds since 1970, as in the table, and RFC 3339.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};

/// The current time.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Reads an RFC 3339 time, such as `2030-01-31T12:00:00+02:00`; one before 1970 counts as 1970.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()?;
    Some(u64::try_from(time.secs()).unwrap_or_default())
}

/// Formats a time as in RFC 3339, in UTC.
#[must_use]
pub fn format(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let time = DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime);
    // Times after the year 9999 have no such format.
    time.unwrap_or_else(|_| format!("{seconds} s after 1970"))
}
