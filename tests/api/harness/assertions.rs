//! Checks of a request's answer and of the table after it.

use serde_json::Value;

use super::{
    Answer, Key, Request, Snapshot, TestApp, check_invariants, document, entity_tag, revision,
    without_stage, write_ids,
};

/// Sends a request that changes the stage, and checks the answer and the table: the answer has the
/// stored document and its tag, the stage was written once, and no items except the stage and the
/// locks of names have changed.
pub async fn assert_updated(
    app: &TestApp,
    request: &Request,
    expected: Value,
    why: &str,
) -> Answer {
    let before = app.snapshot().await;
    let answer = app.send(request).await;
    assert_eq!(answer.status_and_body(), (200, expected), "{why}");
    assert_stored(&answer, &before, &app.snapshot().await, why);
    answer
}

/// Checks that exactly one write was made between the snapshots, and that the answer shows it.
fn assert_stored(answer: &Answer, before: &Snapshot, after: &Snapshot, why: &str) {
    let key = Key::stage(answer.body["pk"].as_str().unwrap());
    let (old, new) = (&before[&key], &after[&key]);
    assert_eq!(document(new), answer.body, "{why}: the answer shows the stored document");
    assert_eq!(answer.header("etag"), Some(&*entity_tag(new)), "{why}: the stored tag");
    assert_eq!(revision(new), revision(old) + 1, "{why}: written once");
    let (old_ids, new_ids) = (write_ids(old), write_ids(new));
    assert_eq!(new_ids[1..], old_ids[..3], "{why}: the older ids move by one");
    assert!(!old_ids.contains(&new_ids[0]), "{why}: the write has a new id");
    assert_eq!(check_invariants(after), Ok(()), "{why}");
    let (others_before, others_after) = (without_stage(before, &key), without_stage(after, &key));
    assert_eq!(others_after, others_before, "{why}: other items have not changed");
}

/// Sends a request that is refused, and checks that nothing has changed.
pub async fn assert_refused(app: &TestApp, request: &Request, expected: (u16, Value), why: &str) {
    let before = app.snapshot().await;
    let answer = app.send(request).await;
    assert_eq!(answer.status_and_body(), expected, "{why}");
    assert_eq!(answer.header("etag"), None, "{why}: an error has no entity tag");
    assert_eq!(app.snapshot().await, before, "{why}: nothing has changed");
}
