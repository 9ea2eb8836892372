//! A failure of the table, for the log: the operation, the cause, and whether a retry may help.
//!
//! A cause consists of codes and this program's words, not of the SDK's texts: those about an
//! endpoint that is not a URI, or from a connector, may contain a whole request, and so secrets.

use std::fmt;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};

use super::schema::Unreadable;

/// Whether a later retry may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may: the table was slow, throttled or unreachable.
    Retryable,
    /// It will not: the request, the permissions, the table's name or the item is wrong.
    Permanent,
}

/// A failure of the table. Its text is for the log, never for a client.
#[derive(Debug)]
pub struct StoreError {
    /// Whether a later retry may help.
    pub retry: Retry,
    /// The operation that failed.
    pub operation: &'static str,
    /// What went wrong; contains no part of any request or item.
    pub cause: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.cause)
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// A failure that may be temporary.
    #[must_use]
    pub fn retryable(operation: &'static str, cause: impl Into<String>) -> Self {
        Self { retry: Retry::Retryable, operation, cause: cause.into() }
    }

    /// A failure that remains until an operator fixes its cause.
    #[must_use]
    pub fn permanent(operation: &'static str, cause: impl Into<String>) -> Self {
        Self { retry: Retry::Permanent, operation, cause: cause.into() }
    }

    /// An item that this program cannot read.
    pub(crate) fn unreadable(error: &Unreadable) -> Self {
        Self::permanent("reading an item", error.to_string())
    }

    /// A request that lacks a part, which is a bug in this program.
    pub(crate) fn unbuilt(_: BuildError) -> Self {
        Self::permanent("building a request", "a part of it is missing")
    }

    /// A failure that the SDK reports.
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

/// Whether an error with this code recurs until an operator fixes its cause: the request, the
/// endpoint or the credentials will be just as wrong next time.
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

/// The code, with its message if that can only be about the account and the table.
fn described(code: &str, message: Option<&str>) -> String {
    match (code, message) {
        ("AccessDeniedException", Some(message)) => format!("{code}: {message}"),
        ("ResourceNotFoundException", _) => {
            format!("{code}: this region and account have no table with the name in TABLE_NAME")
        }
        ("ValidationException", Some(message)) if is_about_the_key(message) => {
            format!("{code}: the table's key is not `kind` and `id`")
        }
        _ => code.to_owned(),
    }
}

/// Whether DynamoDB says that a request does not fit the table's key: it has no code for that.
fn is_about_the_key(message: &str) -> bool {
    ["key element", "key schema", "Missing the key"].iter().any(|words| message.contains(words))
}

/// Why there is no readable answer.
fn unanswered<E>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => {
            "the request could not be built; are the endpoint and the credentials right?".to_owned()
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
        _ => "an error of an unknown kind".to_owned(),
    }
}
