//! What to do about a failure of the table.

use authenticator_sms_stage::store::error::StoreError;

use crate::output::{Failure, printable};

/// What each code, or each of our own words for a missing answer, is about.
const ADVICE: [(&str, &str); 12] = [
    (
        "ResourceNotFoundException",
        "there is no such table there; check --table, --region, --profile and --endpoint",
    ),
    ("AccessDeniedException", "these credentials may not do that; name others with --profile"),
    ("UnrecognizedClientException", LOG_IN),
    (
        "ExpiredToken",
        "the login has expired; log in again, or name other credentials with --profile",
    ),
    ("InvalidSignatureException", "check the credentials, and this machine's clock"),
    ("IncompleteSignatureException", LOG_IN),
    ("MissingAuthenticationToken", LOG_IN),
    (
        "ValidationException",
        "is this the function's table? Its key is `kind` and `id`; one of version 0.1 has another",
    ),
    ("ProvisionedThroughputExceeded", "the table has no capacity left; try again later"),
    ("Throttling", "the table has no capacity left; try again later"),
    ("no connection", "check --region, --endpoint and the network"),
    ("no answer in time", "check --region, --endpoint and the network, and try again"),
];

const LOG_IN: &str =
    "log in, for example with `aws sso login`, or name other credentials with --profile";

/// A failure of the table in one line for an operator, with what to do about it where that can be
/// told.
pub fn explained(error: &StoreError) -> String {
    let advice = ADVICE.iter().find(|(cause, _)| error.cause.starts_with(cause));
    // Of the message for the function, which names its settings, the code is enough here.
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

/// The failure of a command that asked the table.
pub fn failure(doing: impl std::fmt::Display, error: &StoreError) -> Failure {
    Failure::new(doing, explained(error))
}
