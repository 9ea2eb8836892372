//! The tables of the tests. Each name begins with [`TABLE_PREFIX`]; no other table is touched.

use std::{
    io::Write as _,
    sync::{
        Once, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::delete_table::DeleteTableError,
};

use super::engine::{Engine, EngineEndpoint, VARIABLE};

/// The prefix of every table's name.
pub const TABLE_PREFIX: &str = "sms-stage-test-";

/// Maximum number of attempts to delete a table, half a second apart: AWS refuses to delete a table
/// that is still being created.
const DELETIONS_MAX: u32 = 60;

/// Identifies this run's tables among those of other runs on the same engine.
pub fn run_id() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| uuid::Uuid::new_v4().simple().to_string()[..12].to_owned())
}

/// A table of one test, deleted when this value is dropped, also after a panic.
#[derive(Debug)]
pub struct TestTable {
    endpoint: EngineEndpoint,
    /// The table's name.
    pub name: String,
}

impl TestTable {
    /// Reserves a name. The caller creates the table.
    pub fn reserve(endpoint: &EngineEndpoint) -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        if endpoint.engine != Engine::Embedded {
            announce(endpoint);
        }
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        Self { endpoint: endpoint.clone(), name: format!("{TABLE_PREFIX}{}-{number}", run_id()) }
    }
}

/// Prints once how to delete the tables of an interrupted run. Writes directly to standard error,
/// because the test runner hides what a passing test prints.
fn announce(endpoint: &EngineEndpoint) {
    static ANNOUNCED: Once = Once::new();
    ANNOUNCED.call_once(|| {
        let place = endpoint.url.as_deref().unwrap_or("AWS");
        let name = endpoint.url.as_deref().unwrap_or("aws");
        let _ = writeln!(
            std::io::stderr(),
            "tables {TABLE_PREFIX}{}-* on {place}, each deleted by its test; after an \
             interrupted run:\n  {VARIABLE}={name} cargo test --locked --test api -- --ignored \
             deletes_the_tables_of_interrupted_runs",
            run_id(),
        );
    });
}

impl Drop for TestTable {
    fn drop(&mut self) {
        if self.endpoint.engine == Engine::Embedded {
            return; // It was in memory, and ends with the test.
        }
        let (endpoint, name) = (self.endpoint.clone(), self.name.clone());
        // This may block the test's own runtime, so another thread deletes the table, with its own
        // client.
        let deletion = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let client = endpoint.client(endpoint.http());
            runtime.block_on(remove_table(&client, &name)).map_err(std::io::Error::other)
        });
        let problem = match deletion.join() {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "panicked".to_owned(),
        };
        let _ = writeln!(std::io::stderr(), "{} was not deleted: {problem}", self.name);
    }
}

/// Deletes a table, if it exists.
pub async fn remove_table(client: &Client, name: &str) -> Result<(), String> {
    for _ in 0..DELETIONS_MAX {
        let Err(error) = client.delete_table().table_name(name).send().await else {
            return Ok(());
        };
        match error.as_service_error() {
            Some(DeleteTableError::ResourceNotFoundException(_)) => return Ok(()),
            // The table is being created, or too many tables are being deleted.
            Some(
                DeleteTableError::ResourceInUseException(_)
                | DeleteTableError::LimitExceededException(_),
            ) => tokio::time::sleep(Duration::from_millis(500)).await,
            _ => return Err(message(&error)),
        }
    }
    Err("the table is still in use".to_owned())
}

fn message(error: &SdkError<DeleteTableError>) -> String {
    match error.code() {
        Some(code) => format!("{code}: {}", error.message().unwrap_or_default()),
        None => error.to_string(),
    }
}
