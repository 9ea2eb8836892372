//! A proxy between the function and its table that turns each transaction into several writes, one
//! after another. If a process is killed in the middle of a transaction, the remaining writes are
//! not made.
//!
//! Without kills, the proxy changes nothing: only a transaction whose conditions all hold is split,
//! and no other request is sent to the table in the meantime.

use std::{collections::HashSet, slice::from_ref, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request as HttpRequest, Response},
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use super::{http, lambda_process::Table};
use crate::harness::{
    Request, Trigger,
    key::{exists, probe_json},
};

/// The pause after each write, so that a kill can fall between two writes.
const WRITE_TIME: Duration = Duration::from_millis(10);

/// The proxy's state.
#[derive(Clone)]
struct Proxy {
    engine: Arc<Mutex<Engine>>,
    /// Whether a request is abandoned when its connection ends.
    follows_kills: bool,
}

/// The engine, which gets one request at a time.
struct Engine {
    table: Table,
    /// The tokens of the transactions that were split and executed: the engine does not know them.
    executed: HashSet<String>,
}

/// The same table, accessed through the proxy. Without kills, a connection ends only because a busy
/// machine was too slow for the function, and then a transaction is not left half done.
pub async fn split(table: &Table, follows_kills: bool) -> Table {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let engine = Engine { table: table.clone(), executed: HashSet::new() };
    let proxy = Proxy { engine: Arc::new(Mutex::new(engine)), follows_kills };
    let router = Router::new().fallback(pass_on).with_state(proxy);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Table { endpoint, name: table.name.clone() }
}

/// Answers a request. Cancelled when the connection ends.
async fn pass_on(State(proxy): State<Proxy>, request: HttpRequest<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let kept = ["x-amz-target", "x-amz-date", "authorization", "content-type"];
    let headers = kept.iter().filter_map(|name| {
        let value = head.headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let whole = Request {
        trigger: Trigger::HttpApi,
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: headers.collect(),
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    };
    let answering = answer(proxy.engine, whole);
    let (status, body) =
        if proxy.follows_kills { answering.await } else { tokio::spawn(answering).await.unwrap() };
    Response::builder()
        .status(status)
        .header("Content-Type", "application/x-amz-json-1.0")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// Sends a request to the engine; in parts, if it is a transaction that would succeed.
async fn answer(engine: Arc<Mutex<Engine>>, whole: Request) -> (u16, Value) {
    let mut engine = engine.lock().await;
    let asked: Value = serde_json::from_slice(&whole.body).unwrap_or_default();
    let token = asked["ClientRequestToken"].as_str().unwrap_or_default();
    let Some(parts) = asked["TransactItems"].as_array() else {
        return send(&engine.table, whole).await;
    };
    if engine.executed.contains(token) {
        return (200, json!({}));
    }
    if !would_succeed(&engine.table, &whole, parts).await {
        return send(&engine.table, whole).await;
    }
    for part in parts {
        let (status, body) = send(&engine.table, transaction(&whole, from_ref(part))).await;
        assert_eq!(status, 200, "{body}");
        tokio::time::sleep(WRITE_TIME).await;
    }
    engine.executed.insert(token.to_owned());
    (200, json!({}))
}

/// Whether a transaction would succeed: it is tried with one more condition, which never holds.
async fn would_succeed(table: &Table, whole: &Request, parts: &[Value]) -> bool {
    let never = json!({"ConditionCheck": {
        "TableName": table.name,
        "Key": probe_json("no such item"),
        "ConditionExpression": exists(),
    }});
    let (_, refusal) = send(table, transaction(whole, &[parts, &[never]].concat())).await;
    let reasons = refusal["CancellationReasons"].as_array();
    reasons.is_some_and(|reasons| reasons[..parts.len()].iter().all(|one| one["Code"] == "None"))
}

/// A transaction of these parts, without the token of the whole one.
fn transaction(whole: &Request, parts: &[Value]) -> Request {
    let body = json!({"TransactItems": parts}).to_string();
    Request { body: body.into(), ..whole.clone() }
}

async fn send(table: &Table, request: Request) -> (u16, Value) {
    let stream = TcpStream::connect(table.endpoint.trim_start_matches("http://")).await.unwrap();
    let (status, _, body) = http::send(stream, &request).await.unwrap();
    (status, body)
}
