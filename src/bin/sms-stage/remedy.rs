//! What to do about a failure of the table.

use authenticator_sms_stage::error::StoreError;

/// A failure of the table in one line for an operator, with what to do about it where that can be
/// told.
pub fn explained(error: &StoreError) -> String {
    let remedy = if error.cause.starts_with("ResourceNotFoundException") {
        "there is no such table there; check --table, --region, --profile and --endpoint"
    } else if error.cause.starts_with("AccessDeniedException") {
        "these credentials may not do that; name others with --profile"
    } else if ["UnrecognizedClientException", "ExpiredToken", "InvalidSignatureException"]
        .iter()
        .any(|code| error.cause.starts_with(code))
        || error.cause.contains("credential")
    {
        "log in, for example with `aws sso login`, or name other credentials with --profile"
    } else if error.cause.contains("dispatch failure") {
        "nobody answers there; check --region, --endpoint and the network"
    } else {
        return error.to_string();
    };
    // What the SDK tried to find credentials is a list of lines; the first says it.
    let what = error.to_string();
    let first = what.lines().next().unwrap_or_default();
    format!("{first} ({remedy})")
}
