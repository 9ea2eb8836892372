//! Transactions that DynamoDB cancels, with a reason for each part.

use serde_json::{Value, json};

use crate::harness::{
    NAME_TAKEN, TOO_LARGE, TestApp,
    calls::{Call, assert_error, server_error, unavailable},
    dynamodb::{cancelled, check_failed, none, reason},
    invalid,
};

#[tokio::test]
async fn a_cancelled_transaction_is_answered_by_its_reasons() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let size =
        || reason("ValidationError", "Item size to update has exceeded the maximum allowed size");
    let taken = invalid(json!({"name": [NAME_TAKEN]}));
    let large = invalid(json!({"name": [TOO_LARGE]}));
    let throttled = || reason("ThrottlingError", "Throughput exceeds the current capacity");
    let rows: Vec<([Value; 3], (u16, Value), &str)> = vec![
        ([none(), check_failed(), none()], taken, "the name is taken"),
        ([size(), none(), none()], large.clone(), "the stage is too large"),
        ([none(), size(), none()], large, "the lock is too large"),
        ([throttled(), none(), none()], unavailable(), "an on-demand table is throttled"),
        (
            [none(), reason("ProvisionedThroughputExceeded", "Exceeded"), none()],
            unavailable(),
            "a provisioned table is throttled",
        ),
        (
            [none(), check_failed(), throttled()],
            unavailable(),
            "throttling takes precedence over a taken name",
        ),
        ([none(), none(), check_failed()], server_error(), "the old lock is another stage's"),
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
            "the table has no local index, and so no collections",
        ),
        (
            [reason("SomethingNew", "A reason that is not known yet"), none(), none()],
            server_error(),
            "unknown",
        ),
    ];
    for (reasons, expected, why) in rows {
        let answers = reasons.clone();
        Call::Transaction.answer_always(&app, move || cancelled(&answers));
        let answer = app.send(&Call::Transaction.request()).await;
        assert_error(&answer, expected, why);
        assert_eq!(Call::Transaction.times_sent(&app), 1, "{why}");
    }
    app.dynamodb.stop_intercepting();
    assert_eq!(app.snapshot().await, before, "nothing was written");
}
