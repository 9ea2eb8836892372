//! Transactions that DynamoDB cancels, with a reason for each part.

use serde_json::{Value, json};

use tokio::task::JoinSet;

use crate::harness::{
    Key, LONG, NAME_TAKEN, STAGE, TOO_LARGE,
    calls::{self, Call, TRANSACTIONS, assert_error, server_error, unavailable},
    check_invariants,
    dynamodb::{cancelled, check_failed, none, reason},
    invalid, revision,
};

#[tokio::test]
async fn a_cancelled_transaction_is_answered_according_to_its_reasons() {
    let app = calls::app().await;
    let before = app.snapshot().await;
    let size =
        || reason("ValidationError", "Item size to update has exceeded the maximum allowed size");
    let taken = invalid(json!({"name": [NAME_TAKEN]}));
    let large = invalid(json!({"name": [TOO_LARGE]}));
    let rows: Vec<([Value; 3], (u16, Value), &str)> = vec![
        ([none(), check_failed(), none()], taken, "the name is taken"),
        ([size(), none(), none()], large.clone(), "the stage is too large"),
        ([none(), size(), none()], large, "the lock is too large"),
        ([none(), none(), check_failed()], server_error(), "the old lock belongs to another stage"),
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
            "the table has no local index, so it has no collections",
        ),
        (
            [reason("SomethingNew", "A reason that is not known yet"), none(), none()],
            server_error(),
            "an unknown reason",
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

/// Temporary reasons. The SDK does not retry a cancelled transaction.
fn throttled() -> [([Value; 3], &'static str); 3] {
    let on_demand = || reason("ThrottlingError", "Throughput exceeds the current capacity");
    let provisioned = || reason("ProvisionedThroughputExceeded", "Exceeded");
    [
        ([on_demand(), none(), none()], "an on-demand table is throttled"),
        ([none(), provisioned(), none()], "a provisioned table is throttled"),
        ([on_demand(), check_failed(), none()], "throttling takes precedence over a taken name"),
    ]
}

#[tokio::test]
async fn a_transaction_that_was_throttled_once_is_retried() {
    let app = calls::app().await;
    let before = app.snapshot().await;
    for &call in TRANSACTIONS {
        for (reasons, why) in throttled() {
            let why = format!("{call:?}: {why}");
            let reasons = &reasons[..call.parts()];
            call.answer_first(&app, vec![cancelled(reasons)]);
            let answer = app.send(&call.request()).await;
            assert_eq!(answer.status, call.success(), "{why}: {}", answer.body);
            assert_eq!(call.times_sent(&app), 2, "{why}");
            let after = app.snapshot().await;
            assert_eq!(check_invariants(&after), Ok(()), "{why}");
            if call == Call::Transaction {
                assert_eq!(revision(&after[&Key::stage(STAGE)]), 2, "{why}: written once");
            }
            app.restore(&before).await;
        }
    }
}

/// Each case takes about two seconds, so they run concurrently.
#[tokio::test]
async fn a_transaction_that_is_always_throttled_is_answered_503() {
    let mut running = JoinSet::new();
    for &call in TRANSACTIONS {
        for (reasons, why) in throttled() {
            running.spawn(async move {
                let why = format!("{call:?}: {why}");
                let app = calls::app().await;
                let before = app.snapshot().await;
                call.answer_always(&app, move || cancelled(&reasons[..call.parts()]));
                let answer = app.send_within(LONG, &call.request()).await;
                assert_error(&answer, unavailable(), &why);
                assert!(call.times_sent(&app) >= 16, "{why}: too few attempts");
                assert_eq!(app.snapshot().await, before, "{why}");
            });
        }
    }
    running.join_all().await;
}
