//! DynamoDB's answers that no local engine gives: throttling, failures, and conflicts with other
//! transactions, in the form that AWS documents:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>.

use aws_smithy_runtime_api::client::{
    http::HttpConnectorFuture, orchestrator::HttpResponse, result::ConnectorError,
};
use lambda_http::http;
use serde_json::{Value, json};

/// The namespace of DynamoDB's own errors in `__type`.
pub const NAMESPACE: &str = "com.amazonaws.dynamodb.v20120810";

/// An answer with this status and body.
pub fn response(status: u16, body: String) -> HttpConnectorFuture {
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG")
        .body(body.into())
        .unwrap();
    HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).unwrap()))
}

/// An error. `kind` is the complete `__type`.
pub fn error_of_type(status: u16, kind: &str, message: &str) -> HttpConnectorFuture {
    response(status, json!({"__type": kind, "message": message}).to_string())
}

/// An error in DynamoDB's own namespace.
pub fn error(status: u16, code: &str, message: &str) -> HttpConnectorFuture {
    error_of_type(status, &format!("{NAMESPACE}#{code}"), message)
}

/// A connection that fails.
pub fn failed_connection(error: ConnectorError) -> HttpConnectorFuture {
    HttpConnectorFuture::ready(Err(error))
}

/// The error of a connection that breaks.
pub fn reset() -> ConnectorError {
    ConnectorError::io("connection reset by peer".into())
}

/// The answer to a failed condition, with the item that it was checked against.
pub fn condition_failed(item: &Value) -> HttpConnectorFuture {
    let body = json!({
        "__type": format!("{NAMESPACE}#ConditionalCheckFailedException"),
        "message": "The conditional request failed",
        "Item": item,
    });
    response(400, body.to_string())
}

/// The answer to a transaction that was cancelled for these reasons, one for each part.
pub fn cancelled(reasons: &[Value]) -> HttpConnectorFuture {
    let codes: Vec<_> = reasons.iter().map(|reason| reason["Code"].as_str().unwrap()).collect();
    let codes = codes.join(", ");
    let body = json!({
        "__type": format!("{NAMESPACE}#TransactionCanceledException"),
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        ),
        "CancellationReasons": reasons,
    });
    response(400, body.to_string())
}

/// The reason for a part that did not cause the cancellation.
pub fn none() -> Value {
    json!({"Code": "None"})
}

/// The reason for a part.
pub fn reason(code: &str, message: &str) -> Value {
    json!({"Code": code, "Message": message})
}

/// The reason for a part whose item is in another transaction.
pub fn conflict() -> Value {
    reason("TransactionConflict", "Transaction is ongoing for the item")
}

/// The reason for a part whose condition failed.
pub fn check_failed() -> Value {
    reason("ConditionalCheckFailed", "The conditional request failed")
}
