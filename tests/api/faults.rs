//! Requests whose calls to DynamoDB fail, with and without other writers.
//!
//! Every call of every kind of request is made to fail in every way. `table.rs` lists the expected
//! results: the answer's status, and the writes that were made, in order. A 200 means that the
//! request's own write was made exactly once, a 503 that it was made completely or not at all, and
//! any other error that it was not made.

mod expected;
mod injection;
mod lifetime;
mod request_kind;
mod table;
mod unanswered;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::{
    expected::Expected,
    injection::{Case, Extent, Fault, Others, Rewrite, rewritten},
    request_kind::{
        RequestKind, empty, everything, flow_set, form, plain, read, reference, removed_flow,
        rename, whole_document, with_if_match,
    },
    table::{OWN, OWN_THEN_THEIRS, Outcome, THEIRS_THEN_OWN, Write, cases, expected},
};
use crate::harness::{LONG, OtherClient, Request, Snapshot, TestApp, UNKNOWN, check_invariants};

/// The number of calls that the request makes without faults.
async fn count_calls(app: &TestApp, kind: &RequestKind, before: &Snapshot) -> usize {
    let answer = app.send(&kind.request(before)).await;
    assert_eq!(answer.status, 200, "{}: {}", kind.body, answer.body);
    let calls = app.dynamodb.calls().len();
    app.restore(before).await;
    calls
}

/// Makes every call fail in every way, and checks the results.
async fn survives_every_fault(kind: RequestKind) {
    let (app, before) = kind.app().await;
    let other = OtherClient::of(&app);
    let last = count_calls(&app, &kind, &before).await;
    let mut failures = Vec::new();
    for call in 1..=last {
        for (case, expected) in cases(&kind, call, last) {
            case.inject(&app, &other, None);
            let answer = app.send(&kind.request(&before)).await;
            let after = app.snapshot().await;
            if let Err(problem) = expected.check(&answer, &before, &after) {
                failures.push(format!("{case:?}: {problem}"));
            }
            if after != before {
                app.restore(&before).await;
            }
        }
    }
    assert!(failures.is_empty(), "of {last} calls:\n{}", failures.join("\n"));
}

#[tokio::test]
async fn an_update_in_place_survives_every_fault() {
    survives_every_fault(plain()).await;
}

#[tokio::test]
async fn an_update_with_if_match_survives_every_fault() {
    survives_every_fault(with_if_match()).await;
}

#[tokio::test]
async fn an_update_with_a_form_survives_every_fault() {
    survives_every_fault(form()).await;
}

#[tokio::test]
async fn an_update_with_the_whole_document_survives_every_fault() {
    survives_every_fault(whole_document()).await;
}

#[tokio::test]
async fn a_rename_survives_every_fault() {
    survives_every_fault(rename()).await;
}

#[tokio::test]
async fn a_change_of_references_survives_every_fault() {
    survives_every_fault(reference()).await;
}

#[tokio::test]
async fn a_change_of_flow_set_survives_every_fault() {
    survives_every_fault(flow_set()).await;
}

#[tokio::test]
async fn the_removal_of_a_flow_survives_every_fault() {
    survives_every_fault(removed_flow()).await;
}

#[tokio::test]
async fn an_update_of_everything_survives_every_fault() {
    survives_every_fault(everything()).await;
}

#[tokio::test]
async fn an_empty_patch_survives_every_fault() {
    survives_every_fault(empty()).await;
}

#[tokio::test]
async fn a_read_survives_every_fault() {
    survives_every_fault(read()).await;
}

/// The limit of the guarantee: a stage remembers its last four writes. After four other writes, an
/// update that succeeded is no longer recognised, and is made again.
#[tokio::test]
async fn an_update_that_is_repeated_after_four_others_is_applied_again() {
    let outcome: Outcome = (200, &[Write::Own, Write::Theirs, Write::Own]);
    for kind in [plain(), flow_set()] {
        assert_repeated_after_four_others(&kind, outcome).await;
    }
}

/// DynamoDB itself recognises a transaction that it has executed, by its token.
#[tokio::test]
async fn a_transaction_that_is_repeated_after_four_others_is_not_applied_again() {
    for kind in [rename(), reference()] {
        assert_repeated_after_four_others(&kind, (200, OWN_THEN_THEIRS)).await;
    }
}

/// Asserts the outcome if the answer to the write is lost, and four others write before it is sent
/// again.
async fn assert_repeated_after_four_others(kind: &RequestKind, outcome: Outcome) {
    let (app, before) = kind.app().await;
    let call = count_calls(&app, kind, &before).await;
    let others = Others::Four;
    let case = Case { call, fault: Fault::AnswerLost, extent: Extent::Once, others };
    case.inject(&app, &OtherClient::of(&app), None);
    let answer = app.send(&kind.request(&before)).await;
    let result = expected(outcome, kind, others).check(&answer, &before, &app.snapshot().await);
    assert_eq!(result, Ok(()), "{}", kind.body);
}

/// The same with `If-Match`. The write was made, so 412, which means that it was not, would be
/// wrong. If the fault is in a read, nothing was written.
#[tokio::test]
async fn a_write_that_is_no_longer_recognised_is_answered_503_and_not_412() {
    let kind = with_if_match();
    let (app, before) = kind.app().await;
    let others = Others::Four;
    for (call, outcome) in [(1, (412, &[Write::Theirs][..])), (2, (503, OWN_THEN_THEIRS))] {
        let case = Case { call, fault: Fault::AnswerLost, extent: Extent::Once, others };
        case.inject(&app, &OtherClient::of(&app), None);
        let answer = app.send(&kind.request(&before)).await;
        let expected = expected(outcome, &kind, others);
        let after = app.snapshot().await;
        assert_eq!(expected.check(&answer, &before, &after), Ok(()), "call {call}");
        app.restore(&before).await;
    }
}

