//! A function with a table of its own, and ways to ask it and to look at its table.

pub mod engine;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, Once, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use authenticator_sms_stage::{
    handler::App,
    log,
    request::Event,
    store::{Secrets, StageTable, documents::Documents},
};
use aws_sdk_dynamodb::{Client, config::SharedHttpClient, types::AttributeValue};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Map, Value, json};
use tracing::level_filters::LevelFilter;

use self::engine::{Lease, Site};

/// The fixture that every test starts from.
pub const FIXTURE: &str = include_str!("../conformance/fixture.json");
/// The fixture's first stage, which the tests change.
pub const STAGE: &str = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";
/// The fixture's second stage.
pub const OTHER_STAGE: &str = "b0c1d2e3-f405-4617-8293-a4b5c6d7e8f9";
/// A token that may change every stage.
pub const GOOD: &str = "good-token";
/// A token that may only look.
pub const VIEWER: &str = "viewer-token";

/// Every item of the table, by key.
pub type Snapshot = BTreeMap<String, HashMap<String, AttributeValue>>;

/// One call that went over the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `UpdateItem`, `GetItem`, …
    pub operation: String,
    /// What was asked, in DynamoDB's JSON.
    pub body: Value,
}

/// What is done with a call instead of, or besides, sending it on.
pub type Meddler =
    dyn Fn(&Seen, HttpRequest, &SharedHttpConnector) -> Option<HttpConnectorFuture> + Send + Sync;

/// Sees every call of an SDK client, and may meddle with it.
#[derive(Clone)]
pub struct Tap {
    inner: SharedHttpClient,
    calls: Arc<Mutex<Vec<Seen>>>,
    meddler: Arc<Mutex<Option<Arc<Meddler>>>>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

impl Tap {
    fn over(inner: SharedHttpClient) -> Self {
        Self { inner, calls: Arc::default(), meddler: Arc::default() }
    }

    /// The calls since this was last asked.
    pub fn calls(&self) -> Vec<Seen> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// The names of the calls since this was last asked.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|seen| seen.operation).collect()
    }

    /// Lets this decide about every call from now on.
    pub fn meddle(
        &self,
        meddler: impl Fn(&Seen, HttpRequest, &SharedHttpConnector) -> Option<HttpConnectorFuture>
        + Send
        + Sync
        + 'static,
    ) {
        *self.meddler.lock().unwrap() = Some(Arc::new(meddler));
    }

    /// Leaves the calls alone again.
    pub fn leave_alone(&self) {
        *self.meddler.lock().unwrap() = None;
    }
}

impl HttpClient for Tap {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(TapConnector { tap: self.clone(), inner })
    }
}

#[derive(Debug)]
struct TapConnector {
    tap: Tap,
    inner: SharedHttpConnector,
}

impl HttpConnector for TapConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body = serde_json::from_slice(body).unwrap_or_default();
        let seen = Seen { operation, body };
        self.tap.calls.lock().unwrap().push(seen.clone());
        let meddler = self.tap.meddler.lock().unwrap().clone();
        match meddler {
            // A meddler that wants the call sent on says so with `None`; it gets a copy.
            Some(meddler) => match request.try_clone() {
                Some(copy) => {
                    meddler(&seen, copy, &self.inner).unwrap_or_else(|| self.inner.call(request))
                }
                None => self.inner.call(request),
            },
            None => self.inner.call(request),
        }
    }
}

/// What no line of the log may hold: the fixture's tokens and credentials, and those that the tests
/// set.
pub const SECRETS: [&str; 7] = [
    "good-token",
    "viewer-token",
    "expired-token",
    "s3cr3t-token",
    "hunter2",
    "n3w-auth-secret",
    "n3w-password",
];

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps every line that is logged while the tests run, and fails whoever logs a secret.
#[derive(Clone, Copy)]
struct Watchman;

