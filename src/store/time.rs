//! Times as the table has them, in seconds since 1970, and as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};

/// The time now.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Reads a time of RFC 3339, such as `2030-01-31T12:00:00+02:00`; one before 1970 counts as 1970.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()?;
    Some(u64::try_from(time.secs()).unwrap_or_default())
}

/// Writes a time by RFC 3339, in UTC.
#[must_use]
pub fn format(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let time = DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime);
    // What lies beyond the year 9999 has no such form.
    time.unwrap_or_else(|_| format!("{seconds} s after 1970"))
}
