//! The library's API as the tests use it. A change of that API is followed here, and not in each
//! test. Only the tests of one module alone (the parser, the document) name the library themselves.

use std::{io::Write, time::Duration};

use authenticator_sms_stage::{
    log,
    patch::{self, Completeness},
    permission::Caller,
    precondition::Tags,
};
use aws_sdk_dynamodb::{Client, config::Credentials};
use serde_json::Value;
use tracing::level_filters::LevelFilter;

pub use authenticator_sms_stage::{
    error::{Remedy, StoreError},
    handler::App,
    permission::{CHANGE, TokenKey, VIEW, sha256_hex},
    request::{ALLOW, BODY_BYTES_MAX, Event},
    stage::Stage,
    store::{
        Secrets, StageTable as Table,
        documents::{Documents, MASK},
        loading::{Counts, Loaded, Loading},
        operate::{Existing as OnConflict, StagePut},
    },
    validation::{Field, FieldError, Problem, ValidationError},
};

use super::{GOOD, STAGE, TestSettings};

/// The table of this name.
pub fn table(client: Client, name: &str, settings: &TestSettings) -> Table {
    Table::new(client, name.to_owned(), settings.secrets)
}

/// The function over a table.
pub fn app(table: &Table, settings: &TestSettings) -> App {
    App::new(table.clone(), settings.secrets, settings.token_memory)
}

/// The function over a table at this URL, by the client that the binaries use.
pub fn app_at(endpoint: String) -> App {
    use authenticator_sms_stage::store::client::{Connection, client};

    let connection = Connection {
        region: "us-east-1".to_owned(),
        endpoint: Some(endpoint),
        roots: None,
        credentials: Credentials::new("test", "test", None, None, "test"),
    };
    let settings = TestSettings { token_memory: Duration::ZERO, ..TestSettings::default() };
    app(&table(client(connection).unwrap(), "stages", &settings), &settings)
}

/// Starts the function's log at its most detailed level.
pub fn start_log<W: Write + 'static>(writer: fn() -> W) {
    log::start(LevelFilter::TRACE, writer);
}

/// Loads documents in the format of `--load`, of which none may be refused.
pub async fn load(table: &Table, text: &str) {
    let loading = load_files(table, &[text], OnConflict::Leave).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
}

/// Loads the documents of these files.
pub async fn load_files(table: &Table, files: &[&str], on_conflict: OnConflict) -> Loading {
    let files: Vec<_> = files.iter().map(|text| Documents::parse(text).unwrap()).collect();
    authenticator_sms_stage::store::loading::load(table, &files, on_conflict, |_| {}).await
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
    let hash = TokenKey::new(key.to_owned()).hash();
    table.put_token(&hash, user, &permissions, expires).await.unwrap();
}

fn editor() -> Caller {
    Caller::new("editor".to_owned(), vec![VIEW.to_owned(), CHANGE.to_owned()])
}

/// Looks up a token that cannot be read, without the handler.
pub async fn token_error(table: &Table) -> StoreError {
    table.session().token(&TokenKey::new(GOOD.to_owned()).hash()).await.unwrap_err()
}

/// Reads a stage that cannot be read, without the handler.
pub async fn retrieve_error(table: &Table) -> StoreError {
    let may = editor().may_view(STAGE.parse().unwrap()).unwrap();
    table.session().retrieve(&may).await.unwrap_err()
}

/// Updates a stage that cannot be updated, without the handler.
pub async fn update_error(table: &Table, body: Value) -> StoreError {
    let patch = patch::parse(body, Completeness::Partial).unwrap();
    let may = editor().may_change(STAGE.parse().unwrap()).unwrap();
    table.session().update(&may, &patch, &Tags::Absent).await.unwrap_err()
}
