//! What no engine on one's own machine does: throttle, fail, and put others' transactions in the
//! way. The answers are canned, in the shape that AWS documents:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>.

use std::{collections::BTreeSet, process::Command, time::Duration};

use authenticator_sms_stage::{
    error::{Remedy, StoreError},
    handler::App,
    patch::{self, Completeness},
    permission::{CHANGE, Caller, TokenKey, VIEW},
    precondition::Tags,
    store::{
        Secrets, StageTable,
        client::{Connection, client},
    },
};
use aws_sdk_dynamodb::config::Credentials;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    orchestrator::HttpResponse,
    result::ConnectorError,
};
use lambda_http::http;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, task::JoinSet};

use crate::{
    harness::{Answer, FIXTURE, GOOD, House, Request, STAGE, Seen, ask, detail, stage_with},
    writing::{check_invariants, document, flow, revision, stage_key, write_ids},
};

/// An answer of DynamoDB's that is not the engine's.
pub fn canned(status: u16, body: String) -> HttpConnectorFuture {
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG")
        .body(body.into())
        .unwrap();
    HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).unwrap()))
}

/// A refusal or failure as DynamoDB writes it. `kind` is the whole of `__type`.
pub fn refusal(status: u16, kind: &str, message: &str) -> HttpConnectorFuture {
    canned(status, json!({"__type": kind, "message": message}).to_string())
}

/// A transaction that was cancelled for these reasons, one for each part.
pub fn cancelled(reasons: &[Value]) -> HttpConnectorFuture {
    let codes: Vec<_> = reasons.iter().map(|reason| reason["Code"].as_str().unwrap()).collect();
    let codes = codes.join(", ");
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        ),
        "CancellationReasons": reasons,
    });
    canned(400, body.to_string())
}

/// A part that is not why.
pub fn none() -> Value {
    json!({"Code": "None"})
}

pub fn reason(code: &str, message: &str) -> Value {
    json!({"Code": code, "Message": message})
}

/// A part that was in somebody else's transaction.
pub fn conflict() -> Value {
    reason("TransactionConflict", "Transaction is ongoing for the item")
}

/// A call that the function makes, and the request that makes it do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Reads the token.
    Token,
    /// Reads the stage.
    Stage,
    /// Writes without a read.
    Blind,
    /// Writes on what was read.
    Planned,
    /// Writes the stage and others on what was read.
    Transaction,
}

const EVERY_CALL: &[Call] =
    &[Call::Token, Call::Stage, Call::Blind, Call::Planned, Call::Transaction];
const UPDATES: &[Call] = &[Call::Blind, Call::Planned];

impl Call {
    fn operation(self) -> &'static str {
        match self {
            Self::Token | Self::Stage => "GetItem",
            Self::Blind | Self::Planned => "UpdateItem",
            Self::Transaction => "TransactWriteItems",
        }
    }

    fn body(self) -> Value {
        match self {
            Self::Token | Self::Blind => json!({"from_number": "+15005550001"}),
            Self::Stage => json!({}),
            Self::Planned => json!({"flow_set": [flow("new")]}),
            Self::Transaction => json!({"name": "renamed"}),
        }
    }

    fn request(self) -> Request {
        Request::patch(self.body().to_string())
    }

    fn is(self, seen: &Seen) -> bool {
        let key = seen.body["Key"]["partition_key"]["S"].as_str().unwrap_or_default();
        seen.operation == self.operation()
            && match self {
                Self::Token => key.starts_with("TOKEN#"),
                Self::Stage => key.starts_with("STAGE#"),
                Self::Blind | Self::Planned | Self::Transaction => true,
            }
    }

    /// Makes the call without the handler, and hands over what became of it.
    async fn fail(self, house: &House) -> StoreError {
        let session = house.table.session();
        let caller = Caller::new("editor".to_owned(), vec![VIEW.to_owned(), CHANGE.to_owned()]);
        let stage_uuid = STAGE.parse().unwrap();
        if self == Self::Token {
            return session.token(&TokenKey::new(GOOD.to_owned()).hash()).await.unwrap_err();
        }
        if self == Self::Stage {
            return session.retrieve(&caller.may_view(stage_uuid).unwrap()).await.unwrap_err();
        }
        let patch = patch::parse(self.body(), Completeness::Partial).unwrap();
        let may = caller.may_change(stage_uuid).unwrap();
        session.update(&may, &patch, &Tags::Absent).await.unwrap_err()
    }
}

