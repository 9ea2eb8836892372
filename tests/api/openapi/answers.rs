//! The documented answers of each operation compared with its real ones: statuses, codes, headers
//! and bodies. All documented answers occur, and no others.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    document::{Described, Document},
    every_release::{POWERLESS, app, request},
};
use crate::harness::{
    Answer, FIXTURE, Key, RecordedCall, Request, STAGE, TestApp, Trigger, UNKNOWN, dynamodb,
    library::{self, BODY_BYTES_MAX, Event},
    with,
};

/// A status, and the code in the body, if any.
type Reached = (u16, Option<String>);

/// A simulated failure of the table.
#[derive(Clone, Copy)]
enum Failure {
    None,
    /// Every transaction conflicts with another.
    Conflict,
    /// The function has no permission for the table.
    Forbidden,
    /// DynamoDB fails.
    Failing,
}

impl Failure {
    fn answer(self, call: &RecordedCall) -> Option<HttpConnectorFuture> {
        match self {
            Self::Conflict if call.operation == "TransactWriteItems" => {
                let parts = call.body["TransactItems"].as_array().unwrap().len();
                Some(dynamodb::cancelled(&vec![dynamodb::conflict(); parts]))
            }
            Self::None | Self::Conflict => None,
            Self::Forbidden => Some(dynamodb::error(400, "AccessDeniedException", "of the test")),
            Self::Failing => Some(dynamodb::error(500, "InternalServerError", "of the test")),
        }
    }
}

/// A body that a PUT, a PATCH or a POST accepts, with these members changed.
fn body(changes: Value) -> Value {
    let body = json!({
        "name": "answers", "provider": "generic", "from_number": "1", "account_sid": "https://x",
        "auth": "s3cr3t",
    });
    with(body, changes)
}

/// A request for an operation that succeeds.
fn good(operation: &Described<'_>) -> Request {
    let text = if operation.body().is_some() { body(json!({})).to_string() } else { String::new() };
    request(operation, &text)
}

/// The same request with a prefix, and with another text instead of the UUID.
fn at(operation: &Described<'_>, prefix: &str, segment: &str) -> Request {
    good(operation).path(&format!("{prefix}{}", operation.path.replace("{stage_uuid}", segment)))
}

/// Requests and failures that cause all answers of an operation except those of [`unreadable`] and
/// [`too_large`]. The request that succeeds comes last, because it may delete the stage.
fn requests(operation: &Described<'_>, is_list: bool) -> Vec<(Request, Failure)> {
    let good = || good(operation);
    let mut requests = Vec::new();
    if operation.needs_credentials() {
        requests.extend([
            (good().header("Authorization", None), Failure::None),
            (good().header("Authorization", "Basic eDp5"), Failure::None),
            (good().token("unknown"), Failure::None),
            (good().token(POWERLESS), Failure::None),
            (good(), Failure::Forbidden),
            (good(), Failure::Failing),
        ]);
    }
    if !["head", "options"].contains(&operation.method) {
        requests.push((good().method("TRACE"), Failure::None));
    }
    if operation.names_a_stage() {
        requests.extend(
            [
                ("", "a/b"),
                ("/api/v3", "a/b"),
                ("/api/v3", ""),
                ("/api/v3", "x"),
                ("/api/v3", UNKNOWN),
            ]
            .map(|(prefix, segment)| (at(operation, prefix, segment), Failure::None)),
        );
    }
    if is_list {
        requests.extend(["search=%00", "page=0"].map(|query| (good().query(query), Failure::None)));
    }
    if is_of_one_stage(operation) || operation.method == "post" {
        requests.extend(
            ["no tag", "\"0-00000000\""].map(|tag| (good().header("If-Match", tag), Failure::None)),
        );
    }
    if is_of_one_stage(operation) && ["get", "head"].contains(&operation.method) {
        requests.push((good().header("If-None-Match", "*"), Failure::None));
    }
    if operation.body().is_some() {
        let sent = |text: String| (Request { body: text.into(), ..good() }, Failure::None);
        requests.extend([
            sent("null".to_owned()),
            sent("{".to_owned()),
            sent(body(json!({"name": null, "flow_set": [{}], "auth": []})).to_string()),
            sent(json!({"name": vec![0; 100_001]}).to_string()),
            sent(" ".repeat(BODY_BYTES_MAX + 1)),
            (good().header("Content-Type", "text/plain"), Failure::None),
        ]);
    }
    if operation.body().is_some() || operation.method == "delete" {
        requests.push((good(), Failure::Conflict));
    }
    requests.push((good(), Failure::None));
    requests
}

/// Whether the operation is on a stage itself, and so has preconditions.
fn is_of_one_stage(operation: &Described<'_>) -> bool {
    operation.path.ends_with("/{stage_uuid}/") && operation.method != "options"
}

/// Sends an event whose headers cannot be read.
async fn unreadable(app: &TestApp, operation: &Described<'_>) -> Answer {
    let mut event = good(operation).event();
    event["headers"] = json!(["x"]);
    let event: Event = serde_json::from_str(&event.to_string()).unwrap();
    app.handle(event).await
}

/// A text that takes seven bytes per character in the JSON for a load balancer.
fn wide(characters: usize) -> String {
    "\u{1}".repeat(characters)
}

