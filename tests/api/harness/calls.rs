//! Each call that the function makes to DynamoDB: a request that causes it, ways to answer it
//! instead of the engine, and the answers that clients then get.

use std::sync::Mutex;

use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use serde_json::{Value, json};

use super::{
    Answer, Kind, RecordedCall, Request, TestApp, detail, flow,
    library::{self, ADD, CHANGE, DELETE, StoreError, VIEW},
    stage_with, with,
};

/// A call that the function makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Reads the token.
    Token,
    /// Reads the stage.
    Stage,
    /// Updates the stage in place, without a read before it.
    InPlace,
    /// Updates the stage if it has not changed since it was read.
    CompareAndSwap,
    /// Updates the stage and other items in one transaction.
    Transaction,
    /// Looks up the name and the references in an invalid body.
    Verify,
    /// Reads all stages.
    List,
    /// Creates a stage.
    Create,
    /// Deletes the stage.
    Destroy,
}

/// Every call.
pub const EVERY_CALL: &[Call] = &[
    Call::Token,
    Call::Stage,
    Call::InPlace,
    Call::CompareAndSwap,
    Call::Transaction,
    Call::Verify,
    Call::List,
    Call::Create,
    Call::Destroy,
];
/// The calls that use `UpdateItem`.
pub const UPDATES: &[Call] = &[Call::InPlace, Call::CompareAndSwap];
/// The calls that use `TransactWriteItems`.
pub const TRANSACTIONS: &[Call] = &[Call::Transaction, Call::Create, Call::Destroy];

/// A token that may view, add, change and delete every stage.
const OWNER: &str = "owner-token";

/// A function with the fixture, and a token that allows every call.
pub async fn app() -> TestApp {
    let app = TestApp::new().await;
    let permissions = [VIEW, ADD, CHANGE, DELETE];
    library::put_token(&app.table, OWNER, "owner", &permissions, None).await;
    app.dynamodb.calls();
    app
}

/// Creates an answer each time it is called.
pub type Answers = fn() -> HttpConnectorFuture;

impl Call {
    /// The name of the DynamoDB operation.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Token | Self::Stage => "GetItem",
            Self::InPlace | Self::CompareAndSwap => "UpdateItem",
            Self::Verify => "BatchGetItem",
            Self::List => "Query",
            Self::Transaction | Self::Create | Self::Destroy => "TransactWriteItems",
        }
    }

    /// The number of parts in the transaction.
    pub fn parts(self) -> usize {
        if self == Self::Transaction { 3 } else { 2 }
    }

    /// The status of the answer when the call succeeds.
    pub fn success(self) -> u16 {
        match self {
            Self::Verify => 400,
            Self::Create => 201,
            Self::Destroy => 204,
            _ => 200,
        }
    }

    fn body(self) -> Value {
        match self {
            Self::Token | Self::InPlace => json!({"from_number": "+15005550001"}),
            Self::Stage | Self::List | Self::Destroy => json!({}),
            Self::CompareAndSwap => json!({"flow_set": [flow("new")]}),
            Self::Transaction => json!({"name": "renamed"}),
            Self::Verify => json!({"name": "renamed", "provider": "pigeon"}),
            Self::Create => with(super::form(), json!({"name": "created"})),
        }
    }

    /// A request that causes the call.
    pub fn request(self) -> Request {
        let request = Request::patch_json(&self.body()).token(OWNER);
        let collection = "/api/v3/stages/authenticator/sms/";
        match self {
            Self::List => Request::get().token(OWNER).path(collection),
            Self::Create => request.method("POST").path(collection),
            Self::Destroy => Request::get().token(OWNER).method("DELETE"),
            _ => request,
        }
    }

    /// Whether a recorded call is this one, while the function handles [`Self::request`].
    pub fn is(self, recorded: &RecordedCall) -> bool {
        let kind = recorded.key().map(|key| key.kind);
        recorded.operation == self.operation()
            && match self {
                Self::Token => kind == Some(Kind::Token),
                Self::Stage => kind == Some(Kind::Stage),
                _ => true,
            }
    }

    /// The store's error when the call fails.
    pub async fn error(self, app: &TestApp) -> StoreError {
        match self {
            Self::Token => library::token_error(&app.table).await,
            Self::Stage => library::retrieve_error(&app.table).await,
            Self::InPlace | Self::CompareAndSwap | Self::Transaction => {
                library::update_error(&app.table, self.body()).await
            }
            Self::Verify => library::verify_error(&app.table, json!({"name": "renamed"})).await,
            Self::List => library::list_error(&app.table).await,
            Self::Create => library::insert_error(&app.table, self.body()).await,
            Self::Destroy => library::delete_error(&app.table).await,
        }
    }

    /// Answers the call in this way every time it is made.
    pub fn answer_always(
        self,
        app: &TestApp,
        answer: impl Fn() -> HttpConnectorFuture + Send + Sync + 'static,
    ) {
        app.dynamodb.intercept(move |recorded, _, _| self.is(recorded).then(&answer));
    }

    /// Answers the call with each of these in turn, and then lets it through.
    pub fn answer_first(self, app: &TestApp, answers: Vec<HttpConnectorFuture>) {
        let answers = Mutex::new(answers.into_iter());
        app.dynamodb.intercept(move |recorded, _, _| {
            if self.is(recorded) { answers.lock().unwrap().next() } else { None }
        });
    }

    /// How many times the call was sent since the recorded calls were last taken.
    pub fn times_sent(self, app: &TestApp) -> usize {
        app.dynamodb.calls().iter().filter(|recorded| self.is(recorded)).count()
    }
}

/// The answer to a failure of DynamoDB that may be temporary.
pub fn unavailable() -> (u16, Value) {
    (503, detail("unavailable", "The stage cannot be reached at the moment. Try again."))
}

/// The answer to a failure that an operator has to repair.
pub fn server_error() -> (u16, Value) {
    (500, detail("error", "A server error occurred."))
}

/// The answer when every attempt conflicted with another writer.
pub fn conflict() -> (u16, Value) {
    let text = "Other requests are changing the stage. Nothing was changed; try again.";
    (409, detail("conflict", text))
}

/// Checks an error's answer, including that it has `Retry-After` exactly if a retry may help.
pub fn assert_error(answer: &Answer, expected: (u16, Value), why: &str) {
    assert_eq!(answer.status_and_body(), expected, "{why}");
    let retry_after = matches!(expected.0, 409 | 503).then_some("1");
    assert_eq!(answer.header("retry-after"), retry_after, "{why}");
    assert_eq!(answer.header("etag"), None, "{why}");
}

/// Checks that an error's text contains none of the stage's content.
pub fn assert_holds_no_content(error: &StoreError, why: &str) {
    let texts = format!("{error} {error:?}");
    let stage = stage_with(json!({}));
    for field in ["name", "auth", "auth_password", "account_sid", "from_number"] {
        let content = stage[field].as_str().unwrap();
        assert!(!texts.contains(content), "{why}: {field} is in {texts}");
    }
}