/// Answers these calls with this, whenever they are made.
fn always(
    house: &House,
    call: Call,
    answer: impl Fn() -> HttpConnectorFuture + Send + Sync + 'static,
) {
    house.tap.meddle(move |seen, _, _| call.is(seen).then(&answer));
}

/// Answers the first of these calls with these, one after the other, and lets the rest through.
fn at_first(house: &House, call: Call, answers: Vec<HttpConnectorFuture>) {
    let answers = std::sync::Mutex::new(answers.into_iter());
    house.tap.meddle(
        move |seen, _, _| {
            if call.is(seen) { answers.lock().unwrap().next() } else { None }
        },
    );
}

/// How often the call was sent.
fn sent(house: &House, call: Call) -> usize {
    house.tap.calls().iter().filter(|seen| call.is(seen)).count()
}

fn unavailable() -> (u16, Value) {
    (503, detail("unavailable", "The stage cannot be reached at the moment. Try again."))
}

fn server_error() -> (u16, Value) {
    (500, detail("error", "A server error occurred."))
}

fn outrun() -> (u16, Value) {
    let text = "The stage is being changed by others. Nothing was changed; try again.";
    (409, detail("conflict", text))
}

/// An answer that says to come back says when.
fn assert_answer(answer: &Answer, expected: (u16, Value), why: &str) {
    assert_eq!(answer.whole(), expected, "{why}");
    let retry_after = matches!(expected.0, 409 | 503).then_some("1");
    assert_eq!(answer.header("retry-after"), retry_after, "{why}");
    assert_eq!(answer.header("etag"), None, "{why}");
}

/// What is in the fixture, and so in items, and in no error's text.
fn assert_holds_no_content(error: &StoreError, why: &str) {
    let texts = format!("{error} {error:?}");
    let stage = stage_with(json!({}));
    for field in ["name", "auth", "auth_password", "account_sid", "from_number"] {
        let content = stage[field].as_str().unwrap();
        assert!(!texts.contains(content), "{why}: {field} is in {texts}");
    }
}

/// An error of DynamoDB's, and what becomes of it.
struct Row {
    /// Its name.
    code: &'static str,
    /// What stands before the name in `__type`.
    namespace: &'static str,
    status: u16,
    message: &'static str,
    /// Which calls it can befall.
    befalls: &'static [Call],
    /// How often the SDK sends the call.
    sends: usize,
    remedy: Remedy,
    why: &'static str,
}

const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810";
const CORAL: &str = "com.amazon.coral.service";

