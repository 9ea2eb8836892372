//! Calls that are never answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use tokio::task::JoinSet;

use super::{
    count_calls,
    injection::Others,
    request_kind::{RequestKind, empty, flow_set, form, plain, reference, removed_flow, rename},
    table::{NOTHING, OWN, expected},
};
use crate::harness::{Answer, LONG, Request, TestApp};

/// How much later than the invocation's end a busy machine may make the answer.
const LATENESS_MAX: Duration = Duration::from_secs(10);

/// Whether DynamoDB executes a call that is never answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// DynamoDB does not receive the call.
    Before,
    /// DynamoDB executes the call.
    After,
}

/// Never answers this call and those after it. Returns a flag that is set when the call is made.
pub fn never_answer(app: &TestApp, call: usize, unanswered: Unanswered) -> Arc<AtomicBool> {
    let is_reached = Arc::new(AtomicBool::new(false));
    let reached = Arc::clone(&is_reached);
    let calls = AtomicUsize::new(0);
    app.dynamodb.intercept(move |_, request, engine| {
        if calls.fetch_add(1, Ordering::Relaxed) + 1 < call {
            return None;
        }
        let (engine, reached) = (engine.clone(), Arc::clone(&reached));
        Some(HttpConnectorFuture::new(async move {
            if unanswered == Unanswered::After {
                engine.call(request).await?;
            }
            reached.store(true, Ordering::Relaxed);
            std::future::pending().await
        }))
    });
    is_reached
}

/// Sends a request in an invocation with this much time left, and asserts that the answer does not
/// take much longer. The test's own client would wait for minutes.
pub async fn send_in_time(app: &TestApp, time: Duration, request: &Request) -> Answer {
    let start = Instant::now();
    let answer = app.send_within(time, request).await;
    let passed = start.elapsed();
    assert!(passed < time + LATENESS_MAX, "answered after {passed:?} of {time:?}");
    answer
}

/// The function answers a quarter of a second before the invocation ends.
#[tokio::test]
async fn a_call_that_is_never_answered_leads_to_503_in_time_with_a_complete_write_or_none() {
    let mut running = JoinSet::new();
    for kind in [plain(), form(), rename(), reference(), flow_set(), removed_flow(), empty()] {
        for place in [Unanswered::Before, Unanswered::After] {
            running.spawn(check_unanswered_call(kind.clone(), place));
        }
    }
    running.join_all().await;
}

async fn check_unanswered_call(kind: RequestKind, place: Unanswered) {
    let (app, before) = kind.app().await;
    let last = count_calls(&app, &kind, &before).await;
    for call in 1..=last {
        let why = format!("{}, {place:?}, call {call}", kind.body);
        let mut time = Duration::from_millis(400);
        let (answer, after) = loop {
            let is_reached = never_answer(&app, call, place);
            let answer = send_in_time(&app, time, &kind.request(&before)).await;
            let after = app.snapshot().await;
            app.restore(&before).await;
            if is_reached.load(Ordering::Relaxed) {
                break (answer, after);
            }
            // On a busy machine, the call may not be made within this time.
            time *= 4;
            assert!(time < LONG, "{why}: the call was never made");
        };
        assert_eq!(answer.header("retry-after"), Some("1"), "{why}");
        let is_written = place == Unanswered::After && call == last && kind.writes();
        let outcome = (503, if is_written { OWN } else { NOTHING });
        let expected = expected(outcome, &kind, Others::None);
        assert_eq!(expected.check(&answer, &before, &after), Ok(()), "{why}");
    }
}
