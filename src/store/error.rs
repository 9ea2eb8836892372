//! A failure of the table: what was asked, whether asking again may help, and why, for the log.
//!
//! A cause is put together from codes and our own words. The SDK's texts are left out: an endpoint
//! that is no URI, or a connector, may put a whole request into them, and so secrets.

use std::fmt;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};

use super::item::Unreadable;

/// Whether asking the table again later may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may: the table was slow, throttled or out of reach.
    Retryable,
    /// It will not: the request, the permissions, the table's name or the item are wrong.
    Permanent,
}

/// A failure of the table. Its text is for the log, never for a client.
#[derive(Debug)]
pub struct StoreError {
    /// Whether asking again later may help.
    pub retry: Retry,
    /// What the table was asked.
    pub operation: &'static str,
    /// What went wrong; has no part of any request or item in it.
    pub cause: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.cause)
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// A failure that may pass.
    #[must_use]
    pub fn retryable(operation: &'static str, cause: impl Into<String>) -> Self {
        Self { retry: Retry::Retryable, operation, cause: cause.into() }
    }

    /// A failure that stays until an operator mends its cause.
    #[must_use]
    pub fn permanent(operation: &'static str, cause: impl Into<String>) -> Self {
        Self { retry: Retry::Permanent, operation, cause: cause.into() }
    }

    /// An item that this program does not read.
    pub(crate) fn unreadable(error: &Unreadable) -> Self {
        Self::permanent("reading an item", error.to_string())
    }

    /// A request that lacks a part, which is a mistake in this program.
    pub(crate) fn unbuilt(_: BuildError) -> Self {
        Self::permanent("building a request", "a part of it is missing")
    }

    /// What the SDK reports.
    pub(crate) fn from_sdk<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E>,
    ) -> Self {
        match error.code() {
            Some(code) => Self {
                retry: if is_permanent(code) { Retry::Permanent } else { Retry::Retryable },
                operation,
                cause: described(code, error.message()),
            },
            None => Self::retryable(operation, unanswered(error)),
        }
    }
}

/// Whether an error of this code comes again until an operator mends its cause: what was asked, or
/// where, or with which credentials, will be no better next time.
fn is_permanent(code: &str) -> bool {
    matches!(
        code,
        "ValidationException"
            | "SerializationException"
            | "ResourceNotFoundException"
            | "IdempotentParameterMismatchException"
            | "ItemCollectionSizeLimitExceededException"
            | "InvalidEndpointException"
            | "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException"
    )
}

/// The code, with its message where that can only be about the account and the table.
fn described(code: &str, message: Option<&str>) -> String {
    match (code, message) {
        ("AccessDeniedException", Some(message)) => format!("{code}: {message}"),
        ("ResourceNotFoundException", _) => {
            format!("{code}: no table has the name in TABLE_NAME, in this region and account")
        }
        _ => code.to_owned(),
    }
}

/// Why there is no answer that could be read.
fn unanswered<E>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => {
            "the request could not be made; are the endpoint and the credentials right?".to_owned()
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            "no connection in time".to_owned()
        }
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            "no connection: the endpoint cannot be reached".to_owned()
        }
        SdkError::DispatchFailure(_) => {
            "the request could not be sent; are the endpoint and the credentials right?".to_owned()
        }
        SdkError::ResponseError(response) => {
            format!("the answer cannot be read (status {})", response.raw().status().as_u16())
        }
        SdkError::ServiceError(service) => {
            format!("an error without a code (status {})", service.raw().status().as_u16())
        }
        _ => "an error of another kind".to_owned(),
    }
}
