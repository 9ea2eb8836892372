//! Loading while the function writes, and while DynamoDB fails.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, NEW_STAGE, OTHER_STAGE, RECOVERY_FLOW, Request, STAGE, TestApp, check_invariants,
    dynamodb::{self, cancelled, conflict},
    library::{Counts, Deleted, Loaded, OnConflict, Report, load_files, remove, stored},
    new_stage, stage_with,
};

#[tokio::test]
async fn a_change_during_an_overwrite_is_kept_and_reported() {
    let app = Arc::new(TestApp::new().await);
    app.send_before_next_transaction(Request::patch(r#"{"friendly_name": "theirs"}"#));
    let document = stage_with(json!({"friendly_name": "ours"})).to_string();
    let loading = load_files(&app.table, &[&document], OnConflict::Overwrite).await;
    let [refused] = loading.refused.as_slice() else { panic!("{:?}", loading.refused) };
    assert!(refused.to_string().contains("changed by another writer at the same moment"));
    let now = app.send(&Request::get()).await;
    assert_eq!(now.body["friendly_name"], "theirs");
    let again = load_files(&app.table, &[&document], OnConflict::Overwrite).await;
    assert!(again.refused.is_empty(), "loading again succeeds");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised() {
    for existing in [OnConflict::Skip, OnConflict::Overwrite] {
        for is_in_progress in [false, true] {
            let app = TestApp::new().await;
            let first = AtomicBool::new(true);
            app.dynamodb.intercept(move |recorded, call, connector| {
                // The SDK retries with the same token, this program with the next one.
                let token = recorded.body["ClientRequestToken"].as_str().unwrap_or_default();
                let is_first = first.swap(!token.ends_with("01"), Ordering::Relaxed);
                if !token.ends_with("01") || (!is_first && !is_in_progress) {
                    return None;
                }
                let connector = connector.clone();
                Some(HttpConnectorFuture::new(async move {
                    // The write succeeds, and its answer is lost.
                    if is_first {
                        connector.call(call).await?;
                    }
                    if !is_in_progress {
                        return Err(dynamodb::reset());
                    }
                    dynamodb::error(400, "TransactionInProgressException", "in progress").await
                }))
            });
            let changes = json!({"friendly_name": "ours"});
            let (document, uuid) = match existing {
                OnConflict::Skip => (new_stage(changes), NEW_STAGE),
                OnConflict::Overwrite => (stage_with(changes), STAGE),
            };
            let loading = load_files(&app.table, &[&document.to_string()], existing).await;
            let why = format!("{existing:?}, {is_in_progress}");
            assert!(loading.refused.is_empty(), "{why}: {:?}", loading.refused);
            assert_eq!(loading.files[0].put.stages, 1, "{why}");
            let stored = stored(&app.table, uuid).await.unwrap();
            let revision = if existing == OnConflict::Skip { 1 } else { 2 };
            assert_eq!(stored.version.revision, revision, "{why}: written once");
            assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
        }
    }
}

#[tokio::test]
async fn conflicts_with_the_function_are_retried() {
    for is_permanent in [false, true] {
        let app = TestApp::empty().await;
        let calls = AtomicU32::new(0);
        app.dynamodb.intercept(move |recorded, _, _| {
            let is_conflict = is_permanent || calls.fetch_add(1, Ordering::Relaxed) % 4 < 3;
            match recorded.operation.as_str() {
                _ if !is_conflict => None,
                "PutItem" => {
                    let message = "Transaction is ongoing for the item";
                    Some(dynamodb::error(400, "TransactionConflictException", message))
                }
                "TransactWriteItems" => {
                    let parts = recorded.body["TransactItems"].as_array().unwrap().len();
                    Some(cancelled(&vec![conflict(); parts]))
                }
                _ => None,
            }
        });
        let document = json!({"stages": [new_stage(json!({}))]}).to_string();
        let loading = load_files(&app.table, &[&document], OnConflict::Skip).await;
        if is_permanent {
            let lines: Vec<_> = loading.refused.iter().map(ToString::to_string).collect();
            assert!(lines[0].contains("changed by another writer"), "{lines:?}");
            assert!(app.snapshot().await.is_empty());
            continue;
        }
        assert!(loading.refused.is_empty(), "{:?}", loading.refused);
        let rows = FIXTURE.replace("\"stages\"", "\"none\"");
        let loading = load_files(&app.table, &[&rows], OnConflict::Overwrite).await;
        assert!(loading.refused.is_empty(), "{:?}", loading.refused);
        let put = Counts { stages: 0, flows: 4, mappings: 1, tokens: 4 };
        assert_eq!(loading.files, [Loaded { put, ..Loaded::default() }]);
        assert!(matches!(remove(&app.table, NEW_STAGE).await.unwrap(), Deleted::Done(_)));
        assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
    }
}

#[tokio::test]
async fn a_failure_of_the_table_ends_the_load_and_the_document_is_reported() {
    let app = TestApp::empty().await;
    app.dynamodb.intercept(|recorded, _, _| {
        let is_second = recorded.body["Item"]["name"]["S"] == "Enroll members";
        let kind = "com.amazon.coral.service#AccessDeniedException";
        let message = "not authorized to perform: dynamodb:PutItem";
        is_second.then(|| dynamodb::error_of_type(400, kind, message))
    });
    let loading = load_files(&app.table, &[FIXTURE], OnConflict::Skip).await;
    let put = Counts { flows: 1, ..Counts::default() };
    assert_eq!(loading.files, [Loaded { put, ..Loaded::default() }]);
    let [refused] = loading.refused.as_slice() else { panic!("{:?}", loading.refused) };
    let line = refused.to_string();
    for words in ["flow c7e2a8f4", "PutItem failed", "AccessDeniedException"] {
        assert!(line.contains(words), "{line}");
    }
}

/// Loads a file with this many documents, and asserts that each was put, left or refused.
async fn load_all(app: &TestApp, text: &str, documents: usize, on_conflict: OnConflict) {
    let Report { files, refused } = load_files(&app.table, &[text], on_conflict).await;
    assert_eq!(files[0].total() + refused.len(), documents, "{files:?} {refused:?}");
}

/// Changes a stage. Returns whether the change was made.
async fn change(app: &TestApp, uuid: &str, body: &Value) -> bool {
    let answer = app.send(&Request::patch_json(body).stage(uuid)).await;
    assert!([200, 400, 404, 409].contains(&answer.status), "{answer:?}");
    answer.status == 200
}

/// One turn of one client. Returns whether it made a change by a request.
async fn take_turn(app: &TestApp, client: usize, turn: usize) -> bool {
    let name = format!("name-{}", (client + turn) % 3);
    let flow = if turn.is_multiple_of(2) { json!(RECOVERY_FLOW) } else { Value::Null };
    match client {
        0 => {
            let document = stage_with(json!({"name": name, "flow_set": []})).to_string();
            load_all(app, &document, 1, OnConflict::Overwrite).await;
            false
        }
        1 => {
            let _ = remove(&app.table, STAGE).await.unwrap();
            load_all(app, FIXTURE, 12, OnConflict::Skip).await;
            false
        }
        _ => {
            let uuid = if client == 2 { STAGE } else { OTHER_STAGE };
            change(app, uuid, &json!({"name": name, "configure_flow": flow})).await
        }
    }
}

#[tokio::test]
async fn concurrent_operators_and_requests_keep_the_invariants() {
    let app = Arc::new(TestApp::new().await);
    let mut work = tokio::task::JoinSet::new();
    for client in 0..4 {
        let app = app.clone();
        work.spawn(async move {
            let mut changes = 0;
            for turn in 0..6 {
                changes += usize::from(take_turn(&app, client, turn).await);
            }
            changes
        });
    }
    let changes: usize = work.join_all().await.into_iter().sum();
    assert!(changes > 0, "every request was refused");
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
}
