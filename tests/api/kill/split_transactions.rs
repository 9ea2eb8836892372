//! A proxy between the function and its table that turns each transaction into several writes, one
//! after another. If a process is killed in the middle of a transaction, the remaining writes are
//! not made.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request as HttpRequest, Response},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::{http, lambda_process::Table};
use crate::harness::{Request, Trigger};

/// The pause after each write, so that a kill can fall between two writes.
const WRITE_TIME: Duration = Duration::from_millis(10);

/// The same table, accessed through the proxy.
pub async fn split(table: &Table) -> Table {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let engine = table.endpoint.trim_start_matches("http://").to_owned();
    let router = Router::new().fallback(pass_on).with_state(engine);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Table { endpoint, name: table.name.clone() }
}

/// Sends the parts of a request to the engine. Cancelled when the connection ends.
async fn pass_on(State(engine): State<String>, request: HttpRequest<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let kept = ["x-amz-target", "x-amz-date", "authorization", "content-type"];
    let headers = kept.iter().filter_map(|name| {
        let value = head.headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let mut whole = Request {
        trigger: Trigger::HttpApi,
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: headers.collect(),
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    };
    let asked: Value = serde_json::from_slice(&whole.body).unwrap_or_default();
    let mut answer = (200, json!({}));
    for part in parts(asked) {
        whole.body = part.to_string().into();
        let stream = TcpStream::connect(&engine).await.unwrap();
        let (status, _, body) = http::send(stream, &whole).await.unwrap();
        answer = (status, body);
        if status != 200 {
            break;
        }
        tokio::time::sleep(WRITE_TIME).await;
    }
    Response::builder()
        .status(answer.0)
        .header("Content-Type", "application/x-amz-json-1.0")
        .body(Body::from(answer.1.to_string()))
        .unwrap()
}

fn parts(asked: Value) -> Vec<Value> {
    match &asked["TransactItems"] {
        Value::Array(parts) => parts.iter().map(|part| json!({"TransactItems": [part]})).collect(),
        _ => vec![asked],
    }
}