/// Gets an answer that is too large for a load balancer, if the operation has one.
async fn too_large(app: &TestApp, operation: &Described<'_>) -> Option<Answer> {
    let request = good(operation).trigger(Trigger::LoadBalancer);
    if operation.body().is_some() {
        // Each of the values is echoed.
        let text = wide(2_000);
        let element = json!({
            "designation": text, "policy_engine_mode": text, "layout": text, "denied_action": text,
        });
        let body = body(json!({"flow_set": vec![element; 21]})).to_string();
        assert!(body.len() <= BODY_BYTES_MAX);
        return Some(app.send(&Request { body: body.into(), ..request }).await);
    }
    if operation.method != "get" || operation.path.starts_with("/root/") {
        return None;
    }
    // What a request stores is small enough for every trigger, but a page has many stages, and an
    // item may be written by hand.
    let name = wide(160_000);
    let update = app.client.update_item().table_name(&app.table_name);
    let update = update.set_key(Some(Key::stage(STAGE).attributes()));
    let update = update.update_expression("SET flow_set[0].#name = :name");
    let update = update.expression_attribute_names("#name", "name");
    let update = update.expression_attribute_values(":name", AttributeValue::S(name.clone()));
    update.send().await.unwrap();
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let row = with(fixture["flows"][0].clone(), json!({"pk": UNKNOWN, "name": name}));
    library::load(&app.table, &json!({"flows": [row]}).to_string()).await;
    Some(app.send(&request).await)
}

/// Asserts that the document has this answer for the operation.
fn assert_documented(document: &Document, operation: &Described<'_>, answer: &Answer) {
    let place = format!("{} {}", operation.id(), answer.status);
    let responses = operation.responses(document);
    let found = responses.iter().find(|(status, _)| *status == answer.status);
    let (_, response) = found.unwrap_or_else(|| panic!("{place} is not documented: {answer:?}"));
    let content = &response["content"]["application/json"];
    if content.is_null() {
        assert_eq!(answer.body, Value::Null, "{place} has no body");
    } else {
        let faults = document.faults(&content["schema"], &answer.body);
        assert_eq!(faults, Vec::<String>::new(), "{place}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{place}");
    }
    let mut undocumented: BTreeSet<_> = answer.headers.keys().map(String::as_str).collect();
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let header = document.resolve(header);
        assert_eq!(header["required"], true, "{place}: {name} is always sent");
        let value = answer.header(&name.to_lowercase());
        let value = value.unwrap_or_else(|| panic!("{place} has no {name}"));
        let value = match header["schema"]["type"].as_str() {
            Some("integer") => serde_json::from_str(value).unwrap(),
            _ => json!(value),
        };
        assert_eq!(document.faults(&header["schema"], &value), Vec::<String>::new(), "{place}");
        undocumented.remove(&*name.to_lowercase());
    }
    // OpenAPI documents it in `content`, not in `headers`; a HEAD has the headers of the GET.
    undocumented.remove("content-type");
    assert!(undocumented.is_empty(), "{place}: {undocumented:?}");
}

fn reached(answer: &Answer) -> Reached {
    let code = if answer.status < 400 { None } else { answer.body["code"].as_str() };
    (answer.status, code.map(str::to_owned))
}

/// The documented answers of an operation.
fn documented(document: &Document, operation: &Described<'_>) -> BTreeSet<Reached> {
    let mut documented = BTreeSet::new();
    for (status, response) in operation.responses(document) {
        let codes = document.codes(&response["content"]["application/json"]["schema"]);
        if codes.is_empty() {
            documented.insert((status, None));
        }
        documented.extend(codes.into_iter().map(|code| (status, Some(code.to_owned()))));
    }
    documented
}

/// Compares the answers of one operation with the document.
async fn check(id: String) {
    let document = Document::read();
    let operation = document.operation(&id);
    let app = app(None).await;

    // The method of such an event is unknown, too, so a HEAD is answered with a body.
    let mut answers = BTreeSet::new();
    let answer = unreadable(&app, &operation).await;
    if operation.method == "head" {
        answers.insert((answer.status, None));
    } else {
        assert_documented(&document, &operation, &answer);
        answers.insert(reached(&answer));
    }
    let is_list = !operation.query_parameters(&document).is_empty();
    for (request, failure) in requests(&operation, is_list) {
        app.dynamodb.intercept(move |call, _, _| failure.answer(call));
        let answer = app.send(&request).await;
        app.dynamodb.stop_intercepting();
        assert_documented(&document, &operation, &answer);
        answers.insert(reached(&answer));
    }
    if let Some(answer) = too_large(&app, &operation).await {
        assert_eq!(answer.body["code"], "answer_too_large", "{id} {answer:?}");
        assert_documented(&document, &operation, &answer);
        answers.insert(reached(&answer));
    }
    assert_eq!(answers, documented(&document, &operation), "{id}");
}

#[tokio::test]
async fn each_operation_has_exactly_the_documented_answers() {
    let mut checks = JoinSet::new();
    for operation in Document::read().operations() {
        // Checks that wait between attempts wait in parallel.
        checks.spawn(check(operation.id().to_owned()));
    }
    checks.join_all().await;
}
