//! The operators' `get` and `delete`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, OTHER_STAGE, Request, STAGE, TestApp, check_invariants,
    command::{EngineProcess, assert_fails, assert_succeeds},
    dynamodb::{cancelled, check_failed, none},
    library::{MASK, OnConflict, load_files},
    stage_with,
};

#[tokio::test]
async fn a_stage_that_is_renamed_during_its_deletion_is_deleted_with_its_new_name() {
    let app = Arc::new(TestApp::new().await);
    app.send_before_next_transaction(Request::patch(r#"{"name": "renamed"}"#));
    let deleted = app.table.delete_stage(STAGE.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(deleted.stage.name, "renamed");
    let snapshot = app.snapshot().await;
    assert_eq!(check_invariants(&snapshot), Ok(()));
    assert!(!snapshot.contains_key(&Key::stage(STAGE)));
}

#[tokio::test]
async fn deleting_a_stage_frees_its_name() {
    let app = TestApp::new().await;
    let deleted = app.table.delete_stage(STAGE.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(deleted.stage.name, "sms-setup");
    assert_eq!(
        app.table.delete_stage(STAGE.parse().unwrap()).await.unwrap(),
        None,
        "it no longer exists"
    );
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
    assert_eq!(app.send(&Request::patch("{}")).await.status, 404);
    let loading = load_files(&app.table, &[FIXTURE], OnConflict::Leave).await;
    assert_eq!(loading.files[0].put.stages, 1, "the name can be used again");
}

/// Between the read and the deletion the stage was renamed, and another stage took its former name.
#[tokio::test]
async fn a_deletion_whose_conditions_fail_is_tried_again() {
    let app = TestApp::new().await;
    let refused_once = AtomicBool::new(false);
    app.dynamodb.intercept(move |recorded, _, _| {
        let is_deletion = recorded.operation == "TransactWriteItems";
        let is_first = is_deletion && !refused_once.swap(true, Ordering::Relaxed);
        is_first.then(|| cancelled(&[check_failed(), check_failed()]))
    });
    assert!(app.table.delete_stage(STAGE.parse().unwrap()).await.unwrap().is_some());
    assert!(app.table.stage(STAGE.parse().unwrap()).await.unwrap().is_none());
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
}

#[tokio::test]
async fn a_name_that_belongs_to_another_stage_is_not_freed() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    app.dynamodb.intercept(|recorded, _, _| {
        let is_deletion = recorded.operation == "TransactWriteItems";
        is_deletion.then(|| cancelled(&[none(), check_failed()]))
    });
    let error = app.table.delete_stage(STAGE.parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("its name's lock is another stage's"), "{error}");
    assert_eq!(app.snapshot().await, before);
}

#[test]
fn get_masks_secrets_and_its_output_can_be_loaded() {
    let engine = EngineProcess::start();
    let masked = engine.run(&["get", STAGE]);
    assert_succeeds(&masked);
    let document: Value = serde_json::from_str(&masked.stdout).unwrap();
    assert_eq!(document, stage_with(json!({"auth": MASK, "auth_password": MASK})));
    assert!(masked.stderr.starts_with("revision 1, ETag \"1-"), "{}", masked.stderr);
    assert!(!masked.stdout.contains("hunter2") && !masked.stderr.contains("hunter2"));
    let other = engine.run(&["get", OTHER_STAGE]).stdout;
    assert!(
        other.contains("\"auth_password\": \"\""),
        "an empty secret is shown as empty: {other}"
    );
    let ended = engine.run_with_input(&["load", "--replace", "-"], &masked.stdout);
    assert_fails(&ended, &["auth: is masked", "auth_password: is masked", "--show-secrets"]);
    let unmasked = engine.run(&["get", STAGE, "--show-secrets"]);
    assert_eq!(serde_json::from_str::<Value>(&unmasked.stdout).unwrap(), stage_with(json!({})));
    assert_succeeds(&engine.run_with_input(&["load", "--replace", "-"], &unmasked.stdout));
    assert_eq!(engine.run(&["get", STAGE, "--show-secrets"]).stdout, unmasked.stdout);
}

#[test]
fn delete_needs_a_confirmation() {
    let engine = EngineProcess::start();
    let ended = engine.run_with_input(&["delete", STAGE], "yes\n");
    assert_fails(&ended, &["no terminal", "--yes"]);
    assert_succeeds(&engine.run(&["get", STAGE]));
    let ended = engine.run(&["delete", STAGE, "--yes"]);
    assert_succeeds(&ended);
    let line = format!("deleted stage {STAGE} (\"sms-setup\", revision 1); its name is free\n");
    assert_eq!(ended.stdout, line);
    assert_fails(&engine.run(&["get", STAGE]), &["cannot get stage", STAGE, "no such stage"]);
    assert_fails(&engine.run(&["delete", STAGE, "--yes"]), &["no such stage"]);
}
