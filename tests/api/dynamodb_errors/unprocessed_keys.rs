//! Keys that a `BatchGetItem` leaves unprocessed, because the table has no capacity for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::harness::{
    LONG, NAME_TAKEN, Request, TestApp,
    calls::{self, Call, assert_error, unavailable},
    dynamodb, invalid,
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
