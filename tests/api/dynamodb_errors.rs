//! How each DynamoDB error is answered. No local engine returns these errors, so the tests answer
//! the calls themselves.

mod cancelled_transaction;
mod conflict;
mod connection;
mod invalid_item;
mod unprocessed_keys;

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use crate::harness::{
    calls::{
        self, Call, EVERY_CALL, TRANSACTIONS, UPDATES, assert_error, server_error, unavailable,
    },
    dynamodb,
    library::Retry,
};

/// A DynamoDB error, and how it is handled.
struct Row {
    /// The error's name.
    code: &'static str,
    /// The part before the name in `__type`.
    namespace: &'static str,
    status: u16,
    message: &'static str,
    /// The calls that can fail with it.
    calls: &'static [Call],
    /// How many times the SDK sends the call.
    sends: usize,
    remedy: Retry,
    why: &'static str,
}

const DYNAMODB: &str = dynamodb::NAMESPACE;
const CORAL: &str = "com.amazon.coral.service";

const fn row(
    code: &'static str,
    (namespace, status): (&'static str, u16),
    message: &'static str,
    calls: &'static [Call],
    (sends, remedy): (usize, Retry),
    why: &'static str,
) -> Row {
    Row { code, namespace, status, message, calls, sends, remedy, why }
}

/// The SDK retries, and the client may retry.
const RETRIED: (usize, Retry) = (3, Retry::Retryable);
/// The SDK does not retry, but the client may.
const RETRYABLE: (usize, Retry) = (1, Retry::Retryable);
/// Retrying does not help.
const PERMANENT: (usize, Retry) = (1, Retry::Permanent);

/// The errors other than failed conditions and conflicts.
const ROWS: &[Row] = &[
    row(
        "ProvisionedThroughputExceededException",
        (DYNAMODB, 400),
        "The level of configured provisioned throughput for the table was exceeded.",
        EVERY_CALL,
        RETRIED,
        "throttled: the table or one of its partitions is overloaded",
    ),
    row(
        "ThrottlingException",
        (DYNAMODB, 400),
        "Throughput exceeds the current capacity of your table or index.",
        EVERY_CALL,
        RETRIED,
        "throttled: an on-demand table is growing",
    ),
    row(
        "ThrottlingException",
        ("com.amazon.coral.availability", 400),
        "Rate of requests exceeds the allowed throughput.",
        EVERY_CALL,
        RETRIED,
        "throttled in front of DynamoDB",
    ),
    row(
        "RequestLimitExceeded",
        (DYNAMODB, 400),
        "Throughput exceeds the current throughput limit for your account.",
        EVERY_CALL,
        RETRIED,
        "throttled: the account is over its limit",
    ),
    row(
        "InternalServerError",
        (DYNAMODB, 500),
        "Internal server error",
        EVERY_CALL,
        RETRIED,
        "DynamoDB fails",
    ),
    row(
        "InternalFailure",
        (CORAL, 500),
        "The request processing has failed.",
        EVERY_CALL,
        RETRIED,
        "the service in front of DynamoDB fails",
    ),
    row(
        "ServiceUnavailable",
        ("com.amazon.coral.availability", 503),
        "Service is unavailable",
        EVERY_CALL,
        RETRIED,
        "DynamoDB is unavailable",
    ),
    row(
        "ResourceNotFoundException",
        (DYNAMODB, 400),
        "Requested resource not found",
        EVERY_CALL,
        PERMANENT,
        "the table does not exist: a setting is wrong",
    ),
    row(
        "InvalidEndpointException",
        (DYNAMODB, 421),
        "The endpoint is not valid for this table",
        EVERY_CALL,
        PERMANENT,
        "a setting is wrong",
    ),
    row(
        "ItemCollectionSizeLimitExceededException",
        (DYNAMODB, 400),
        "Collection size exceeded.",
        UPDATES,
        PERMANENT,
        "only a table with a local index has collections, and this table has none",
    ),
    row(
        "IdempotentParameterMismatchException",
        (DYNAMODB, 400),
        "Request token was already used with different parameters",
        TRANSACTIONS,
        PERMANENT,
        "each attempt has its own token, so this would be a bug in the function",
    ),
    row(
        "AccessDeniedException",
        (CORAL, 400),
        "User: arn:aws:sts::123456789012:assumed-role/role/function is not authorized",
        EVERY_CALL,
        PERMANENT,
        "the function's policy is wrong",
    ),
    row(
        "UnrecognizedClientException",
        (CORAL, 400),
        "The security token included in the request is invalid.",
        EVERY_CALL,
        PERMANENT,
        "the credentials are unknown",
    ),
    row(
        "InvalidSignatureException",
        (CORAL, 400),
        "The request signature we calculated does not match the signature you provided.",
        EVERY_CALL,
        PERMANENT,
        "the secret key is wrong",
    ),
    row(
        "IncompleteSignatureException",
        (CORAL, 400),
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        EVERY_CALL,
        PERMANENT,
        "a proxy in front of DynamoDB removes headers",
    ),
    row(
        "MissingAuthenticationTokenException",
        (CORAL, 400),
        "Request is missing Authentication Token",
        EVERY_CALL,
        PERMANENT,
        "a proxy in front of DynamoDB removes headers",
    ),
    row(
        "ExpiredTokenException",
        (CORAL, 400),
        "The security token included in the request is expired",
        EVERY_CALL,
        RETRYABLE,
        "the next process has new credentials",
    ),
    row(
        "ValidationException",
        ("com.amazon.coral.validate", 400),
        "The provided expression refers to an attribute that does not exist in the item",
        EVERY_CALL,
        PERMANENT,
        "the request or the item is wrong",
    ),
    row(
        "SerializationException",
        (CORAL, 400),
        "Start of structure or map found where not expected.",
        EVERY_CALL,
        PERMANENT,
        "the request is wrong",
    ),
    row(
        "SomethingNewException",
        (DYNAMODB, 400),
        "An error that is not known yet",
        EVERY_CALL,
        RETRYABLE,
        "it may be temporary",
    ),
];

/// The cause in the log. Most messages are omitted, because they may repeat part of the request.
fn cause(code: &str, message: &str) -> String {
    match code {
        "AccessDeniedException" => format!("{code}: {message}"),
        "ResourceNotFoundException" => {
            format!("{code}: this region and account have no table with the name in TABLE_NAME")
        }
        _ => code.to_owned(),
    }
}

#[tokio::test]
async fn every_dynamodb_error_is_answered_without_details_for_the_client() {
    let app = calls::app().await;
    let before = app.snapshot().await;
    for Row { code, namespace, status, message, calls, sends, remedy, why } in ROWS {
        for call in *calls {
            let why = format!("{code} at {call:?}: {why}");
            let kind = format!("{namespace}#{code}");
            call.answer_always(&app, move || dynamodb::error_of_type(*status, &kind, message));
            let answer = app.send(&call.request()).await;
            assert_eq!(call.times_sent(&app), *sends, "{why}");
            let expected = match remedy {
                Retry::Retryable => unavailable(),
                Retry::Permanent => server_error(),
            };
            assert_error(&answer, expected, &why);
            let error = call.error(&app).await;
            assert_eq!((error.retry, error.operation), (*remedy, call.operation()), "{why}");
            assert_eq!(error.cause, cause(code, message), "{why}: the log has the cause");
            app.dynamodb.calls();
        }
    }
    app.dynamodb.stop_intercepting();
    assert_eq!(app.snapshot().await, before, "nothing was written");
}

/// The errors that have their own tests: failed conditions and conflicts.
const OUTCOMES: &[(&str, &[Call])] = &[
    ("ConditionalCheckFailedException", UPDATES),
    ("TransactionConflictException", UPDATES),
    ("ReplicatedWriteConflictException", UPDATES),
    ("TransactionCanceledException", TRANSACTIONS),
    ("TransactionInProgressException", TRANSACTIONS),
];

/// The names of an operation's errors in the SDK's source. The SDK's enums are non-exhaustive, so
/// no `match` here would fail to compile when an error is added.
fn errors_in_the_sdk(operation: &str) -> BTreeSet<String> {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Offline, only this platform's dependencies are sure to be available.
    let metadata = cargo(&[
        "metadata",
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        "--format-version=1",
        "--offline",
        "--locked",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let sdk = packages.iter().find(|package| package["name"] == "aws-sdk-dynamodb").unwrap();
    let manifest = std::path::Path::new(sdk["manifest_path"].as_str().unwrap());
    let source = manifest.with_file_name("src").join("operation").join(format!("{operation}.rs"));
    let source = std::fs::read_to_string(source).unwrap();
    let (_, errors) = source.split_once("\npub enum ").unwrap();
    let (variants, _) = errors.split_once("\n}").unwrap();
    variants
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once("(crate::types::error::"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn every_error_that_the_sdk_defines_is_tested_here() {
    for (file, call) in [
        ("get_item", Call::Stage),
        ("update_item", Call::InPlace),
        ("transact_write_items", Call::Transaction),
        ("batch_get_item", Call::Verify),
        ("query", Call::List),
    ] {
        let failures = ROWS.iter().map(|row| (row.code, row.calls));
        let tested: BTreeSet<String> = failures
            .chain(OUTCOMES.iter().copied())
            .filter(|(_, calls)| calls.contains(&call))
            .map(|(code, _)| code.to_owned())
            .collect();
        let known = errors_in_the_sdk(file);
        assert!(known.len() > 5, "{file}: the enum was not found: {known:?}");
        let untested: Vec<_> = known.difference(&tested).collect();
        assert!(untested.is_empty(), "{file}: not tested: {untested:?}");
    }
}
