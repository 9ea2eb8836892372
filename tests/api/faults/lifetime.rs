//! The creation and the deletion of a stage, with every call failing in every way.

mod request;
mod table;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::{
    request::{Lifetime, Other, Owner},
    table::{Left, Row, rows},
};
use super::{
    injection::{Extent, Fault, FaultyCall, Rewrite},
    unanswered::{Unanswered, never_answer, send_in_time},
};
use crate::harness::{Answer, LONG, Request, Snapshot, TestApp};

/// A function, its table, another client, and a request.
struct Setup {
    app: TestApp,
    before: Snapshot,
    other: Arc<Owner>,
    lifetime: Lifetime,
    /// The number of calls that the request makes without faults.
    calls: usize,
}

impl Setup {
    async fn of(lifetime: Lifetime) -> Self {
        let app = TestApp::new().await;
        let other = Arc::new(Owner::of(&app).await);
        let before = app.snapshot().await;
        app.dynamodb.calls();
        let answer = app.send(&lifetime.request(&before)).await;
        assert_eq!(answer.status, lifetime.success(), "{lifetime:?}: {}", answer.body);
        let calls = app.dynamodb.calls().len();
        app.restore(&before).await;
        Self { app, before, other, lifetime, calls }
    }

    /// Makes the request with a fault. Fails if the answer or the table is wrong.
    async fn run(
        &self,
        fault: FaultyCall,
        other: Other,
        rewrite: Option<Rewrite>,
        expected: (u16, Left),
    ) -> Result<(), String> {
        let (lifetime, owner) = (self.lifetime, Arc::clone(&self.other));
        fault.inject(&self.app, rewrite, move || {
            let owner = Arc::clone(&owner);
            Box::pin(async move { owner.act(other, lifetime).await })
        });
        let answer = self.app.send_within(LONG, &self.lifetime.request(&self.before)).await;
        self.judge(&answer, expected).await
    }

    /// Compares the answer and the table with the expectation, and restores the table.
    async fn judge(&self, answer: &Answer, (status, left): (u16, Left)) -> Result<(), String> {
        let after = self.app.snapshot().await;
        self.app.restore(&self.before).await;
        if answer.status != status {
            return Err(format!("{} instead of {status}: {}", answer.status, answer.body));
        }
        left.check(&self.before, &after)?;
        self.lifetime.check_answer(answer, &after, left)
    }
}

