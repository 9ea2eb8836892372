//! The library's API as the tests use it. When that API changes, this file is adapted, not each
//! test. Only tests of a single module (the parser, the document) use the library directly.

use std::{io::Write, time::Duration};

use authenticator_sms_stage::{
    access::caller::Caller,
    api::Settings,
    http::precondition::Preconditions,
    import::load,
    stage::{
        body::Body,
        patch::{Completeness, Patch},
    },
    telemetry::log,
};
use aws_sdk_dynamodb::{Client, config::Credentials};
use serde_json::Value;
use tracing::level_filters::LevelFilter;

pub use authenticator_sms_stage::{
    access::{
        permission::{ADD, CHANGE, DELETE, VIEW, VIEW_FLOW},
        token::{Token, TokenKey, sha256_hex},
    },
    api::{App, context::BODY_BYTES_MAX},
    contract::{Contract, Secrets},
    http::{cors::AllowedOrigins, event::Event},
    import::{
        file::{Documents, GivenSecrets, MASK},
        load::{Counts, Loaded, Report},
    },
    stage::{field::Field, problem::Problem, size::document_bytes, version::Stored},
    store::{
        Deleted, Table,
        admin::{OnConflict, Row, RowPut, StagePut},
        check::{Finding, LockFault, RepairOutcome, check},
        endpoint::Endpoint,
        error::{Retry, StoreError},
        time,
        tokens::Revocation,
    },
};

use super::{GOOD, STAGE, TestSettings};

/// The table with this name.
pub fn table(client: Client, name: &str) -> Table {
    Table::new(&client, name.to_owned())
}

/// The function on a table.
pub fn app(table: &Table, settings: &TestSettings) -> App {
    let settings = Settings {
        contract: settings.contract,
        secrets: settings.secrets,
        token_memory: settings.token_memory,
        cors: settings.cors.clone(),
    };
    App::new(table.clone(), settings)
}

/// The client that the binaries use, for a local engine at this URL.
pub fn client_at(endpoint: &str) -> Client {
    use authenticator_sms_stage::store::client::{Connection, client};

    let connection = Connection {
        region: "us-east-1".to_owned(),
        endpoint: Some(Endpoint::parse(endpoint).unwrap()),
        roots: None,
        credentials: Credentials::new("test", "test", None, None, "test"),
    };
    client(connection).unwrap()
}

/// The function on a table at this URL, with the client that the binaries use.
pub fn app_at(endpoint: String) -> App {
    let settings = TestSettings { token_memory: Duration::ZERO, ..TestSettings::default() };
    app(&table(client_at(&endpoint), "stages"), &settings)
}

/// Starts the function's log at its most detailed level.
pub fn start_log<W: Write + 'static>(writer: fn() -> W) {
    log::start(LevelFilter::TRACE, writer);
}

/// Loads documents in the format of `--load`. Panics if one of them is refused.
pub async fn load(table: &Table, text: &str) {
    let loading = load_files(table, &[text], OnConflict::Skip).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
}

/// Loads the documents of these files.
pub async fn load_files(table: &Table, files: &[&str], on_conflict: OnConflict) -> Report {
    let files: Vec<_> =
        files.iter().map(|text| Documents::parse(text.as_bytes()).unwrap()).collect();
    load_documents(table, &files, on_conflict).await
}

/// Loads documents.
pub async fn load_documents(
    table: &Table,
    documents: &[Documents],
    on_conflict: OnConflict,
) -> Report {
    load::load(table, documents, on_conflict, |_| {}).await
}

/// The stored stage.
pub async fn stored(table: &Table, uuid: &str) -> Option<Stored> {
    table.session().inspect(uuid.parse().unwrap()).await.unwrap().map(Result::unwrap)
}

/// Deletes a stage as an operator.
pub async fn remove(table: &Table, uuid: &str) -> Result<Deleted, StoreError> {
    table.session().remove(uuid.parse().unwrap()).await
}

/// Stores a token with these permissions.
pub async fn put_token(
    table: &Table,
    key: &str,
    user: &str,
    permissions: &[&str],
    expires: Option<u64>,
) {
    let permissions: Vec<_> = permissions.iter().map(ToString::to_string).collect();
    let caller = Caller::new(Some(user.to_owned()), permissions);
    let token = Token { caller, created: None, expires };
    let hash = TokenKey::new(key.to_owned()).hash();
    let put = table.session().put_row(Row::Token(&hash, &token), OnConflict::Overwrite).await;
    assert_eq!(put.unwrap(), RowPut::Put);
}

fn editor() -> Caller {
    let permissions = [VIEW, ADD, CHANGE, DELETE].map(str::to_owned);
    Caller::new(Some("editor".to_owned()), permissions.into())
}

/// Looks up a token directly in the store. Returns the error.
pub async fn token_error(table: &Table) -> StoreError {
    table.session().token(&TokenKey::new(GOOD.to_owned()).hash()).await.unwrap_err()
}

/// Reads a stage directly from the store. Returns the error.
pub async fn retrieve_error(table: &Table) -> StoreError {
    let may = editor().may_view(STAGE.parse().unwrap()).unwrap();
    table.session().retrieve(&may).await.unwrap_err()
}

fn patch(body: Value, needs: Completeness) -> Patch {
    let Value::Object(body) = body else { panic!("not an object") };
    let rules = Contract::default().rules(Secrets::Echo);
    Patch::parse(Body::Object(body), &rules, needs).unwrap()
}

/// Updates a stage directly in the store. Returns the error.
pub async fn update_error(table: &Table, body: Value) -> StoreError {
    let may = editor().may_change(STAGE.parse().unwrap()).unwrap();
    let patch = patch(body, Completeness::Partial);
    table.session().update(&may, &patch, &Preconditions::default()).await.unwrap_err()
}

/// Checks a change against the table, directly in the store. Returns the error.
pub async fn verify_error(table: &Table, body: Value) -> StoreError {
    let may = editor().may_change(STAGE.parse().unwrap()).unwrap();
    let patch = patch(body, Completeness::Partial);
    table.session().verify_update(&may, &patch).await.unwrap_err()
}

/// Lists stages directly from the store. Returns the error.
pub async fn list_error(table: &Table) -> StoreError {
    let may = editor().may_list().unwrap();
    table.session().select(&may, |stage| Some(stage.uuid)).await.map(|_| ()).unwrap_err()
}

/// Creates a stage directly in the store. Returns the error.
pub async fn insert_error(table: &Table, body: Value) -> StoreError {
    let may = editor().may_add().unwrap();
    table.session().insert(&may, &patch(body, Completeness::Full)).await.unwrap_err()
}

/// Deletes a stage directly in the store. Returns the error.
pub async fn delete_error(table: &Table) -> StoreError {
    let may = editor().may_delete(STAGE.parse().unwrap()).unwrap();
    table.session().delete(&may, &Preconditions::default()).await.unwrap_err()
}
