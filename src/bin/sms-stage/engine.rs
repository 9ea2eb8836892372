//! The embedded DynamoDB engine, called inside this process: without a port, no other user of the
//! machine can read or write the table.

use std::{fmt, time::Duration};

use authenticator_sms_stage::store::{
    Table,
    client::{self, Connection},
    endpoint::Endpoint,
};
use aws_sdk_dynamodb::{
    Client,
    config::{Credentials, timeout::TimeoutConfig},
    error::ConnectorError,
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};

use crate::output::Failure;

/// The table's name on the embedded engine.
pub const TABLE: &str = "authenticator-sms-stage";

/// Timeout of one attempt. It is longer than the function's: a debug build of the engine takes
/// seconds for a stage of 1,000 flows.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// An address for the SDK to sign and send to. It is not looked up, since the connector below never
/// leaves the process.
const ADDRESS: &str = "http://embedded-engine.invalid";

/// Returns the table on this engine, and whether it was created just now.
pub async fn table(database: Database) -> Result<(Table, bool), Failure> {
    let table = Table::new(&client(database)?, TABLE.to_owned());
    let cannot_create = |error| Failure::new("cannot create the table", error);
    let is_new = !table.exists().await.map_err(cannot_create)?;
    if is_new {
        table.create_table().await.map_err(cannot_create)?;
    }
    Ok((table, is_new))
}

/// Starts an engine that keeps its data in memory.
pub fn in_memory() -> Result<Database, Failure> {
    Database::memory().map_err(|error| Failure::new("cannot start the embedded engine", error))
}

/// The function's own client, but its requests go to the engine.
fn client(database: Database) -> Result<Client, Failure> {
    let connection = Connection {
        region: "us-east-1".to_owned(),
        endpoint: Some(Endpoint::parse(ADDRESS).map_err(Failure)?),
        roots: None,
        // The SDK has to sign; the engine ignores signatures.
        credentials: Credentials::new("local", "local", None, None, "embedded engine"),
    };
    let client = client::client(connection).map_err(|error| Failure(error.to_string()))?;
    let config = client.config().to_builder().timeout_config(timeouts());
    Ok(Client::from_conf(config.http_client(InProcess(database)).build()))
}

/// The timeouts for an engine on this machine.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

/// Passes the SDK's requests to the engine.
#[derive(Clone)]
struct InProcess(Database);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let database = self.0.clone();
        HttpConnectorFuture::new(async move {
            let work = move || answer(&database, &request);
            // The engine blocks on SQLite and on its own lock.
            let answered = tokio::task::spawn_blocking(work).await;
            answered.map_err(|error| ConnectorError::other(error.into(), None))?
        })
    }
}

fn answer(database: &Database, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
    let body = request.body().bytes().unwrap_or_default();
    let (status, body) = match dispatch(database, operation, body) {
        Ok(body) => (200, body),
        Err(error) => (error.status_code(), error.to_json()),
    };
    let status = status.try_into().map_err(|_| ConnectorError::user("no such status".into()))?;
    Ok(HttpResponse::new(status, body.into()))
}

fn dispatch(database: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<String> {
    match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        _ => Err(DynoxideError::UnsupportedCapability(operation.to_owned())),
    }
}

fn run<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> dynoxide::Result<Answer>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|_| DynoxideError::InternalServerError("an answer is not JSON".to_owned()))
}

/// The marks that the engine puts before the errors of its own request parsers, and whether each
/// means a `ValidationException`; if not, it means a `SerializationException`.
const MARKS: [(&str, bool); 5] = [
    ("VALIDATION_REQUEST:", true),
    ("VALIDATION_AS_READ:", true),
    ("VALIDATION:", true),
    ("SERIALIZATION_AS_READ:", false),
    ("SERIALIZATION:", false),
];

/// DynamoDB's error for a request that cannot be read.
///
/// The engine's server derives it from the marks in serde's text, in code that it does not export.
/// A text without a mark is left out, since it may quote the request.
fn unreadable(error: &str) -> DynoxideError {
    let text = error.rsplit_once(" at line ").map_or(error, |(text, _)| text);
    let marked = MARKS.iter().find_map(|(mark, is_validation)| {
        text.strip_prefix(mark).map(|message| (message, *is_validation))
    });
    let (message, is_validation) = marked.unwrap_or_else(|| {
        let is_validation = ["missing field", "unknown variant", "null", "Supplied AttributeValue"]
            .iter()
            .any(|part| text.contains(part));
        ("the request is not one of this operation", is_validation)
    });
    if is_validation {
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}
