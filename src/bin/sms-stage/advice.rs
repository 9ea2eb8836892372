//! Advice on failures of the table.

use authenticator_sms_stage::store::error::StoreError;

use crate::output::{Failure, printable};

/// Advice by the start of the cause: an error code, or the store's text where there was no answer.
const ADVICE: [(&str, &str); 12] = [
    (
        "ResourceNotFoundException",
        "there is no such table; check --table, --region, --profile and --endpoint",
    ),
    ("AccessDeniedException", "these credentials do not permit that; use others with --profile"),
    ("UnrecognizedClientException", LOG_IN),
    (
        "ExpiredToken",
        "the login has expired; log in again, or use other credentials with --profile",
    ),
    ("InvalidSignatureException", "check the credentials and this machine's clock"),
    ("IncompleteSignatureException", LOG_IN),
    ("MissingAuthenticationToken", LOG_IN),
    (
        "ValidationException: the table's key",
        "is this the function's table? Tables of version 0.1 have another key",
    ),
    ("ProvisionedThroughputExceeded", "the table has no capacity left; try again later"),
    ("Throttling", "the table has no capacity left; try again later"),
    ("no connection", "check --region, --endpoint and the network"),
    ("no answer in time", "check --region, --endpoint and the network, and try again"),
];

const LOG_IN: &str =
    "log in, for example with `aws sso login`, or use other credentials with --profile";

/// Describes a failure of the table in one line for an operator, with advice if there is any.
pub fn explained(error: &StoreError) -> String {
    let advice = ADVICE.iter().find(|(cause, _)| error.cause.starts_with(cause));
    // The code is enough here: the full message names the function's settings.
    let words = match error.cause.split_once(':') {
        Some(("ResourceNotFoundException", _)) => {
            format!("{} failed: ResourceNotFoundException", error.operation)
        }
        _ => error.to_string(),
    };
    let words = printable(words.lines().next().unwrap_or_default());
    match advice {
        Some((_, advice)) => format!("{words} ({advice})"),
        None => words,
    }
}

/// Returns the failure of a command whose request to the table failed.
pub fn failure(doing: impl std::fmt::Display, error: &StoreError) -> Failure {
    Failure::new(doing, explained(error))
}