async fn survives_every_fault(lifetime: Lifetime) {
    let setup = Setup::of(lifetime).await;
    let mut failures = Vec::new();
    for call in 1..=setup.calls {
        for Row { faults, extent, others, earlier_call, last_call } in rows(lifetime) {
            let expected = if call == setup.calls { *last_call } else { *earlier_call };
            for (fault, other) in faults.iter().flat_map(|f| others.iter().map(move |o| (*f, *o))) {
                let fault = FaultyCall { call, fault, extent: *extent };
                if let Err(problem) = setup.run(fault, other, None, expected).await {
                    failures.push(format!("{fault:?} {other:?}: {problem}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{lifetime:?}:\n{}", failures.join("\n"));
}

#[tokio::test]
async fn a_creation_survives_every_fault() {
    survives_every_fault(Lifetime::Creation).await;
}

#[tokio::test]
async fn a_creation_with_references_survives_every_fault() {
    survives_every_fault(Lifetime::CreationWithReferences).await;
}

#[tokio::test]
async fn a_deletion_survives_every_fault() {
    survives_every_fault(Lifetime::Deletion).await;
}

#[tokio::test]
async fn a_deletion_with_if_match_survives_every_fault() {
    survives_every_fault(Lifetime::DeletionWithIfMatch).await;
}

/// A deletion never succeeds against a client that always writes first, and is answered 409 after
/// some seconds: nothing was deleted.
#[tokio::test]
async fn a_deletion_that_is_always_overtaken_is_answered_409() {
    let setup = Setup::of(Lifetime::Deletion).await;
    let owner = Arc::clone(&setup.other);
    request::overtake_always(&setup.app, &owner);
    let answer = setup.app.send_within(LONG, &Lifetime::Deletion.request(&setup.before)).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(setup.judge(&answer, (409, Left::Changed)).await, Ok(()));
}

/// A change was made, its answer was lost, and the stage was deleted. 404, which means that there
/// was nothing to change, would be wrong. If no answer was lost, 404 is correct.
#[tokio::test]
async fn a_change_of_a_deleted_stage_is_answered_404_only_if_it_was_not_made() {
    let setup = Setup::of(Lifetime::Deletion).await;
    for (fault, status) in [(Fault::AnswerLost, 503), (Fault::Overtaken, 404)] {
        let fault = FaultyCall { call: 2, fault, extent: Extent::Once };
        let owner = Arc::clone(&setup.other);
        fault.inject(&setup.app, None, move || {
            let owner = Arc::clone(&owner);
            Box::pin(async move { owner.act(Other::Deletes, Lifetime::Deletion).await })
        });
        let change = Request::patch_json(&json!({"from_number": "ours"}));
        let answer = setup.app.send(&change).await;
        assert_eq!(setup.judge(&answer, (status, Left::Gone)).await, Ok(()), "{fault:?}");
    }
}

/// The function answers a quarter of a second before the invocation ends.
#[tokio::test]
async fn a_call_that_is_never_answered_leads_to_503_in_time_with_a_whole_stage_or_none() {
    let mut running = JoinSet::new();
    for lifetime in [Lifetime::CreationWithReferences, Lifetime::Deletion] {
        for place in [Unanswered::Before, Unanswered::After] {
            running.spawn(async move {
                let setup = Setup::of(lifetime).await;
                for call in 1..=setup.calls {
                    check_unanswered_call(&setup, call, place).await;
                }
            });
        }
    }
    running.join_all().await;
}

async fn check_unanswered_call(setup: &Setup, call: usize, place: Unanswered) {
    let lifetime = setup.lifetime;
    let mut time = Duration::from_millis(400);
    let is_done = place == Unanswered::After && call == setup.calls;
    let left = if is_done { lifetime.effect() } else { lifetime.no_effect() };
    loop {
        let is_reached = never_answer(&setup.app, call, place);
        let answer = send_in_time(&setup.app, time, &lifetime.request(&setup.before)).await;
        let result = setup.judge(&answer, (503, left)).await;
        if is_reached.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(result, Ok(()), "{lifetime:?}, {place:?}, call {call}");
            return;
        }
        // On a busy machine, the call may not be made within this time.
        time *= 4;
        assert!(time < LONG, "{lifetime:?}, {place:?}, call {call}: it was not made");
    }
}

/// The checks fail for a function with a mistake.
#[tokio::test]
async fn a_mistake_in_a_creation_or_a_deletion_is_reported() {
    let without_token: Rewrite = |text| {
        let mut body: Value = serde_json::from_str(text).unwrap();
        body.as_object_mut().unwrap().remove("ClientRequestToken");
        body.to_string()
    };
    let any_owner: Rewrite =
        |text| text.replace("#owner = :owner", "(#owner = :owner OR attribute_exists(#owner))");
    let any_version: Rewrite = |text| {
        let instead = "(#write_ids[0] = :seen OR attribute_exists(#write_ids))";
        text.replace("#write_ids[0] = :seen", instead)
    };
    let (lost, overtaken) = (Fault::AnswerLost, Fault::Overtaken);
    for (rewrite, lifetime, fault, other, expected, why) in [
        (
            without_token,
            Lifetime::Creation,
            lost,
            Other::Deletes,
            (201, Left::Same),
            "created twice",
        ),
        (any_owner, Lifetime::Creation, overtaken, Other::TakesName, (400, Left::Theirs), "a name"),
        (any_version, Lifetime::Deletion, overtaken, Other::Renames, (204, Left::Gone), "a lock"),
        (
            any_version,
            Lifetime::DeletionWithIfMatch,
            overtaken,
            Other::Changes,
            (412, Left::Changed),
            "a lost write",
        ),
    ] {
        let setup = Setup::of(lifetime).await;
        for (rewrite, is_right) in [(None, true), (Some(rewrite), false)] {
            let fault = FaultyCall { call: setup.calls, fault, extent: Extent::Once };
            let result = setup.run(fault, other, rewrite, expected).await;
            assert_eq!(result.is_ok(), is_right, "{why}: {result:?}");
        }
    }
}