/// Makes another client write before every call. Returns the number of its writes.
fn overtake_always(app: &TestApp, other: &Arc<OtherClient>) -> Arc<AtomicUsize> {
    let other = Arc::clone(other);
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    app.dynamodb.intercept(move |_, request, engine| {
        let (engine, other) = (engine.clone(), Arc::clone(&other));
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        Some(HttpConnectorFuture::new(async move {
            other.write(&[theirs(number)]).await;
            engine.call(request).await
        }))
    });
    writes
}

fn theirs(number: usize) -> Value {
    json!({"account_sid": format!("theirs {number}")})
}

/// A compare-and-swap never succeeds against a client that always writes first, and is answered 409
/// after some seconds; an update in place succeeds at once.
#[tokio::test]
async fn a_write_that_is_always_overtaken_is_answered_409_unless_it_is_in_place() {
    let mut running = JoinSet::new();
    for (kind, status) in [
        (plain(), 200),
        (with_if_match(), 412),
        (rename(), 409),
        (reference(), 409),
        (flow_set(), 409),
        (whole_document(), 409),
        (removed_flow(), 409),
        (everything(), 409),
        (empty(), 200),
    ] {
        running.spawn(async move {
            let (app, before) = kind.app().await;
            let count = overtake_always(&app, &OtherClient::of(&app));
            let answer = app.send_within(LONG, &kind.request(&before)).await;
            let mut writes: Vec<_> = (1..=count.load(Ordering::Relaxed)).map(theirs).collect();
            let own = (status == 200 && kind.writes()).then_some(writes.len());
            writes.extend(own.map(|_| kind.effect.clone()));
            let expected = Expected { status, writes, own };
            let after = app.snapshot().await;
            assert_eq!(expected.check(&answer, &before, &after), Ok(()), "{}", kind.body);
            assert_eq!(answer.header("retry-after"), (status == 409).then_some("1"));
        });
    }
    running.join_all().await;
}

const NOT_WRITTEN_YET: &str = "NOT contains(#write_ids, :write_id)";
const IS_NEWEST: &str = "#write_ids[0] = :seen";

/// The checks fail for a function with a mistake in its conditions.
#[tokio::test]
async fn a_wrong_condition_on_the_stage_is_reported() {
    let newest_only: Rewrite = |text| text.replace(NOT_WRITTEN_YET, "#write_ids[0] <> :write_id");
    let not_at_all: Rewrite = |text| text.replace(NOT_WRITTEN_YET, "attribute_exists(#write_ids)");
    let any_version: Rewrite =
        |text| text.replace(IS_NEWEST, "(#write_ids[0] = :seen OR attribute_exists(#revision))");
    for (rewrite, kind, fault, others, outcome, why) in [
        (newest_only, plain(), Fault::AnswerLost, Others::One, OWN_THEN_THEIRS, "one other write"),
        (newest_only, plain(), Fault::AnswerLost, Others::Three, OWN_THEN_THEIRS, "three others"),
        (newest_only, form(), Fault::AnswerLost, Others::Three, OWN_THEN_THEIRS, "a form"),
        (not_at_all, plain(), Fault::AnswerLost, Others::None, OWN, "written twice"),
        (any_version, rename(), Fault::Overtaken, Others::Renaming, THEIRS_THEN_OWN, "a lost lock"),
        (any_version, flow_set(), Fault::Overtaken, Others::One, THEIRS_THEN_OWN, "a lost write"),
        (any_version, everything(), Fault::Overtaken, Others::One, THEIRS_THEN_OWN, "everything"),
    ] {
        let (app, before) = kind.app().await;
        let other = OtherClient::of(&app);
        let last = count_calls(&app, &kind, &before).await;
        let case = Case { call: last, fault, extent: Extent::Once, others };
        for (rewrite, is_right) in [(None, true), (Some(rewrite), false)] {
            case.inject(&app, &other, rewrite);
            let answer = app.send(&kind.request(&before)).await;
            let after = app.snapshot().await;
            let result = expected((200, outcome), &kind, others).check(&answer, &before, &after);
            assert_eq!(result.is_ok(), is_right, "{why}: {result:?}");
            app.restore(&before).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_condition_on_another_item_is_reported() {
    let taken: Rewrite = |text| {
        let instead = "attribute_not_exists(#id) OR attribute_exists(#id) OR";
        text.replace("attribute_not_exists(#id) OR", instead)
    };
    let unknown: Rewrite = |text| {
        let instead = "attribute_exists(#id) OR attribute_not_exists(#id)\"";
        text.replace("attribute_exists(#id)\"", instead)
    };
    for (rewrite, body) in
        [(taken, json!({"name": "backup-sms"})), (unknown, json!({"mapping": UNKNOWN}))]
    {
        let app = TestApp::new().await;
        let request = Request::patch_json(&body);
        assert_eq!(app.send(&request).await.status, 400, "{body}");
        assert_eq!(check_invariants(&app.snapshot().await), Ok(()), "{body}");
        app.dynamodb
            .intercept(move |_, call, engine| Some(engine.call(rewritten(call, Some(rewrite)))));
        assert_eq!(app.send(&request).await.status, 200, "{body}");
        assert!(check_invariants(&app.snapshot().await).is_err(), "{body}");
    }
}
