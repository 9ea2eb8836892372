//! Writes that conflict with transactions and with writes in other regions.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    result::ConnectorError,
};
use tokio::task::JoinSet;

use crate::harness::{
    Key, LONG, STAGE,
    calls::{
        self, Answers, Call, EVERY_CALL, TRANSACTIONS, UPDATES, assert_error, conflict, unavailable,
    },
    check_invariants, document,
    dynamodb::{self, cancelled, check_failed, conflict as in_conflict, none},
    revision,
};

/// The conflicts that a write can have, each with the call that has it.
fn conflicts() -> Vec<(Call, Answers, &'static str)> {
    let in_transaction = || {
        dynamodb::error(400, "TransactionConflictException", "Transaction is ongoing for the item")
    };
    let in_region = || {
        dynamodb::error(
            400,
            "ReplicatedWriteConflictException",
            "One or more items are being modified by a request in another Region.",
        )
    };
    let in_progress = || {
        dynamodb::error(
            400,
            "TransactionInProgressException",
            "The transaction with the given request token is in progress",
        )
    };
    vec![
        (Call::InPlace, in_transaction, "an update in place during a transaction"),
        (Call::CompareAndSwap, in_transaction, "a compare-and-swap during a transaction"),
        (Call::InPlace, in_region, "an update in place during a write in another region"),
        (Call::CompareAndSwap, in_region, "a compare-and-swap during a write in another region"),
        (Call::Transaction, || cancelled(&[in_conflict(), none(), none()]), "at the stage"),
        (Call::Transaction, || cancelled(&[none(), in_conflict(), none()]), "at the new name"),
        (Call::Transaction, || cancelled(&[none(), none(), in_conflict()]), "at the old name"),
        (
            Call::Transaction,
            || cancelled(&[in_conflict(), check_failed(), none()]),
            "at the stage, with a taken name, which may be free at the next attempt",
        ),
        (
            Call::Transaction,
            || cancelled(&[in_conflict(), none(), check_failed()]),
            "at the stage, which is being renamed and may no longer own its old name",
        ),
        (Call::Transaction, in_progress, "the same transaction is still in progress"),
        (Call::Create, || cancelled(&[none(), in_conflict()]), "at a new stage's name"),
        (Call::Destroy, || cancelled(&[in_conflict(), none()]), "at a stage to be deleted"),
        (Call::Destroy, || cancelled(&[none(), in_conflict()]), "at the name of a deleted stage"),
    ]
}

#[tokio::test]
async fn a_write_that_has_conflicts_is_retried_until_it_succeeds() {
    let app = calls::app().await;
    let before = app.snapshot().await;
    for (call, answer, why) in conflicts() {
        // Four conflicts are more than the SDK itself retries.
        call.answer_first(&app, (0..4).map(|_| answer()).collect());
        let answer = app.send(&call.request()).await;
        assert_eq!(answer.status, call.success(), "{why}: {}", answer.body);
        assert_eq!(call.times_sent(&app), 5, "{why}");
        let after = app.snapshot().await;
        if call == Call::Destroy {
            assert!(!after.contains_key(&Key::stage(STAGE)), "{why}: deleted");
        } else {
            let stage = &after[&Key::stage(answer.body["pk"].as_str().unwrap())];
            let writes = if call == Call::Create { 1 } else { 2 };
            assert_eq!(revision(stage), writes, "{why}: written once");
            assert_eq!(document(stage), answer.body, "{why}");
        }
        assert_eq!(check_invariants(&after), Ok(()), "{why}");
        app.restore(&before).await;
        app.dynamodb.calls();
    }
}

/// Each case takes about two seconds, so they run concurrently.
#[tokio::test]
async fn a_write_that_always_has_conflicts_is_answered_409() {
    let mut waiting = JoinSet::new();
    for (call, answer, why) in conflicts() {
        waiting.spawn(async move {
            let app = calls::app().await;
            let before = app.snapshot().await;
            call.answer_always(&app, answer);
            let answer = app.send_within(LONG, &call.request()).await;
            // A transaction that is still in progress may succeed.
            let is_uncertain = why.contains("still in progress");
            assert_error(&answer, if is_uncertain { unavailable() } else { conflict() }, why);
            assert!(call.times_sent(&app) >= 16, "{why}: too few attempts");
            assert_eq!(app.snapshot().await, before, "{why}");
        });
    }
    waiting.join_all().await;
}