impl std::io::Write for Watchman {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(line).into_owned();
        for secret in SECRETS {
            assert!(!line.contains(secret), "{secret} was logged: {line}");
        }
        LOG.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines logged so far that hold this text.
pub fn logged(text: &str) -> Vec<Value> {
    let lines = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lines.iter().filter(|line| line.contains(text));
    found.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A function with a table of its own.
pub struct House {
    /// The function.
    pub app: App,
    /// Its table.
    pub table: StageTable,
    /// What it asks of DynamoDB.
    pub tap: Tap,
    /// A client that the tap does not see.
    pub client: Client,
    /// The table's name.
    pub table_name: String,
    /// Where its engine is.
    pub site: Site,
    /// Removes the table at the end.
    _lease: Lease,
}

/// How a house is built.
pub struct Plan {
    /// Whether answers show credentials.
    pub secrets: Secrets,
    /// How long tokens are remembered.
    pub token_memory: Duration,
    /// Whether the fixture is in the table.
    pub is_furnished: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { secrets: Secrets::Echo, token_memory: Duration::ZERO, is_furnished: true }
    }
}

impl House {
    /// A house with the fixture in it, where no token is remembered.
    pub async fn new() -> Self {
        Self::build(Plan::default()).await
    }

    /// A house to order.
    pub async fn build(plan: Plan) -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(|| log::start(LevelFilter::TRACE, || Watchman));
        let site = Site::find().await;
        let lease = site.lease_table();
        let table_name = lease.table_name.clone();
        let tap = Tap::over(site.http());
        let tapped = site.client(SharedHttpClient::new(tap.clone()));
        let table = StageTable::new(tapped, table_name.clone(), plan.secrets);
        table.create_table().await.unwrap();
        if plan.is_furnished {
            Documents::parse(FIXTURE).unwrap().load(&table).await.unwrap();
        }
        tap.calls();
        Self {
            app: App::new(table.clone(), plan.secrets, plan.token_memory),
            table,
            tap,
            client: site.client(site.http()),
            table_name,
            site,
            _lease: lease,
        }
    }

    /// Sends a request in an invocation that has this long.
    pub async fn send_within(&self, time: Duration, request: &Request) -> Answer {
        ask(&self.app, request, time).await
    }

    /// Sends a request.
    pub async fn send(&self, request: &Request) -> Answer {
        let event: Event = serde_json::from_str(&request.event().to_string()).unwrap();
        self.handle(event).await
    }

    /// Hands the function an event.
    pub async fn handle(&self, event: Event) -> Answer {
        self.raw_answer(event).await.1
    }

    /// Hands the function an event, and shows the answer as Lambda gets it, too.
    pub async fn raw_answer(&self, event: Event) -> (Value, Answer) {
        let Ok(answer) = self.app.handle(LambdaEvent::new(event, Context::default())).await;
        let raw = serde_json::to_value(answer).unwrap();
        let answer = Answer::read(&raw);
        (raw, answer)
    }

    /// Every item of the table.
    pub async fn snapshot(&self) -> Snapshot {
        let pages = self.client.scan().table_name(&self.table_name).consistent_read(true);
        let mut items = pages.into_paginator().items().send();
        let mut snapshot = Snapshot::new();
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            snapshot.insert(item["partition_key"].as_s().unwrap().clone(), item);
        }
        snapshot
    }

    /// Makes the table again what it was, item by item: on some engines a new table takes seconds.
    pub async fn restore(&self, before: &Snapshot) {
        let now = self.snapshot().await;
        for key in now.keys().filter(|key| !before.contains_key(*key)) {
            let delete = self.client.delete_item().table_name(&self.table_name);
            let key = AttributeValue::S(key.clone());
            delete.key("partition_key", key).send().await.unwrap();
        }
        for (_, item) in before.iter().filter(|(key, item)| now.get(*key) != Some(*item)) {
            let put = self.client.put_item().table_name(&self.table_name);
            put.set_item(Some(item.clone())).send().await.unwrap();
        }
    }
}

/// Sends a request to this function, in an invocation that has this long.
pub async fn ask(app: &App, request: &Request, time: Duration) -> Answer {
    let event: Event = serde_json::from_str(&request.event().to_string()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut context = Context::default();
    context.deadline = (now + time).as_millis().try_into().unwrap();
    let Ok(answer) = app.handle(LambdaEvent::new(event, context)).await;
    Answer::read(&serde_json::to_value(answer).unwrap())
}

/// The kind of event that a request comes as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// API Gateway's REST API, payload 1.0.
    RestApi,
    /// API Gateway's HTTP API, payload 2.0.
    HttpApi,
}

