//! Keys that a `BatchGetItem` leaves unprocessed, because the table has no capacity for them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use axum::body::{Body, to_bytes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    Key, LONG, MAPPING, NAME_TAKEN, OTHER_STAGE, RECOVERY_FLOW, Request, STAGE, THIRD_STAGE,
    TestApp, TestSettings, VIEWER, call_within,
    calls::{self, Call, assert_error, unavailable},
    does_not_exist, dynamodb, invalid,
    library::{self, App, VIEW},
    not_found,
};

/// Leaves every key unprocessed, this many times.
fn leave_unprocessed(app: &TestApp, times: usize) {
    let count = AtomicUsize::new(0);
    app.dynamodb.intercept(move |recorded, _, _| {
        if !Call::Verify.is(recorded) || count.fetch_add(1, Ordering::Relaxed) >= times {
            return None;
        }
        let body = json!({"Responses": {}, "UnprocessedKeys": recorded.body["RequestItems"]});
        Some(dynamodb::response(200, body.to_string()))
    });
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let app = calls::app().await;
    let body = json!({"name": "backup-sms", "provider": "pigeon"});
    let errors = invalid(json!({
        "name": [NAME_TAKEN],
        "provider": ["\"pigeon\" is not a valid choice."],
    }));
    leave_unprocessed(&app, 2);
    assert_error(&app.send(&Request::patch_json(&body)).await, errors, "after two attempts");
    assert_eq!(Call::Verify.times_sent(&app), 3);
}

#[tokio::test]
async fn keys_that_are_never_processed_lead_to_503() {
    let app = calls::app().await;
    leave_unprocessed(&app, usize::MAX);
    let answer = app.send_within(LONG, &Call::Verify.request()).await;
    assert_error(&answer, unavailable(), "never processed");
    assert!(Call::Verify.times_sent(&app) >= 16, "too few attempts");
}

/// The keys that each answer left unprocessed.
type Left = Arc<Mutex<Vec<Vec<Value>>>>;

/// Lets each answer have only this many items, and leaves the keys of the others unprocessed, as
/// DynamoDB does when the rest does not fit.
fn answer_in_parts(app: &TestApp, items_max: usize) -> Left {
    let left = Left::default();
    let (answers, table) = (left.clone(), app.table_name.clone());
    app.dynamodb.intercept(move |recorded, request, engine| {
        if !Call::Verify.is(recorded) {
            return None;
        }
        let (asked, engine) = (recorded.body["RequestItems"].clone(), engine.clone());
        let (answers, table) = (answers.clone(), table.clone());
        Some(HttpConnectorFuture::new(async move {
            let answer = engine.call(request).await?;
            let bytes = to_bytes(Body::new(answer.into_body()), usize::MAX).await.unwrap();
            let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
            let items = answer["Responses"][&table].as_array_mut().unwrap();
            let cut = items.split_off(items_max.min(items.len()));
            let keys = asked[&table]["Keys"].as_array().unwrap().iter();
            let keys = keys.filter(|key| cut.iter().any(|item| is_key_of(key, item)));
            let keys: Vec<Value> = keys.cloned().collect();
            assert_eq!(keys.len(), cut.len(), "each item has one key");
            answers.lock().unwrap().push(keys.clone());
            if !keys.is_empty() {
                let mut rest = asked;
                rest[&table]["Keys"] = keys.into();
                answer["UnprocessedKeys"] = rest;
            }
            dynamodb::response(200, answer.to_string()).await
        }))
    });
    left
}

/// Whether an item, of which maybe only some attributes were asked for, has this key.
fn is_key_of(key: &Value, item: &Value) -> bool {
    let mut attributes = key.as_object().unwrap().iter();
    attributes.all(|(name, value)| item.get(name).is_none_or(|found| found == value))
}

