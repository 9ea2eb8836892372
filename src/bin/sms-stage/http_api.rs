//! Converts an HTTP request into the event of API Gateway's HTTP API (payload format 2.0,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>),
//! and the function's answer into an HTTP response.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts,
        response::Builder,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Returns the event of this request.
pub fn event(head: &Parts, body: &[u8], client: SocketAddr) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": head.uri.path(),
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": headers(&head.headers),
        "requestContext": context(head, client),
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

fn context(head: &Parts, client: SocketAddr) -> Value {
    let text = |name: &HeaderName| {
        head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "accountId": "anonymous",
        "apiId": "local",
        "domainName": text(&header::HOST).unwrap_or_default(),
        "domainPrefix": "local",
        "http": {
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "protocol": format!("{:?}", head.version),
            "sourceIp": client.ip().to_string(),
            "userAgent": text(&header::USER_AGENT).unwrap_or_default(),
        },
        "requestId": Uuid::new_v4().to_string(),
        "routeKey": "$default",
        "stage": "$default",
        "timeEpoch": u64::try_from(now.as_millis()).unwrap_or_default(),
    })
}

/// Joins several values of a header with commas, as an HTTP API does.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| {
            let values = headers.get_all(name).iter();
            let values: Vec<_> =
                values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            (name.as_str().to_owned(), values.join(",").into())
        })
        .collect()
}

/// What the function returns to an HTTP API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaAnswer {
    status_code: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<String>,
}

/// Returns the response that an HTTP API makes from what the function returns.
pub fn response(answer: Value) -> Response<Body> {
    let Ok(answer) = serde_json::from_value::<LambdaAnswer>(answer) else {
        return plain(StatusCode::BAD_GATEWAY, "Internal Server Error");
    };
    let mut response = Response::builder().status(answer.status_code);
    for (name, value) in &answer.headers {
        response = with_header(response, name, value.as_str().unwrap_or_default());
    }
    let body = answer.body.map_or_else(Body::empty, Body::from);
    let bad_gateway = |_| plain(StatusCode::BAD_GATEWAY, "Internal Server Error");
    response.body(body).unwrap_or_else(bad_gateway)
}

/// Adds a header. One that HTTP does not allow is left out, as by a gateway.
fn with_header(response: Builder, name: &str, value: &str) -> Builder {
    match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), Ok(value)) => response.header(name, value),
        _ => response,
    }
}

/// Returns an answer of API Gateway's own.
pub fn plain(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(json!({"message": message}).to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
