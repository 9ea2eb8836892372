//! The command `load`.

use serde_json::json;
use uuid::Uuid;

use crate::harness::{
    NEW_STAGE, RECOVERY_FLOW, UNKNOWN,
    command::{EngineProcess, assert_fails, assert_succeeds},
    new_stage,
};

#[test]
fn what_was_loaded_is_printed() {
    let engine = EngineProcess::start();
    let document = new_stage(json!({})).to_string();
    let file = engine.folder.write("new.json", &document);
    let ended = engine.run(&["load", &file]);
    assert_succeeds(&ended);
    let loaded = "1 stages, 0 flows, 0 mappings, 0 tokens";
    assert_eq!(ended.stdout, format!("loaded {file}: {loaded}\n"));
    let ended = engine.run(&["load", &file]);
    assert_succeeds(&ended);
    assert!(ended.stdout.contains("(already there and left as they were: 1 stages)"));
    let ended = engine.run_with_input(&["load", "--replace", "-"], &document);
    assert_succeeds(&ended);
    let replaced = format!("loaded standard input: {loaded} (1 stages were replaced)\n");
    assert_eq!(ended.stdout, replaced);
}

#[test]
fn nothing_is_loaded_if_a_file_has_an_error() {
    let engine = EngineProcess::start();
    let good = engine.folder.write("good.json", new_stage(json!({})).to_string());
    let first = new_stage(json!({"name": "", "provider": null}));
    let bad = engine.folder.write("bad.json", json!([first, {"pk": 1}]).to_string());
    let ended = engine.run(&["load", &good, &bad]);
    assert_fails(&ended, &["cannot load", "bad.json", "[1]: is neither a stage nor a flow"]);
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "a line for each invalid document: {}", ended.stderr);
    assert!(lines[0].contains("name: This field may not be blank. provider: This"), "{lines:?}");
    assert_eq!(ended.stdout, "");
    let ended = engine.run(&["get", NEW_STAGE]);
    assert_fails(&ended, &["there is no such stage"]);
}

#[test]
fn documents_that_the_table_refuses_are_named() {
    let engine = EngineProcess::start();
    let bad = new_stage(json!({"configure_flow": UNKNOWN}));
    let good = new_stage(json!({"pk": RECOVERY_FLOW, "name": "good"}));
    let file = engine.folder.write("some.json", json!([bad, good]).to_string());
    let ended = engine.run(&["load", &file]);
    assert_fails(&ended, &["cannot load", "some.json", "configure_flow", "/flows/instances/"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stdout.contains(": 1 stages, "), "the other is loaded: {}", ended.stdout);
}

#[test]
fn progress_and_incomplete_pages_are_reported() {
    let engine = EngineProcess::start();
    let mapping =
        |number| json!({"pk": Uuid::new_v4().to_string(), "name": number, "expression": ""});
    let results: Vec<_> = (0..450).map(mapping).collect();
    let pagination = json!({"next": 2, "current": 1, "total_pages": 3});
    let page = json!({"pagination": pagination, "results": results}).to_string();
    let ended = engine.run(&["load", &engine.folder.write("page.json", page)]);
    assert_succeeds(&ended);
    assert!(ended.stdout.contains("450 mappings"), "{}", ended.stdout);
    for line in ["200 of 450 documents\n", "400 of 450 documents\n", "page 1 of 3: load the"] {
        assert!(ended.stderr.contains(line), "{}", ended.stderr);
    }
}
