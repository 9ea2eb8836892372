//! The calls that the function makes to DynamoDB, one by one: the request that leads to each, ways to
//! answer it instead of the engine, and the answers that clients get then.

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
    /// Updates the stage if it is still what was read.
    CompareAndSwap,
    /// Updates the stage and other items in one transaction.
    Transaction,
    /// Looks up what a bad body refers to.
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
/// The calls that are an `UpdateItem`.
pub const UPDATES: &[Call] = &[Call::InPlace, Call::CompareAndSwap];
/// The calls that are a `TransactWriteItems`.
pub const TRANSACTIONS: &[Call] = &[Call::Transaction, Call::Create, Call::Destroy];

/// A token whose holder may do everything.
const OWNER: &str = "owner-token";

/// A function with the fixture, and a caller who may make every call.
pub async fn app() -> TestApp {
    let app = TestApp::new().await;
    let permissions = [VIEW, ADD, CHANGE, DELETE];
    library::put_token(&app.table, OWNER, "owner", &permissions, None).await;
    app.dynamodb.calls();
    app
}

/// Makes one answer after another.
pub type Answers = fn() -> HttpConnectorFuture;

impl Call {
    /// The operation's name.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Token | Self::Stage => "GetItem",
            Self::InPlace | Self::CompareAndSwap => "UpdateItem",
            Self::Verify => "BatchGetItem",
            Self::List => "Query",
            Self::Transaction | Self::Create | Self::Destroy => "TransactWriteItems",
        }
    }

    /// How many parts the transaction has.
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

    /// A request that leads to the call.
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

    /// Whether a recorded call is this one, in an invocation for [`Self::request`].
    pub fn is(self, recorded: &RecordedCall) -> bool {
        let kind = recorded.key().map(|key| key.kind);
        recorded.operation == self.operation()
            && match self {
                Self::Token => kind == Some(Kind::Token),
                Self::Stage => kind == Some(Kind::Stage),
                _ => true,
            }
    }

    /// The error of the store when the call fails.
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

    /// Answers the call like this, whenever it is made.
    pub fn answer_always(
        self,
        app: &TestApp,
        answer: impl Fn() -> HttpConnectorFuture + Send + Sync + 'static,
    ) {
        app.dynamodb.intercept(move |recorded, _, _| self.is(recorded).then(&answer));
    }

    /// Answers the call with one of these after the other, and then lets it through.
    pub fn answer_first(self, app: &TestApp, answers: Vec<HttpConnectorFuture>) {
        let answers = Mutex::new(answers.into_iter());
        app.dynamodb.intercept(move |recorded, _, _| {
            if self.is(recorded) { answers.lock().unwrap().next() } else { None }
        });
    }

    /// How many times the call was sent since the calls were last asked for.
    pub fn times_sent(self, app: &TestApp) -> usize {
        app.dynamodb.calls().iter().filter(|recorded| self.is(recorded)).count()
    }
}

/// The answer when DynamoDB may work again soon.
pub fn unavailable() -> (u16, Value) {
    (503, detail("unavailable", "The stage cannot be reached at the moment. Try again."))
}

/// The answer when an operator has to mend something.
pub fn server_error() -> (u16, Value) {
    (500, detail("error", "A server error occurred."))
}

/// The answer when other writers were always faster.
pub fn conflict() -> (u16, Value) {
    let text = "Other requests are changing the stage. Nothing was changed; try again.";
    (409, detail("conflict", text))
}

/// Checks an error's answer, also that it says when to try again exactly if that may help.
pub fn assert_error(answer: &Answer, expected: (u16, Value), why: &str) {
    assert_eq!(answer.status_and_body(), expected, "{why}");
    let retry_after = matches!(expected.0, 409 | 503).then_some("1");
    assert_eq!(answer.header("retry-after"), retry_after, "{why}");
    assert_eq!(answer.header("etag"), None, "{why}");
}

/// Checks that an error's text has nothing of the stage in it.
pub fn assert_holds_no_content(error: &StoreError, why: &str) {
    let texts = format!("{error} {error:?}");
    let stage = stage_with(json!({}));
    for field in ["name", "auth", "auth_password", "account_sid", "from_number"] {
        let content = stage[field].as_str().unwrap();
        assert!(!texts.contains(content), "{why}: {field} is in {texts}");
    }
}