/// The answer to a successful write is lost, and every further attempt has a conflict. The write
/// has succeeded, so the answer is not 409.
#[tokio::test]
async fn a_write_that_succeeded_before_it_had_conflicts_is_answered_200() {
    let mut waiting = JoinSet::new();
    for (call, answer, why) in conflicts() {
        if !UPDATES.contains(&call) {
            continue; // A transaction is recognised by its token.
        }
        waiting.spawn(async move {
            let app = calls::app().await;
            let is_first = AtomicBool::new(true);
            app.dynamodb.intercept(move |recorded, request, engine| {
                if !call.is(recorded) {
                    return None;
                }
                if !is_first.swap(false, Ordering::Relaxed) {
                    return Some(answer());
                }
                let write = engine.call(request);
                Some(HttpConnectorFuture::new(async move {
                    write.await?;
                    Err(dynamodb::reset())
                }))
            });
            let answer = app.send(&call.request()).await;
            assert_eq!(answer.status, 200, "{why}");
            let after = app.snapshot().await;
            assert_eq!(document(&after[&Key::stage(STAGE)]), answer.body, "{why}");
        });
    }
    waiting.join_all().await;
}

/// The conflict of every attempt after the first one.
fn conflict_for(call: Call) -> HttpConnectorFuture {
    if TRANSACTIONS.contains(&call) {
        let reasons = [in_conflict(), none(), none()];
        return cancelled(&reasons[..call.parts()]);
    }
    dynamodb::error(400, "TransactionConflictException", "Transaction is ongoing for the item")
}

/// The first attempt is delayed on its way, and every further one has a conflict. "Nothing was
/// changed" would be wrong: the first attempt is executed in the end.
#[tokio::test]
async fn a_write_with_an_attempt_that_may_still_be_executed_is_answered_503_and_not_409() {
    let mut waiting = JoinSet::new();
    for call in EVERY_CALL.iter().copied() {
        if !UPDATES.contains(&call) && !TRANSACTIONS.contains(&call) {
            continue;
        }
        waiting.spawn(async move {
            let app = calls::app().await;
            let before = app.snapshot().await;
            let held = Arc::new(Mutex::new(None));
            let holding = Arc::clone(&held);
            app.dynamodb.intercept(move |recorded, request, engine| {
                if !call.is(recorded) {
                    return None;
                }
                let mut held = holding.lock().unwrap();
                if held.is_some() {
                    return Some(conflict_for(call));
                }
                *held = Some((request, engine.clone()));
                let error = ConnectorError::timeout("no answer in time".into());
                Some(dynamodb::failed_connection(error))
            });
            let answer = app.send_within(LONG, &call.request()).await;
            assert_error(&answer, unavailable(), &format!("{call:?}"));
            assert_eq!(app.snapshot().await, before, "{call:?}: not executed yet");
            let (request, engine) = held.lock().unwrap().take().unwrap();
            assert_eq!(engine.call(request).await.unwrap().status().as_u16(), 200, "{call:?}");
            let after = app.snapshot().await;
            assert_ne!(after, before, "{call:?}: executed");
            assert_eq!(check_invariants(&after), Ok(()), "{call:?}");
        });
    }
    waiting.join_all().await;
}

/// A creation that may have been executed is not retried: a late attempt would bring back a stage
/// that another client has deleted in the meantime.
#[tokio::test]
async fn a_creation_that_is_still_in_progress_is_answered_503_at_once() {
    let app = calls::app().await;
    Call::Create.answer_always(&app, || {
        let text = "The transaction with the given request token is in progress";
        dynamodb::error(400, "TransactionInProgressException", text)
    });
    let answer = app.send_within(LONG, &Call::Create.request()).await;
    assert_error(&answer, unavailable(), "in progress");
    let tokens: BTreeSet<_> = (app.dynamodb.calls().iter())
        .filter(|recorded| Call::Create.is(recorded))
        .map(|recorded| recorded.body["ClientRequestToken"].to_string())
        .collect();
    assert_eq!(tokens.len(), 1, "one attempt, even if the SDK retries it");
}