const fn row(
    code: &'static str,
    (namespace, status): (&'static str, u16),
    message: &'static str,
    befalls: &'static [Call],
    (sends, remedy): (usize, Remedy),
    why: &'static str,
) -> Row {
    Row { code, namespace, status, message, befalls, sends, remedy, why }
}

const PASSES: (usize, Remedy) = (3, Remedy::TryLater);
const NOT_SENT_AGAIN: (usize, Remedy) = (1, Remedy::TryLater);
const STAYS: (usize, Remedy) = (1, Remedy::Repair);

/// The errors that no refusal of a condition and no conflict is.
const ROWS: &[Row] = &[
    row(
        "ProvisionedThroughputExceededException",
        (DYNAMODB, 400),
        "The level of configured provisioned throughput for the table was exceeded.",
        EVERY_CALL,
        PASSES,
        "throttled: the table or one of its partitions has too much to do",
    ),
    row(
        "ThrottlingException",
        (DYNAMODB, 400),
        "Throughput exceeds the current capacity of your table or index.",
        EVERY_CALL,
        PASSES,
        "throttled: an on-demand table is growing",
    ),
    row(
        "ThrottlingException",
        ("com.amazon.coral.availability", 400),
        "Rate of requests exceeds the allowed throughput.",
        EVERY_CALL,
        PASSES,
        "throttled at the front door",
    ),
    row(
        "RequestLimitExceeded",
        (DYNAMODB, 400),
        "Throughput exceeds the current throughput limit for your account.",
        EVERY_CALL,
        PASSES,
        "throttled: the account has too much to do",
    ),
    row(
        "InternalServerError",
        (DYNAMODB, 500),
        "Internal server error",
        EVERY_CALL,
        PASSES,
        "DynamoDB's own fault",
    ),
    row(
        "InternalFailure",
        (CORAL, 500),
        "The request processing has failed.",
        EVERY_CALL,
        PASSES,
        "DynamoDB's own fault, at the front door",
    ),
    row(
        "ServiceUnavailable",
        ("com.amazon.coral.availability", 503),
        "Service is unavailable",
        EVERY_CALL,
        PASSES,
        "DynamoDB is away",
    ),
    row(
        "ResourceNotFoundException",
        (DYNAMODB, 400),
        "Requested resource not found",
        EVERY_CALL,
        NOT_SENT_AGAIN,
        "the table is gone: it is being restored, or a setting is wrong",
    ),
    row(
        "InvalidEndpointException",
        (DYNAMODB, 421),
        "The endpoint is not valid for this table",
        EVERY_CALL,
        STAYS,
        "a setting is wrong",
    ),
    row(
        "ItemCollectionSizeLimitExceededException",
        (DYNAMODB, 400),
        "Collection size exceeded.",
        UPDATES,
        STAYS,
        "only a table with a local index has collections, and ours has none",
    ),
    row(
        "IdempotentParameterMismatchException",
        (DYNAMODB, 400),
        "Request token was already used with different parameters",
        &[Call::Transaction],
        STAYS,
        "each try has a token of its own: a bug of ours",
    ),
    row(
        "AccessDeniedException",
        (CORAL, 400),
        "User: arn:aws:sts::123456789012:assumed-role/role/function is not authorized",
        EVERY_CALL,
        STAYS,
        "the function's policy is wrong",
    ),
    row(
        "UnrecognizedClientException",
        (CORAL, 400),
        "The security token included in the request is invalid.",
        EVERY_CALL,
        STAYS,
        "nobody has these credentials",
    ),
    row(
        "InvalidSignatureException",
        (CORAL, 400),
        "The request signature we calculated does not match the signature you provided.",
        EVERY_CALL,
        STAYS,
        "the secret key is wrong",
    ),
    row(
        "IncompleteSignatureException",
        (CORAL, 400),
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        EVERY_CALL,
        STAYS,
        "something between us and DynamoDB takes headers away",
    ),
    row(
        "MissingAuthenticationTokenException",
        (CORAL, 400),
        "Request is missing Authentication Token",
        EVERY_CALL,
        STAYS,
        "something between us and DynamoDB takes headers away",
    ),
    row(
        "ExpiredTokenException",
        (CORAL, 400),
        "The security token included in the request is expired",
        EVERY_CALL,
        NOT_SENT_AGAIN,
        "the next process has other credentials",
    ),
    row(
        "ValidationException",
        ("com.amazon.coral.validate", 400),
        "The provided expression refers to an attribute that does not exist in the item",
        EVERY_CALL,
        STAYS,
        "the request is wrong, or the item",
    ),
    row(
        "SerializationException",
        (CORAL, 400),
        "Start of structure or map found where not expected.",
        EVERY_CALL,
        STAYS,
        "the request is wrong",
    ),
    row(
        "SomethingNewException",
        (DYNAMODB, 400),
        "What nobody has heard of yet",
        EVERY_CALL,
        NOT_SENT_AGAIN,
        "for all we know it may pass",
    ),
];

#[tokio::test]
async fn every_error_of_the_store_has_its_answer_and_tells_the_client_nothing() {
    let house = House::new().await;
    let before = house.snapshot().await;
    for Row { code, namespace, status, message, befalls, sends, remedy, why } in ROWS {
        for call in *befalls {
            let why = format!("{code} at {call:?}: {why}");
            let kind = format!("{namespace}#{code}");
            always(&house, *call, move || refusal(*status, &kind, message));
            let answer = house.send(&call.request()).await;
            assert_eq!(sent(&house, *call), *sends, "{why}");
            let expected = match remedy {
                Remedy::TryLater => unavailable(),
                Remedy::Repair => server_error(),
            };
            assert_answer(&answer, expected, &why);
            let error = call.fail(&house).await;
            assert_eq!((error.remedy, error.operation), (*remedy, call.operation()), "{why}");
            assert_eq!(error.cause, format!("{code}: {message}"), "{why}: the log has it all");
            house.tap.calls();
        }
    }
    house.tap.leave_alone();
    assert_eq!(house.snapshot().await, before, "nothing was written");
}

/// The errors that have a test of their own, since they say that the change cannot be made, or not
/// just now.
const OUTCOMES: &[(&str, &[Call])] = &[
    ("ConditionalCheckFailedException", UPDATES),
    ("TransactionConflictException", UPDATES),
    ("ReplicatedWriteConflictException", UPDATES),
    ("TransactionCanceledException", &[Call::Transaction]),
    ("TransactionInProgressException", &[Call::Transaction]),
];

/// The names of the errors that the SDK knows of an operation, from the SDK's own source: its enums
/// are open, so that no `match` of ours can be made to miss one that is added.
fn errors_in_the_sdk(operation: &str) -> BTreeSet<String> {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Only this platform's dependencies are sure to be here.
    let metadata = cargo(&[
        "metadata",
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        "--format-version=1",
        "--offline",
        "--locked",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let sdk = packages.iter().find(|package| package["name"] == "aws-sdk-dynamodb").unwrap();
    let manifest = std::path::Path::new(sdk["manifest_path"].as_str().unwrap());
    let source = manifest.with_file_name("src").join("operation").join(format!("{operation}.rs"));
    let source = std::fs::read_to_string(source).unwrap();
    let (_, errors) = source.split_once("\npub enum ").unwrap();
    let (variants, _) = errors.split_once("\n}").unwrap();
    variants
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once("(crate::types::error::"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn every_error_that_the_sdk_knows_is_tried_here() {
    for (file, call) in [
        ("get_item", Call::Stage),
        ("update_item", Call::Blind),
        ("transact_write_items", Call::Transaction),
    ] {
        let failures = ROWS.iter().map(|row| (row.code, row.befalls));
        let tried: BTreeSet<String> = failures
            .chain(OUTCOMES.iter().copied())
            .filter(|(_, befalls)| befalls.contains(&call))
            .map(|(code, _)| code.to_owned())
            .collect();
        let known = errors_in_the_sdk(file);
        assert!(known.len() > 5, "{file}: the enum is read: {known:?}");
        let untried: Vec<_> = known.difference(&tried).collect();
        assert!(untried.is_empty(), "{file}: {untried:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_slow_or_broken_is_503() {
    let house = House::new().await;
    let before = house.snapshot().await;
    let broken: [(Answers, usize, &str, &str); 6] = [
        (
            || failed(ConnectorError::io("connection reset by peer".into())),
            3,
            "connection reset by peer",
            "reset",
        ),
        (
            || failed(ConnectorError::timeout("no answer in time".into())),
            3,
            "no answer in time",
            "slow",
        ),
        (|| failed(ConnectorError::user("a bad request".into())), 1, "a bad request", "never sent"),
        (
            || failed(ConnectorError::other("who knows".into(), None)),
            1,
            "who knows",
            "anything else",
        ),
        (
            || canned(200, r#"{"Item": {"auth": {"S": "s3cr3t-token"#.to_owned()),
            1,
            "unexpected end of stream",
            "cut off",
        ),
        (
            || canned(502, "<html>sms-setup</html>".to_owned()),
            3,
            "unexpected token",
            "somebody else's answer",
        ),
    ];
    for (fault, sends, cause, why) in broken {
        for call in EVERY_CALL {
            let why = format!("{why} at {call:?}");
            always(&house, *call, fault);
            let answer = house.send(&call.request()).await;
            assert_eq!(sent(&house, *call), sends, "{why}");
            assert_answer(&answer, unavailable(), &why);
            let error = call.fail(&house).await;
            assert_eq!((error.remedy, error.operation), (Remedy::TryLater, call.operation()));
            assert_holds_no_content(&error, &why);
            assert!(error.cause.contains(cause), "{why}: the log says what it was: {error}");
            house.tap.calls();
        }
    }
    house.tap.leave_alone();
    assert_eq!(house.snapshot().await, before, "nothing was written");
}

fn failed(error: ConnectorError) -> HttpConnectorFuture {
    HttpConnectorFuture::ready(Err(error))
}

#[tokio::test]
async fn an_item_that_is_not_as_we_write_it_is_500_and_not_shown() {
    let house = House::new().await;
    for call in [Call::Stage, Call::Blind, Call::Planned, Call::Transaction] {
        let mut item = attributes(&house).await;
        item["auth"] = json!({"N": "17"});
        let answer = move || match call {
            Call::Transaction => {
                let mut reason = reason("ConditionalCheckFailed", "The conditional request failed");
                reason["Item"] = item.clone();
                cancelled(&[reason, none(), none()])
            }
            Call::Blind | Call::Planned => condition_failed(&item),
            Call::Token | Call::Stage => canned(200, json!({"Item": item}).to_string()),
        };
        always(&house, call, answer);
        assert_answer(&house.send(&call.request()).await, server_error(), "an item");
        let error = call.fail(&house).await;
        assert_eq!(error.cause, "the item's attribute auth is missing or malformed");
        assert_holds_no_content(&error, "an item");
    }
}

fn condition_failed(item: &Value) -> HttpConnectorFuture {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
        "Item": item,
    });
    canned(400, body.to_string())
}

/// The first stage's item as DynamoDB's JSON has it, got from a call that was let through.
async fn attributes(house: &House) -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let stage = &fixture["stages"][0];
    let ids = write_ids(&house.snapshot().await[&stage_key(STAGE)]);
    let text = |field: &str| json!({"S": stage[field]});
    json!({
        "partition_key": {"S": stage_key(STAGE)},
        "revision": {"N": "1"},
        "write_ids": {"L": ids.iter().map(|id| json!({"S": id})).collect::<Vec<_>>()},
        "name": text("name"),
        "flow_set": {"L": []},
        "configure_flow": {"NULL": true},
        "friendly_name": text("friendly_name"),
        "provider": text("provider"),
        "from_number": text("from_number"),
        "account_sid": text("account_sid"),
        "auth": text("auth"),
        "auth_password": text("auth_password"),
        "auth_type": text("auth_type"),
        "verify_only": {"BOOL": false},
        "mapping": {"NULL": true},
    })
}

/// Makes one answer after another.
type Answers = fn() -> HttpConnectorFuture;

/// What stands in the way of a write for a while, and of which.
fn conflicts() -> Vec<(Call, Answers, &'static str)> {
    let in_transaction = || {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
        refusal(400, kind, "Transaction is ongoing for the item")
    };
    let in_region = || {
        let kind = "com.amazonaws.dynamodb.v20120810#ReplicatedWriteConflictException";
        refusal(400, kind, "One or more items are being modified by a request in another Region.")
    };
    let in_progress = || {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionInProgressException";
        refusal(400, kind, "The transaction with the given request token is in progress")
    };
    vec![
        (Call::Blind, in_transaction, "a plain write meets somebody's transaction"),
        (Call::Planned, in_transaction, "a write on a read meets somebody's transaction"),
        (Call::Blind, in_region, "a plain write meets another region's"),
        (Call::Planned, in_region, "a write on a read meets another region's"),
        (Call::Transaction, || cancelled(&[conflict(), none(), none()]), "at the stage"),
        (Call::Transaction, || cancelled(&[none(), conflict(), none()]), "at the new name"),
        (Call::Transaction, || cancelled(&[none(), none(), conflict()]), "at the old name"),
        (
            Call::Transaction,
            || {
                let failed = reason("ConditionalCheckFailed", "The conditional request failed");
                cancelled(&[conflict(), failed, none()])
            },
            "a name that is taken while the stage is in the way may be free the next time",
        ),
        (
            Call::Transaction,
            || {
                let failed = reason("ConditionalCheckFailed", "The conditional request failed");
                cancelled(&[conflict(), none(), failed])
            },
            "a stage that is being renamed may have no claim on its old name any more",
        ),
        (Call::Transaction, in_progress, "the same transaction is still at work"),
    ]
}

#[tokio::test]
async fn a_write_in_somebodys_way_waits_and_is_done() {
    let house = House::new().await;
    let before = house.snapshot().await;
    for (call, answer, why) in conflicts() {
        // Four are more than the SDK itself sends one call.
        at_first(&house, call, (0..4).map(|_| answer()).collect());
        let answer = house.send(&call.request()).await;
        assert_eq!(answer.status, 200, "{why}: {}", answer.body);
        assert_eq!(sent(&house, call), 5, "{why}");
        let after = house.snapshot().await;
        let stage = &after[&stage_key(STAGE)];
        assert_eq!(revision(stage), 2, "{why}: written once");
        assert_eq!(document(stage), answer.body, "{why}");
        assert_eq!(check_invariants(&after), Ok(()), "{why}");
        house.restore(&before).await;
        house.tap.calls();
    }
}

/// Each takes some two seconds of waiting, so they wait at the same time.
#[tokio::test]
async fn a_write_in_somebodys_way_for_ever_is_a_conflict() {
    let mut waiting = JoinSet::new();
    for (call, answer, why) in conflicts() {
        waiting.spawn(async move {
            let house = House::new().await;
            let before = house.snapshot().await;
            always(&house, call, answer);
            let answer = house.send_within(Duration::from_secs(600), &call.request()).await;
            // Of a transaction that is still at work nobody knows whether it lands.
            let is_open = why.contains("still at work");
            assert_answer(&answer, if is_open { unavailable() } else { outrun() }, why);
            assert!(sent(&house, call) >= 16, "{why}: tried often");
            assert_eq!(house.snapshot().await, before, "{why}");
        });
    }
    waiting.join_all().await;
}

/// The answer to a write that landed is lost; when it is sent again, somebody's transaction is in
/// the way until patience ends. It has happened, so it is no conflict.
#[tokio::test]
async fn a_write_that_landed_before_others_were_in_the_way_is_done() {
    let mut waiting = JoinSet::new();
    for (call, answer, why) in conflicts() {
        if !UPDATES.contains(&call) {
            continue; // A transaction that landed answers to its token.
        }
        waiting.spawn(async move {
            let house = House::new().await;
            let is_first = std::sync::atomic::AtomicBool::new(true);
            house.tap.meddle(move |seen, request, engine| {
                if !call.is(seen) {
                    return None;
                }
                if !is_first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                    return Some(answer());
                }
                let landing = engine.call(request);
                Some(HttpConnectorFuture::new(async move {
                    landing.await?;
                    Err(ConnectorError::io("connection reset by peer".into()))
                }))
            });
            let answer = house.send(&call.request()).await;
            assert_eq!(answer.status, 200, "{why}");
            let after = house.snapshot().await;
            assert_eq!(document(&after[&stage_key(STAGE)]), answer.body, "{why}");
        });
    }
    waiting.join_all().await;
}

#[tokio::test]
async fn a_cancelled_transaction_is_sorted_by_its_reasons() {
    let house = House::new().await;
    let before = house.snapshot().await;
    let failed = || reason("ConditionalCheckFailed", "The conditional request failed");
    let size =
        || reason("ValidationError", "Item size to update has exceeded the maximum allowed size");
    let field = |message: &str| (400, json!({"name": [message], "code": "invalid"}));
    let taken = field("stage with this name already exists.");
    let large = field("This value makes the stage larger than the 400 KB that can be stored.");
    let throttled = || reason("ThrottlingError", "Throughput exceeds the current capacity");
    let rows: Vec<([Value; 3], (u16, Value), &str)> = vec![
        ([none(), failed(), none()], taken, "the name is taken"),
        ([size(), none(), none()], large.clone(), "the stage is too large"),
        ([none(), size(), none()], large, "the lock is too large"),
        ([throttled(), none(), none()], unavailable(), "an on-demand table is throttled"),
        (
            [none(), reason("ProvisionedThroughputExceeded", "Exceeded"), none()],
            unavailable(),
            "a provisioned table is throttled",
        ),
        ([none(), failed(), throttled()], unavailable(), "throttled counts before taken"),
        ([none(), none(), failed()], server_error(), "the old lock is another stage's"),
        (
            [reason("ValidationError", "Type mismatch"), none(), none()],
            server_error(),
            "the item is wrong",
        ),
        (
            [
                reason("ItemCollectionSizeLimitExceeded", "Collection size exceeded."),
                none(),
                none(),
            ],
            server_error(),
            "our table has no collections",
        ),
        (
            [reason("SomethingNew", "What nobody has heard of yet"), none(), none()],
            server_error(),
            "unknown",
        ),
    ];
    for (reasons, expected, why) in rows {
        let answers = reasons.clone();
        always(&house, Call::Transaction, move || cancelled(&answers));
        let answer = house.send(&Call::Transaction.request()).await;
        assert_answer(&answer, expected, why);
        assert_eq!(sent(&house, Call::Transaction), 1, "{why}");
    }
    house.tap.leave_alone();
    assert_eq!(house.snapshot().await, before, "nothing was written");
}

#[tokio::test]
async fn an_item_that_grew_too_large_is_the_fields_fault_whatever_the_call() {
    let house = House::new().await;
    let message = "Item size to update has exceeded the maximum allowed size";
    for (call, field) in
        [(Call::Blind, "from_number"), (Call::Planned, "flow_set"), (Call::Transaction, "name")]
    {
        always(&house, call, move || {
            refusal(400, "com.amazon.coral.validate#ValidationException", message)
        });
        let text = "This value makes the stage larger than the 400 KB that can be stored.";
        let expected = (400, json!({field: [text], "code": "invalid"}));
        assert_answer(&house.send(&call.request()).await, expected, field);
    }
}

/// The client that both binaries use, and nothing in between.
fn app_at(endpoint: String) -> App {
    let connection = Connection {
        region: "us-east-1".to_owned(),
        endpoint: Some(endpoint),
        roots: None,
        credentials: Credentials::new("test", "test", None, None, "test"),
    };
    let table = StageTable::new(client(connection).unwrap(), "stages".to_owned(), Secrets::Echo);
    App::new(table, Secrets::Echo, Duration::ZERO)
}

#[tokio::test]
async fn a_store_that_is_out_of_reach_is_503() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let app = app_at(endpoint);
    let answer = ask(&app, &Call::Blind.request(), Duration::from_secs(30)).await;
    assert_answer(&answer, unavailable(), "nobody listens");
}

#[tokio::test]
async fn a_call_says_who_makes_it_and_no_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    let guest = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    let answer = ask(&app, &Call::Blind.request(), Duration::from_secs(30)).await;
    assert_answer(&answer, unavailable(), "it hangs up");
    let request = guest.await.unwrap();
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<_> =
        head.lines().skip(1).map(|line| line.split_once(": ").unwrap().0).collect();
    names.sort_unstable();
    let expected = [
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-amz-date",
        "x-amz-target",
    ];
    assert_eq!(names, expected);
    let agent = concat!("user-agent: authenticator-sms-stage/", env!("CARGO_PKG_VERSION"));
    assert!(head.lines().any(|line| line == agent), "{head}");
}

#[tokio::test]
async fn a_store_that_hangs_up_is_503() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let answer = ask(&app, &Call::Blind.request(), Duration::from_secs(30)).await;
    assert_answer(&answer, unavailable(), "it hangs up");
}

#[tokio::test]
async fn a_store_that_never_answers_is_503_before_the_invocation_ends() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    // Kept open, and never answered.
    let guest = tokio::spawn(async move { listener.accept().await });
    let request = Call::Blind.request();
    let asking = ask(&app, &request, Duration::from_millis(600));
    // Three attempts of two seconds each are what the client has patience for by itself.
    let answer = tokio::time::timeout(Duration::from_secs(5), asking).await;
    assert_answer(&answer.unwrap(), unavailable(), "it never answers");
    guest.await.unwrap().unwrap();
}

/// The table itself is gone, as while it is being restored under its name.
#[tokio::test]
async fn a_table_that_is_not_there_is_503() {
    let house = House::new().await;
    let table_name = format!("{}-not", house.table_name);
    let table = StageTable::new(house.client.clone(), table_name, Secrets::Echo);
    let app = App::new(table, Secrets::Echo, Duration::ZERO);
    let answer = ask(&app, &Call::Blind.request(), Duration::from_secs(30)).await;
    assert_answer(&answer, unavailable(), "no table");
}
