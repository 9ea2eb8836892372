//! Two versions in a row with the same document, of which only the second was shown.

use std::sync::Arc;

use serde_json::json;

use super::{Setup, run};
use crate::harness::history::{
    call::{Asked, Call, Listed, Outcome, SeenWrite, Shown},
    check::{self, History},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_may_show_the_first_of_two_versions_with_the_same_document() {
    let (genuine, _) = run(Setup::small(41)).await;
    let base = genuine.calls.iter().find_map(Call::shown).unwrap().clone();
    let (stage, revision) = (base.stage(), base.revision());
    let mut document = base.parse();
    document["friendly_name"] = json!("changed");
    let document: Arc<str> = serde_json::to_string(&document).unwrap().into();
    let tag = |later: u64, id: &str| format!("\"{}-{id}\"", revision + later);
    let second = Shown { tag: tag(2, "bbbbbbbb"), document: Arc::clone(&document) };
    let patch = || {
        let body = json!({"friendly_name": "changed"}).as_object().unwrap().clone();
        Asked { body, ..Asked::of("PATCH", &stage) }
    };
    let listed = Listed { stage: Arc::clone(&stage), document: Arc::clone(&document) };
    let call = |start, end, asked, outcome| Call {
        id: usize::try_from(start).unwrap(),
        asked,
        start,
        end,
        outcome,
        seen_write: None,
    };
    let first = SeenWrite::Written { stage: Arc::clone(&stage), tag: tag(1, "aaaaaaaa") };
    let mut calls = vec![
        call(0, 1, Asked::of("GET", &stage), Outcome::Shown(base)),
        // Its first answer is dropped; the second comes after the other client's write.
        call(2, 7, patch(), Outcome::Shown(second.clone())),
        call(3, 4, Asked::list(), Outcome::Listed(vec![listed])),
        call(5, 6, patch(), Outcome::Shown(second)),
    ];
    calls[1].seen_write = Some(first);
    let model = genuine.model.clone();
    let history = History { model, calls, first: vec![stage] };
    let violations = check::check(&history);
    assert!(violations.is_empty(), "{violations:#?}");
}