/// Asserts that the calls asked for this many keys: first for all, and then for exactly those that
/// the answer before had left, in the same way.
fn assert_asked(app: &TestApp, left: &Left, counts: &[usize], why: &str) {
    let calls = app.dynamodb.calls();
    let calls: Vec<_> = calls.iter().filter(|call| Call::Verify.is(call)).collect();
    let asked = |call: usize| calls[call].body["RequestItems"][&app.table_name].clone();
    let asked: Vec<Value> = (0..calls.len()).map(asked).collect();
    let keys: Vec<_> =
        asked.iter().map(|asked| asked["Keys"].as_array().unwrap().clone()).collect();
    assert_eq!(keys.iter().map(Vec::len).collect::<Vec<_>>(), counts, "{why}");
    let left = std::mem::take(&mut *left.lock().unwrap());
    assert_eq!(keys[1..], left[..left.len() - 1], "{why}: only the keys that were left");
    assert_eq!(left.last(), Some(&vec![]), "{why}: until none is left");
    for again in &asked[1..] {
        let mut again = again.clone();
        again["Keys"] = asked[0]["Keys"].clone();
        assert_eq!(again, asked[0], "{why}: asked for in the same way");
    }
}

/// A token that may view the three stages of the fixture, and two that do not exist.
const ONE_BY_ONE: &str = "one-by-one";

async fn app_with_single_permissions() -> TestApp {
    let app = TestApp::new().await;
    let missing = [0, u128::MAX].map(|number| Uuid::from_u128(number).to_string());
    let stages = [STAGE, OTHER_STAGE, THIRD_STAGE].map(str::to_owned).into_iter().chain(missing);
    let held: Vec<_> = stages.map(|stage| format!("{VIEW}:{stage}")).collect();
    let held: Vec<_> = held.iter().map(String::as_str).collect();
    library::put_token(&app.table, ONE_BY_ONE, "viewer", &held, None).await;
    app
}

#[tokio::test]
async fn a_list_in_parts_has_each_stage_once() {
    let app = app_with_single_permissions().await;
    let small = app.function_with_small_answers(1, &TestSettings::default());
    let expected = app.send(&Request::list().token(VIEWER)).await;
    assert_eq!((expected.status, &expected.body["pagination"]["count"]), (200, &json!(3)));
    let cases: [(&App, &str, usize, &[usize], &str); 5] = [
        (&app.function, ONE_BY_ONE, 1, &[5, 2, 1], "single stages, one in each answer"),
        (&app.function, ONE_BY_ONE, 2, &[5, 1], "single stages, two in each answer"),
        (&app.function, ONE_BY_ONE, 3, &[5], "single stages, all in one answer"),
        (&small, VIEWER, 1, &[3, 2, 1], "the page's documents, one in each answer"),
        (&small, VIEWER, 2, &[3, 1], "the page's documents, two in each answer"),
    ];
    for (function, token, items_max, counts, why) in cases {
        let left = answer_in_parts(&app, items_max);
        app.dynamodb.calls();
        let answer = call_within(function, &Request::list().token(token), LONG).await;
        assert_eq!(answer.status_and_body(), expected.status_and_body(), "{why}");
        assert_asked(&app, &left, counts, why);
    }
}

#[tokio::test]
async fn the_errors_of_a_body_are_complete_although_the_answer_was_not() {
    let app = calls::app().await;
    app.delete_item(&Key::mapping(MAPPING)).await;
    let body = json!({
        "name": "backup-sms", "provider": "pigeon", "mapping": MAPPING,
        "configure_flow": RECOVERY_FLOW,
    });
    let errors = invalid(json!({
        "name": [NAME_TAKEN],
        "provider": ["\"pigeon\" is not a valid choice."],
        "mapping": [does_not_exist(MAPPING)],
    }));
    let left = answer_in_parts(&app, 1);
    app.dynamodb.calls();
    assert_error(&app.send(&Request::patch_json(&body)).await, errors, "one at a time");
    assert_asked(&app, &left, &[4, 2, 1], "the lock, the stage and two rows");
}

#[tokio::test]
async fn a_refusal_takes_all_parts_into_account() {
    let app = app_with_single_permissions().await;
    let denied = app.send(&Request::patch("{}").token(VIEWER)).await;
    assert_eq!((denied.status, &denied.body["code"]), (403, &json!("permission_denied")));
    let missing = Uuid::max().to_string();
    for (stage, expected) in [
        (STAGE, denied.status_and_body()),
        (OTHER_STAGE, denied.status_and_body()),
        (THIRD_STAGE, denied.status_and_body()),
        (&missing, not_found()),
    ] {
        let left = answer_in_parts(&app, 1);
        app.dynamodb.calls();
        let answer = app.send(&Request::patch("{}").stage(stage).token(ONE_BY_ONE)).await;
        assert_error(&answer, expected, stage);
        assert_asked(&app, &left, &[5, 2, 1], stage);
    }
}
