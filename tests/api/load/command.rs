//! The command `load`.

use serde_json::json;
use uuid::Uuid;

use crate::harness::{
    FIXTURE, NEW_STAGE, RECOVERY_FLOW, STAGE, UNKNOWN,
    command::{EngineProcess, assert_fails, assert_succeeds},
    new_stage, stage_with,
};

#[test]
fn the_command_prints_what_it_has_loaded() {
    let engine = EngineProcess::start();
    let document = new_stage(json!({})).to_string();
    let file = engine.folder.write("new.json", &document);
    let ended = engine.run(&["load", &file]);
    assert_succeeds(&ended);
    let (loaded, stage) =
        ("1 stages, 0 flows, 0 mappings, 0 tokens", format!("stage {NEW_STAGE} (\"brand-new\")"));
    assert_eq!(ended.stdout, format!("{stage}: loaded\nloaded {file}: {loaded}\n"));
    let ended = engine.run(&["load", &file]);
    assert_succeeds(&ended);
    assert!(ended.stdout.contains("(already in the table and left unchanged: 1 stages)"));
    let ended = engine.run_with_input(&["load", "--replace", "-"], &document);
    assert_succeeds(&ended);
    assert!(ended.stdout.starts_with(&format!("{stage}: replaced revision 1, ETag \"1-")));
    let replaced = format!("loaded standard input: {loaded} (stages replaced: 1)\n");
    assert!(ended.stdout.ends_with(&replaced), "{}", ended.stdout);
}

#[test]
fn nothing_is_loaded_if_a_file_has_an_error() {
    let engine = EngineProcess::start();
    let good = engine.folder.write("good.json", new_stage(json!({})).to_string());
    let first = new_stage(json!({"name": "", "provider": null}));
    let bad = engine.folder.write("bad.json", json!([first, {"pk": 1}]).to_string());
    let ended = engine.run(&["load", &good, &bad]);
    assert_fails(&ended, &["cannot load", "bad.json", "[1]: neither a stage nor a flow"]);
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "a line for each invalid document: {}", ended.stderr);
    assert!(lines[0].contains("name: This field may not be blank. provider: This"), "{lines:?}");
    assert_eq!(ended.stdout, "");
    assert_fails(&engine.run(&["get", NEW_STAGE]), &["no stage in this table"]);
}

#[test]
fn documents_that_the_table_refuses_are_printed_and_the_others_are_loaded() {
    let engine = EngineProcess::start();
    let bad = new_stage(json!({"configure_flow": UNKNOWN}));
    let good = new_stage(json!({"pk": RECOVERY_FLOW, "name": "good"}));
    let file = engine.folder.write("some.json", json!([bad, good]).to_string());
    let log = engine.folder.path("audit.log");
    let ended = engine.run(&["load", &file, "--audit-log", &log]);
    assert_fails(&ended, &["cannot load", "some.json", "configure_flow", "/flows/instances/"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stdout.contains(": 1 stages, "), "the other one is loaded: {}", ended.stdout);
    let audited = std::fs::read_to_string(log).unwrap();
    assert_eq!(audited.lines().count(), 1, "{audited}");
}

#[test]
fn secrets_can_be_given_in_a_separate_file() {
    let engine = EngineProcess::start();
    let mut hidden = new_stage(json!({}));
    for secret in ["auth", "auth_password"] {
        hidden.as_object_mut().unwrap().shift_remove(secret).unwrap();
    }
    let file = engine.folder.write("hidden.json", hidden.to_string());
    assert_fails(&engine.run(&["load", &file]), &["auth_password: ", "--secrets"]);
    let given = json!({"brand-new": {"auth": "given-1", "auth_password": "given-2"}}).to_string();
    let secrets = engine.folder.write("secrets.json", given);
    let ended = engine.run(&["load", &file, "--secrets", &secrets]);
    assert_succeeds(&ended);
    let shown = engine.run(&["get", NEW_STAGE, "--show-secrets"]).stdout;
    assert!(shown.contains("\"given-1\"") && shown.contains("\"given-2\""), "{shown}");
    assert!(!ended.stdout.contains("given-") && !ended.stderr.contains("given-"));
    let other = engine.folder.write("other.json", r#"{"nobody": {"auth": "given-3"}}"#);
    let ended = engine.run(&["load", &file, "--secrets", &other]);
    assert!(!ended.is_success && !ended.stderr.contains("given-3"), "{}", ended.stderr);
    let all = engine.folder.write("all.json", FIXTURE);
    let ended = engine.run(&["load", &all, "--secrets", &other]);
    assert_fails(&ended, &["no stage in the files has the UUID or name \"nobody\""]);
    assert_succeeds(&engine.run(&["get", STAGE]));
}

#[test]
fn progress_and_incomplete_pages_are_reported() {
    let engine = EngineProcess::start();
    let mapping =
        |number| json!({"pk": Uuid::new_v4().to_string(), "name": number, "expression": ""});
    let results: Vec<_> = (0..450).map(mapping).collect();
    let pagination = json!({"next": 2, "current": 1, "total_pages": 3});
    let page = json!({"pagination": pagination, "results": results}).to_string();
    let file = engine.folder.write("page.json", page);
    let ended = engine.run(&["load", &file, "--audit-log", &engine.folder.path("log")]);
    assert_succeeds(&ended);
    for words in ["450 mappings", "and 350 more\n"] {
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }
    for line in ["200 of 450 documents\n", "400 of 450 documents\n", "page 1 of 3: load the"] {
        assert!(ended.stderr.contains(line), "{}", ended.stderr);
    }
}

#[test]
fn a_stage_may_refer_to_its_own_flow_or_to_a_flow_in_a_later_file() {
    let engine = EngineProcess::start();
    let flow = stage_with(json!({}))["flow_set"][0].clone();
    let mut row = flow.clone();
    row["pk"] = json!(UNKNOWN);
    let stage = new_stage(json!({"configure_flow": UNKNOWN}));
    let own = new_stage(json!({
        "pk": RECOVERY_FLOW, "name": "own", "configure_flow": flow["pk"],
    }));
    let stages = engine.folder.write("stages.json", json!([stage, own]).to_string());
    let flows = engine.folder.write("flows.json", json!([row]).to_string());
    assert_succeeds(&engine.run(&["load", &stages, &flows]));
}
