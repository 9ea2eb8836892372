//! Callers who may view more single stages than one `BatchGetItem` can look up.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{denied, put_token};
use crate::harness::{
    OTHER_STAGE, Request, STAGE, THIRD_STAGE, TestApp, UNKNOWN, VIEWER,
    library::{CHANGE, VIEW},
    not_found,
};

/// DynamoDB's limit for the keys of one call.
const KEYS_MAX: usize = 100;

/// Stages that do not exist, before, between and after those of the fixture.
fn missing() -> impl Iterator<Item = String> {
    (0..127_u128).map(|number| Uuid::from_u128(number << 121).to_string())
}

/// The permission to view each of these stages.
fn views(stages: impl Iterator<Item = String>) -> Vec<String> {
    stages.map(|stage| format!("{VIEW}:{stage}")).collect()
}

/// A token that may view the stages that do not exist, and these.
async fn put_viewer(app: &TestApp, key: &str, existing: &[&str], others: &[String]) {
    let existing = existing.iter().map(|stage| (*stage).to_owned());
    let permissions = [views(missing().chain(existing)), others.to_vec()].concat();
    put_token(app, key, &permissions.iter().map(String::as_str).collect::<Vec<_>>(), None).await;
}

/// The keys of each `BatchGetItem` since the calls were last taken.
fn batches(app: &TestApp) -> Vec<Vec<Value>> {
    let calls = app.dynamodb.calls();
    let batches = calls.iter().filter(|call| call.operation == "BatchGetItem");
    let keys = batches.map(|call| call.body["RequestItems"][&app.table_name]["Keys"].clone());
    keys.map(|keys| keys.as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_refusal_looks_up_every_stage_that_the_caller_may_view() {
    let app = TestApp::new().await;
    let fixture = [STAGE, OTHER_STAGE, THIRD_STAGE];
    put_viewer(&app, "three", &fixture, &[]).await;
    let (first, last) = (missing().next().unwrap(), missing().last().unwrap());
    for (stage, expected, why) in [
        (STAGE, (403, denied()), "it exists, and is in the first call"),
        (THIRD_STAGE, (403, denied()), "it exists, and is in the second call"),
        (&first, not_found(), "it does not exist"),
        (&last, not_found(), "it does not exist"),
        (UNKNOWN, not_found(), "the caller may not view it"),
    ] {
        for method in ["PATCH", "PUT", "DELETE"] {
            app.dynamodb.calls();
            let request = Request::patch("{}").method(method).stage(stage).token("three");
            assert_eq!(app.send(&request).await.status_and_body(), expected, "{method}: {why}");
            let batches = batches(&app);
            let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
            assert_eq!(sizes, [KEYS_MAX, 30], "{method}: {why}");
            let mut keys: Vec<_> = batches.concat().iter().map(Value::to_string).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), 130, "{method}: no stage is looked up twice");
        }
    }
}

#[tokio::test]
async fn a_stage_in_the_last_call_is_enough_for_the_caller_to_be_told_of_missing_ones() {
    let app = TestApp::new().await;
    put_viewer(&app, "last", &[THIRD_STAGE], &[]).await;
    put_viewer(&app, "none", &[], &[]).await;
    for listed in [missing().next().unwrap(), missing().last().unwrap()] {
        let request = Request::patch("{}").stage(&listed);
        let answer = app.send(&request.clone().token("last")).await;
        assert_eq!(answer.status_and_body(), not_found(), "another stage exists");
        let answer = app.send(&request.token("none")).await;
        assert_eq!(answer.status_and_body(), (403, denied()), "no stage exists");
    }
}

#[tokio::test]
async fn an_error_of_the_body_is_shown_only_for_a_stage_that_exists() {
    let app = TestApp::new().await;
    let listed = missing().last().unwrap();
    let change = [format!("{CHANGE}:{THIRD_STAGE}"), format!("{CHANGE}:{listed}")];
    put_viewer(&app, "editor", &[THIRD_STAGE], &change).await;
    let request = Request::patch(r#"{"verify_only": "x"}"#).token("editor");
    let invalid = json!({"verify_only": ["Must be a valid boolean."], "code": "invalid"});
    let answer = app.send(&request.clone().stage(THIRD_STAGE)).await;
    assert_eq!(answer.status_and_body(), (400, invalid));
    let answer = app.send(&request.stage(&listed)).await;
    assert_eq!(answer.status_and_body(), not_found());
}

#[tokio::test]
async fn the_list_shows_those_that_exist() {
    let app = TestApp::new().await;
    put_viewer(&app, "three", &[STAGE, OTHER_STAGE, THIRD_STAGE], &[]).await;
    let expected = app.send(&Request::list().token(VIEWER)).await;
    assert_eq!(expected.body["pagination"]["count"], 3);
    app.dynamodb.calls();
    let answer = app.send(&Request::list().token("three")).await;
    assert_eq!(answer.status_and_body(), expected.status_and_body());
    let batches = batches(&app);
    assert!(batches.iter().all(|keys| keys.len() <= KEYS_MAX), "the limit for one call");
    assert_eq!(batches.concat().len(), 130 + 3, "each stage, then the documents of the page");
    put_viewer(&app, "none", &[], &[]).await;
    let answer = app.send(&Request::list().token("none")).await;
    assert_eq!(answer.status_and_body(), (403, denied()), "none of them exists");
}
