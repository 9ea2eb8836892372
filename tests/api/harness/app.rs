//! A function with its own table, and ways to call it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::{Client, config::SharedHttpClient};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use lambda_http::{Context, LambdaEvent};
use serde_json::Value;

use super::{
    Answer, FIXTURE, RecordingClient, Request, TestTable,
    engine::EngineEndpoint,
    library::{self, AllowedOrigins, App, Contract, Event, Secrets, Table},
    log::LeakCheck,
    small_answers::with_small_answers,
};

/// More time than any invocation needs, even on a busy machine.
pub const LONG: Duration = Duration::from_secs(600);

/// A function with its own table.
pub struct TestApp {
    /// The function.
    pub function: App,
    /// Its table.
    pub table: Table,
    /// Its calls to DynamoDB.
    pub dynamodb: RecordingClient,
    /// A client whose calls are neither recorded nor intercepted.
    pub client: Client,
    /// The table's name.
    pub table_name: String,
    /// The engine that holds the table.
    pub endpoint: EngineEndpoint,
    /// Deletes the table at the end.
    _test_table: TestTable,
}

/// The settings of a function under test.
#[derive(Clone)]
pub struct TestSettings {
    /// The contract that the answers follow.
    pub contract: Contract,
    /// Which callers are shown credentials; none for the contract's default.
    pub secrets: Option<Secrets>,
    /// The origins whose scripts may read answers.
    pub cors: AllowedOrigins,
    /// How long tokens are remembered.
    pub token_memory: Duration,
    /// The documents in the table, in the format of `--load`; none for an empty table.
    pub documents: Option<&'static str>,
}

impl Default for TestSettings {
    fn default() -> Self {
        Self {
            contract: Contract::parse("2025.8").unwrap(),
            secrets: Some(Secrets::Echo),
            cors: AllowedOrigins::None,
            token_memory: Duration::ZERO,
            documents: Some(FIXTURE),
        }
    }
}

impl TestApp {
    /// A function that does not remember tokens, with the fixture in its table.
    pub async fn new() -> Self {
        Self::with_settings(TestSettings::default()).await
    }

    /// The same with an empty table.
    pub async fn empty() -> Self {
        Self::with_settings(TestSettings { documents: None, ..TestSettings::default() }).await
    }

    /// A function with these settings.
    pub async fn with_settings(settings: TestSettings) -> Self {
        LeakCheck::start();
        let endpoint = EngineEndpoint::find().await;
        let test_table = TestTable::reserve(&endpoint);
        let table_name = test_table.name.clone();
        let dynamodb = RecordingClient::new(endpoint.http());
        let recorded = endpoint.client(SharedHttpClient::new(dynamodb.clone()));
        let table = library::table(recorded, &table_name);
        table.create_table().await.unwrap();
        if let Some(documents) = settings.documents {
            library::load(&table, documents).await;
        }
        dynamodb.calls();
        Self {
            function: library::app(&table, &settings),
            table,
            dynamodb,
            client: endpoint.client(endpoint.http()),
            table_name,
            endpoint,
            _test_table: test_table,
        }
    }

    /// Sends a request.
    pub async fn send(&self, request: &Request) -> Answer {
        self.handle(request.library_event()).await
    }

    /// Sends a request in an invocation with this much time left.
    pub async fn send_within(&self, time: Duration, request: &Request) -> Answer {
        call_within(&self.function, request, time).await
    }

    /// Calls the function with an event.
    pub async fn handle(&self, event: Event) -> Answer {
        self.handle_raw(event).await.1
    }

    /// Calls the function with an event. Also returns the answer as Lambda receives it.
    pub async fn handle_raw(&self, event: Event) -> (Value, Answer) {
        let event = LambdaEvent::new(event, invocation_of(LONG));
        let Ok(answer) = self.function.handle(event).await;
        let raw = serde_json::to_value(answer).unwrap();
        let answer = Answer::read(&raw);
        (raw, answer)
    }
}

/// Sends a request to a function, in an invocation with this much time left.
pub async fn call_within(function: &App, request: &Request, time: Duration) -> Answer {
    let event = LambdaEvent::new(request.library_event(), invocation_of(time));
    let Ok(answer) = function.handle(event).await;
    Answer::read(&serde_json::to_value(answer).unwrap())
}

/// The context of an invocation with this much time left.
pub fn invocation_of(time: Duration) -> Context {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut context = Context::default();
    context.deadline = (now + time).as_millis().try_into().unwrap();
    context
}

/// Another client of the same table, whose calls are not intercepted.
pub struct OtherClient(App);

impl OtherClient {
    /// Another client of this function's table.
    pub fn of(app: &TestApp) -> Arc<Self> {
        let settings = TestSettings { token_memory: LONG, ..TestSettings::default() };
        let table = library::table(app.client.clone(), &app.table_name);
        Arc::new(Self(library::app(&table, &settings)))
    }

    /// Makes these changes to the first stage, one after another.
    pub async fn write(&self, bodies: &[Value]) {
        for body in bodies {
            let answer = call_within(&self.0, &Request::patch_json(body), LONG).await;
            assert_eq!(answer.status, 200, "another client's write: {}", answer.body);
        }
    }
}

impl TestApp {
    /// Another function on the same table. An answer to one of its queries has at most this many
    /// items.
    pub fn function_with_small_answers(&self, items: i32, settings: &TestSettings) -> App {
        let client = self.endpoint.client(SharedHttpClient::new(self.dynamodb.clone()));
        let table = library::table(with_small_answers(&client, items), &self.table_name);
        library::app(&table, settings)
    }

    /// Sends a request to the function just before the next call of this operation.
    pub fn send_before_next(self: &Arc<Self>, operation: &'static str, request: Request) {
        let app = Arc::clone(self);
        let pending = Mutex::new(Some(request));
        self.dynamodb.intercept(move |recorded, call, connector| {
            if recorded.operation != operation {
                return None;
            }
            let request = pending.lock().unwrap().take()?;
            let (app, connector) = (app.clone(), connector.clone());
            Some(HttpConnectorFuture::new(async move {
                let answer = app.send(&request).await;
                assert!(matches!(answer.status, 200 | 204), "{}: {}", answer.status, answer.body);
                connector.call(call).await
            }))
        });
    }

    /// Sends a request to the function just before another writer's next transaction.
    pub fn send_before_next_transaction(self: &Arc<Self>, request: Request) {
        self.send_before_next("TransactWriteItems", request);
    }
}
