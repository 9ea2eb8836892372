//! The operators' `list`, `get` and `delete`, and loading what `get` prints.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, NEW_STAGE, OTHER_STAGE, Request, STAGE, TestApp, UNKNOWN, check_invariants,
    command::{Ended, EngineProcess, assert_fails, assert_succeeds},
    dynamodb::{cancelled, check_failed, none},
    library::{Deleted, MASK, OnConflict, load_files, remove, stored},
    new_stage, stage_with,
};

/// Deletes the first stage. Returns its name if it existed.
async fn removed(app: &TestApp) -> Option<String> {
    match remove(&app.table, STAGE).await.unwrap() {
        Deleted::Done(stored) => Some(stored.stage.name().to_owned()),
        Deleted::Missing => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stage_that_is_renamed_during_its_deletion_is_deleted_with_its_new_name() {
    let app = Arc::new(TestApp::new().await);
    app.send_before_next_transaction(Request::patch(r#"{"name": "renamed"}"#));
    assert_eq!(removed(&app).await, Some("renamed".to_owned()));
    let snapshot = app.snapshot().await;
    assert_eq!(check_invariants(&snapshot), Ok(()));
    assert!(!snapshot.contains_key(&Key::stage(STAGE)));
}

#[tokio::test]
async fn deleting_a_stage_frees_its_name() {
    let app = TestApp::new().await;
    assert_eq!(removed(&app).await, Some("sms-setup".to_owned()));
    assert_eq!(removed(&app).await, None, "it no longer exists");
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
    assert_eq!(app.send(&Request::patch("{}")).await.status, 404);
    let loading = load_files(&app.table, &[FIXTURE], OnConflict::Skip).await;
    assert_eq!(loading.files[0].put.stages, 1, "the name can be used again");
}

/// As if, after the read, the stage was renamed and another stage took its former name.
#[tokio::test]
async fn a_deletion_whose_conditions_fail_is_retried() {
    let app = TestApp::new().await;
    let refused_once = AtomicBool::new(false);
    app.dynamodb.intercept(move |recorded, _, _| {
        let is_deletion = recorded.operation == "TransactWriteItems";
        let is_first = is_deletion && !refused_once.swap(true, Ordering::Relaxed);
        is_first.then(|| cancelled(&[check_failed(), check_failed()]))
    });
    assert!(removed(&app).await.is_some());
    assert!(stored(&app.table, STAGE).await.is_none());
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
    let error = remove(&app.table, STAGE).await.unwrap_err();
    assert!(error.to_string().contains("the stage does not own the lock of its name"), "{error}");
    assert_eq!(app.snapshot().await, before);
}

/// The document that `get` prints, without the keys that the fixture does not have.
fn document(printed: &str) -> Value {
    let mut document: Value = serde_json::from_str(printed).unwrap();
    let etag = document.as_object_mut().unwrap().shift_remove("_etag").unwrap();
    assert!(etag.is_string(), "{etag}");
    for flow in document["flow_set"].as_array_mut().unwrap() {
        let url = flow.as_object_mut().unwrap().shift_remove("background_url").unwrap();
        assert_eq!(flow["background"], url, "clients of every release find it");
    }
    document
}

#[test]
fn get_masks_secrets_and_its_output_can_be_loaded() {
    let engine = EngineProcess::start();
    let masked = engine.run(&["get", STAGE]);
    assert_succeeds(&masked);
    let expected = stage_with(json!({"auth": MASK, "auth_password": MASK}));
    assert_eq!(document(&masked.stdout), expected);
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
    assert_eq!(document(&unmasked.stdout), stage_with(json!({})));
    assert_succeeds(&engine.run_with_input(&["load", "--replace", "-"], &unmasked.stdout));
    let again = engine.run(&["get", STAGE, "--show-secrets"]);
    assert_eq!(document(&again.stdout), stage_with(json!({})));
}

#[test]
fn get_edit_and_load_do_not_undo_another_change() {
    let engine = EngineProcess::start();
    let mine = engine.run(&["get", STAGE, "--show-secrets"]).stdout;
    let theirs = mine.replace("\"Phone\"", "\"theirs\"");
    assert_succeeds(&engine.run_with_input(&["load", "--replace", "-"], &theirs));
    let ended = engine.run_with_input(&["load", "--replace", "-"], &mine);
    assert_fails(&ended, &[STAGE, "has changed since the document was made", "\"2-", "--force"]);
    assert_eq!(document(&engine.run(&["get", STAGE]).stdout)["friendly_name"], "theirs");
    let ended = engine.run_with_input(&["load", "--replace", "--force", "-"], &mine);
    assert_succeeds(&ended);
    assert!(ended.stdout.contains("replaced revision 2, ETag \"2-"), "{}", ended.stdout);
    assert_eq!(document(&engine.run(&["get", STAGE]).stdout)["friendly_name"], "Phone");
    // The ETag is also accepted in the API's form; a deletion is detected, too.
    let current = engine.run(&["get", STAGE, "--show-secrets"]).stdout;
    let mut quoted: Value = serde_json::from_str(&current).unwrap();
    quoted["_etag"] = json!(format!("W/\"{}\"", quoted["_etag"].as_str().unwrap()));
    assert_succeeds(&engine.run_with_input(&["load", "--replace", "-"], &quoted.to_string()));
    assert_succeeds(&engine.run(&["delete", STAGE, "--yes"]));
    let ended = engine.run_with_input(&["load", "--replace", "-"], &current);
    assert_fails(&ended, &["was deleted after the document was made", "--force"]);
    assert_succeeds(&engine.run_with_input(&["load", "--replace", "--force", "-"], &current));
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
    let missing = "no stage in this table has this UUID";
    assert_fails(&engine.run(&["get", STAGE]), &["cannot get stage", STAGE, missing]);
    assert_fails(&engine.run(&["delete", STAGE, "--yes"]), &[missing]);
}

#[test]
fn a_name_given_instead_of_a_uuid_is_recognised() {
    let engine = EngineProcess::start();
    let told = format!("\"sms-setup\" is the name of the stage {STAGE}");
    for arguments in [&["get", "sms-setup"][..], &["delete", "sms-setup", "--yes"]] {
        assert_fails(&engine.run(arguments), &[&told]);
    }
    assert_fails(&engine.run(&["get", "x"]), &["\"x\" is not a UUID, and no stage has that name"]);
}

#[test]
fn stages_are_listed_by_name() {
    let engine = EngineProcess::start();
    let ended = engine.run(&["list"]);
    assert_succeeds(&ended);
    let names: Vec<_> =
        ended.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["NAME", "4242", "backup-sms", "sms-setup"]);
    assert!(ended.stdout.contains(STAGE) && ended.stdout.contains("twilio"), "{}", ended.stdout);
    let json: Value = serde_json::from_str(&engine.run(&["list", "--json"]).stdout).unwrap();
    assert_eq!((&json[2]["pk"], &json[2]["name"]), (&json!(STAGE), &json!("sms-setup")));
    assert_eq!((&json[2]["provider"], &json[2]["revision"]), (&json!("twilio"), &json!(1)));
}

#[test]
fn control_and_formatting_characters_do_not_reach_a_terminal() {
    let engine = EngineProcess::start();
    let odd = "a\u{1b}[2J\u{202e}b\u{7}\u{9b}c\u{200b}";
    let document = new_stage(json!({"name": odd, "from_number": odd}));
    let uuid = document["pk"].as_str().unwrap().to_owned();
    let file = engine.folder.write("odd.json", document.to_string());
    let mut texts = vec![engine.run(&["load", &file]), engine.run(&["list"])];
    texts.extend([engine.run(&["list", "--json"]), engine.run(&["get", &uuid])]);
    let unmasked = engine.run(&["get", &uuid, "--show-secrets"]).stdout;
    assert_succeeds(&engine.run_with_input(&["load", "--replace", "-"], &unmasked));
    texts.push(engine.run(&["delete", &uuid, "--yes"]));
    for ended in texts {
        assert_succeeds(&ended);
        for text in [&ended.stdout, &ended.stderr] {
            let is_odd = |character: char| {
                (character.is_control() && character != '\n')
                    || "\u{202e}\u{200b}".contains(character)
            };
            assert!(!text.contains(is_odd), "{text:?}");
        }
    }
    let shown: Value = serde_json::from_str(&unmasked).unwrap();
    assert_eq!(shown["from_number"], odd, "as JSON it is the same text");
}

/// A name that is close to the largest that an item can have.
fn long_name() -> String {
    "ab".repeat(199_000)
}

/// Asserts that every line of an output fits a screen, and that one of them has these words.
fn assert_short_lines(ended: &Ended, words: &[&str]) {
    let text = format!("{}\n{}", ended.stdout, ended.stderr);
    assert!(text.lines().all(|line| line.len() < 1000), "{text:.2000}");
    let has_all = |line: &str| words.iter().all(|word| line.contains(word));
    assert!(text.lines().any(has_all), "{words:?} is not in {text:.2000}");
}

#[test]
fn a_long_name_is_shortened_on_every_line() {
    let engine = EngineProcess::start();
    let document = new_stage(json!({"name": long_name()}));
    let load = |document: &Value| engine.run_with_input(&["load", "-"], &document.to_string());
    let loaded = load(&document);
    assert_succeeds(&loaded);
    assert_short_lines(&loaded, &[NEW_STAGE, "abab…\"): loaded"]);
    assert_short_lines(&load(&document), &[NEW_STAGE, "left unchanged"]);
    let twin = load(&new_stage(json!({"name": long_name(), "pk": UNKNOWN})));
    assert_fails(&twin, &["name: stage with this name already exists."]);
    assert_short_lines(&twin, &[UNKNOWN, "abab…\"): name: "]);
    let invalid = load(&new_stage(json!({"name": long_name(), "provider": null})));
    assert_fails(&invalid, &["abab…\"): provider: "]);
    assert_short_lines(&invalid, &[]);
    assert_short_lines(&engine.run(&["list"]), &[NEW_STAGE, "abab…  "]);
    let json = engine.run(&["list", "--json"]).stdout;
    assert!(json.contains(&long_name()), "a program gets the whole name");
    let deleted = engine.run(&["delete", NEW_STAGE, "--yes"]);
    assert_succeeds(&deleted);
    assert_short_lines(&deleted, &["deleted stage", NEW_STAGE, "abab…\", revision 1"]);
    assert_succeeds(&load(&document));
    let forced = engine.run(&["delete", NEW_STAGE, "--yes", "--force"]);
    assert_short_lines(&forced, &["deleted stage", NEW_STAGE, "abab…\" is free"]);
}

#[test]
fn a_change_by_an_operator_leaves_an_audit_line() {
    let engine = EngineProcess::start();
    let ended = engine.run(&["delete", STAGE, "--yes"]);
    let line: Value = serde_json::from_str(ended.stderr.lines().next().unwrap()).unwrap();
    assert_eq!((&line["operation"], &line["stage"]), (&json!("delete"), &json!(STAGE)), "{line}");
    assert_eq!((&line["certain"], &line["revision_before"]), (&json!(true), &json!(1)), "{line}");
    assert!(line["table"].as_str().unwrap().contains("authenticator-sms-stage"), "{line}");
    let document = stage_with(json!({})).to_string();
    let log = engine.folder.path("audit.log");
    assert_succeeds(&engine.run_with_input(&["load", "-", "--audit-log", &log], &document));
    let text = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["operation"], &line["stage"]), (&json!("load"), &json!(STAGE)), "{line}");
    let etag = engine.run(&["get", STAGE]).stderr;
    let write_id = line["write_id"].as_str().unwrap();
    assert!(etag.contains(&format!("\"1-{}\"", &write_id[..8])), "{etag}, {line}");
    assert!(!text.contains("hunter2"), "{text}");
    let nowhere = engine.folder.path("no/such/folder/audit.log");
    let ended = engine.run(&["delete", STAGE, "--yes", "--audit-log", &nowhere]);
    assert_fails(&ended, &["cannot open the audit log"]);
    assert_succeeds(&engine.run(&["get", STAGE]));
}