/// A request, as a client means it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The door it comes through.
    pub door: Door,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A PATCH of the fixture's first stage by somebody who may, through the HTTP API.
    pub fn patch(body: impl Into<Vec<u8>>) -> Self {
        Self {
            door: Door::HttpApi,
            method: "PATCH".to_owned(),
            path: format!("/api/v3/stages/authenticator/sms/{STAGE}/"),
            headers: vec![
                ("Authorization".to_owned(), format!("Bearer {GOOD}")),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: body.into(),
        }
    }

    /// A GET of the fixture's first stage by somebody who may.
    pub fn get() -> Self {
        Self::patch("").method("GET")
    }

    /// The same by another method.
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// The same for another path.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The same for another stage.
    pub fn stage(self, stage: &str) -> Self {
        self.path(&format!("/api/v3/stages/authenticator/sms/{stage}/"))
    }

    /// The same through another door.
    pub fn door(mut self, door: Door) -> Self {
        self.door = door;
        self
    }

    /// The same with a header set; or, without a value, left out.
    pub fn header<'v>(mut self, name: &str, value: impl Into<Option<&'v str>>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if let Some(value) = value.into() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same by the holder of another token.
    pub fn token(self, key: &str) -> Self {
        self.header("Authorization", &*format!("Bearer {key}"))
    }

    /// The Lambda event that the door makes of it.
    pub fn event(&self) -> Value {
        let (body, is_base64) = match std::str::from_utf8(&self.body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(&self.body), true),
        };
        match self.door {
            Door::HttpApi => self.http_api_event(&body, is_base64),
            Door::RestApi => self.rest_api_event(&body, is_base64),
        }
    }

    fn http_api_event(&self, body: &str, is_base64: bool) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), json!(value)))
            .collect();
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": "",
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api-id",
                "domainName": "api-id.execute-api.eu-central-1.amazonaws.com",
                "domainPrefix": "api-id",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "test",
                },
                "requestId": "request-id",
                "routeKey": "$default",
                "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1_773_342_238_000_u64,
            },
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }

    fn rest_api_event(&self, body: &str, is_base64: bool) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let all: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        json!({
            "resource": "/{proxy+}",
            "path": self.path,
            "httpMethod": self.method,
            "headers": headers,
            "multiValueHeaders": all,
            "queryStringParameters": null,
            "multiValueQueryStringParameters": null,
            "pathParameters": {"proxy": self.path.trim_start_matches('/')},
            "stageVariables": null,
            "requestContext": {
                "resourceId": "abc123",
                "resourcePath": "/{proxy+}",
                "httpMethod": self.method,
                "path": format!("/prod{}", self.path),
                "accountId": "123456789012",
                "protocol": "HTTP/1.1",
                "stage": "prod",
                "domainPrefix": "api-id",
                "requestTimeEpoch": 1_773_342_238_000_u64,
                "requestId": "request-id",
                "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
                "domainName": "api-id.execute-api.eu-central-1.amazonaws.com",
                "apiId": "api-id",
            },
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; null if there is none.
    pub body: Value,
}

impl Answer {
    fn read(answer: &Value) -> Self {
        let mut headers = BTreeMap::new();
        for kind in ["headers", "multiValueHeaders"] {
            for (name, value) in answer[kind].as_object().into_iter().flatten() {
                let value = value.as_array().map_or(value, |values| &values[0]);
                headers.insert(name.to_lowercase(), value.as_str().unwrap().to_owned());
            }
        }
        Self {
            status: answer["statusCode"].as_u64().unwrap().try_into().unwrap(),
            headers,
            body: answer["body"]
                .as_str()
                .filter(|body| !body.is_empty())
                .map_or(Value::Null, |body| serde_json::from_str(body).unwrap()),
        }
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The status and the body, for comparing both at once.
    pub fn whole(&self) -> (u16, Value) {
        (self.status, self.body.clone())
    }
}

/// The answer to a request that went well: the fixture's first stage, with these fields changed.
pub fn stage_with(changes: Value) -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let mut stage = fixture["stages"][0].clone();
    for (field, value) in changes.as_object().unwrap() {
        stage[field] = value.clone();
    }
    stage
}

/// The body of an error that is not about fields.
pub fn detail(code: &str, text: &str) -> Value {
    json!({"detail": text, "code": code})
}
