//! Loading documents into the table.

mod command;
mod concurrency;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    FIXTURE, Key, NEW_STAGE, OTHER_STAGE, RECOVERY_FLOW, Request, STAGE, TestApp, UNKNOWN,
    check_invariants,
    library::{
        Counts, Documents, Field, Loaded, OnConflict, Problem, StagePut, load_files, stored,
    },
    new_stage, stage_with,
};

#[tokio::test]
async fn every_form_of_authentiks_answers_is_loaded() {
    let one = new_stage(json!({"configure_flow": RECOVERY_FLOW}));
    let flow = serde_json::from_str::<Value>(FIXTURE).unwrap()["flows"][3].clone();
    // authentik's own answers have more members than the loader reads.
    let mut flow_answer = flow.clone();
    flow_answer["stages"] = json!([UNKNOWN]);
    flow_answer["authentication"] = json!("none");
    let page = |results: Value| json!({"pagination": {"next": 0, "count": 1}, "results": results});
    let mut seen = Vec::new();
    for (files, why) in [
        (vec![one.clone(), flow_answer.clone()], "one object each, the flow last"),
        (vec![json!([one]), json!([flow_answer])], "lists"),
        (vec![json!([one, flow_answer])], "a list of both"),
        (vec![page(json!([one])), page(json!([flow_answer]))], "pages"),
        (vec![json!({"stages": [one], "flows": [flow]})], "the loader's own format"),
    ] {
        let app = TestApp::empty().await;
        let texts: Vec<_> = files.iter().map(Value::to_string).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let loading = load_files(&app.table, &texts, OnConflict::Skip).await;
        assert!(loading.refused.is_empty(), "{why}: {:?}", loading.refused);
        let counts = loading.files.iter().map(|file| (file.put.stages, file.put.flows));
        assert_eq!(counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1)), (1, 1), "{why}");
        let mut snapshot = app.snapshot().await;
        assert_eq!(check_invariants(&snapshot), Ok(()));
        for item in snapshot.values_mut() {
            item.remove("write_ids");
        }
        seen.push(snapshot);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "every form gives the same table");
}

#[tokio::test]
async fn a_loaded_stage_is_shown_as_it_was_loaded() {
    let app = TestApp::new().await;
    let document = new_stage(json!({"mapping": "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9"}));
    let loading = load_files(&app.table, &[&document.to_string()], OnConflict::Skip).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    let answer = app.send(&Request::get().stage(NEW_STAGE)).await;
    assert_eq!(answer.status_and_body(), (200, document));
}

#[tokio::test]
async fn existing_items_are_skipped_and_counted() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let text = FIXTURE.replace("\"friendly_name\": \"Phone\"", "\"friendly_name\": \"Other\"");
    let loading = load_files(&app.table, &[&text], OnConflict::Skip).await;
    assert!(loading.refused.is_empty());
    let left = Counts { stages: 3, flows: 4, mappings: 1, tokens: 4 };
    assert_eq!(loading.files, [Loaded { left, ..Loaded::default() }]);
    assert_eq!(app.snapshot().await, before);
}

#[tokio::test]
async fn an_overwrite_adds_one_revision_and_moves_the_lock_on_the_name() {
    let app = TestApp::new().await;
    app.send(&Request::patch(r#"{"friendly_name": "A"}"#)).await;
    let before = stored(&app.table, STAGE).await.unwrap().version;
    let document = stage_with(json!({"name": "renamed", "friendly_name": "B", "flow_set": []}));
    let loading = load_files(&app.table, &[&document.to_string()], OnConflict::Overwrite).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    assert_eq!((loading.files[0].put.stages, loading.files[0].stages_replaced), (1, 1));
    let after = stored(&app.table, STAGE).await.unwrap().version;
    assert_eq!(after.revision, before.revision + 1);
    assert_eq!(after.write_ids[1..], before.write_ids[..3], "a new write id is shifted in");
    assert_ne!(after.newest_write_id(), before.newest_write_id());
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
    assert_eq!(app.send(&Request::get()).await.status_and_body(), (200, document));
    let other = Request::patch(r#"{"name": "sms-setup"}"#).stage(OTHER_STAGE);
    assert_eq!(app.send(&other).await.status, 200, "the old name is free");
}

#[tokio::test]
async fn overwriting_creates_missing_items() {
    let app = TestApp::empty().await;
    let loading = load_files(&app.table, &[FIXTURE], OnConflict::Overwrite).await;
    assert!(loading.refused.is_empty());
    assert_eq!((loading.files[0].put.stages, loading.files[0].stages_replaced), (3, 0));
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
}

#[tokio::test]
async fn documents_that_the_table_refuses_are_reported_and_the_others_are_loaded() {
    for existing in [OnConflict::Skip, OnConflict::Overwrite] {
        let app = TestApp::new().await;
        let before = app.snapshot().await;
        let bad =
            new_stage(json!({"name": "backup-sms", "configure_flow": UNKNOWN, "mapping": UNKNOWN}));
        let own_flow = stage_with(json!({}))["flow_set"][0]["pk"].clone();
        let good = new_stage(json!({
            "pk": "22222222-2222-4333-8444-555555555555",
            "name": "another",
            "configure_flow": own_flow,
        }));
        let text = json!([bad, good]).to_string();
        let loading = load_files(&app.table, &[&text], existing).await;
        let lines: Vec<_> = loading.refused.iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 1);
        for words in [
            format!("stage {NEW_STAGE} (\"backup-sms\")"),
            "name: stage with this name already exists. (rename one of the two".to_owned(),
            format!("configure_flow: Invalid pk \"{UNKNOWN}\" - object does not exist. (it is in"),
            "GET /flows/instances/".to_owned(),
            format!("mapping: Invalid pk \"{UNKNOWN}\" - object does not exist."),
        ] {
            assert!(lines[0].contains(&words), "{words:?} is not in {lines:?}");
        }
        let mut after = app.snapshot().await;
        let new = after.extract_if(.., |key, _| !before.contains_key(key)).count();
        assert_eq!(new, 2, "the valid stage and the lock on its name are stored");
        assert_eq!(after, before, "nothing of the invalid stage is stored");
    }
}

#[tokio::test]
async fn a_refused_overwrite_changes_nothing() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    for (changes, field) in [
        (json!({"name": "backup-sms"}), "name"),
        (json!({"configure_flow": UNKNOWN}), "configure_flow"),
        (json!({"mapping": UNKNOWN}), "mapping"),
        (json!({"friendly_name": "x".repeat(410_000)}), "friendly_name"),
        (json!({"friendly_name": "x".repeat(9_000_000)}), "friendly_name"),
        (json!({"name": "x".repeat(410_000)}), "name"),
        (json!({"name": "x".repeat(390_000), "mapping": UNKNOWN}), "mapping"),
    ] {
        let text = stage_with(changes).to_string();
        let loading = load_files(&app.table, &[&text], OnConflict::Overwrite).await;
        let [refused] = loading.refused.as_slice() else { panic!("{field} was not refused") };
        let line = refused.to_string();
        assert!(line.contains(&format!("{field}: ")), "{line:.300}");
        assert!(line.contains(STAGE) && line.len() < 1000, "the document is not printed");
    }
    assert_eq!(app.snapshot().await, before);
}

#[tokio::test]
async fn a_stage_that_is_too_large_is_refused_on_its_field() {
    let app = TestApp::new().await;
    let flow = stage_with(json!({}))["flow_set"][0].clone();
    let flows: Vec<_> = (0..2500)
        .map(|number| {
            let mut flow = flow.clone();
            flow["pk"] = json!(Uuid::new_v4().to_string());
            flow["slug"] = json!(format!("flow-{number}"));
            flow
        })
        .collect();
    let document = new_stage(json!({"flow_set": flows})).to_string();
    let refused = Documents::parse(document.as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("flow_set: Ensure this field has no more than"), "{refused}");
    // 1800 flows are over the limit by their texts alone, 1500 only with the attributes' names.
    for count in [1800, 1500] {
        let document = new_stage(json!({"flow_set": flows[..count]}));
        let loading = load_files(&app.table, &[&document.to_string()], OnConflict::Skip).await;
        let [refused] = loading.refused.as_slice() else { panic!("{count} flows not refused") };
        let line = refused.to_string();
        assert!(
            line.contains("flow_set: This value makes the stage larger than the 400 KB"),
            "{line}"
        );
        assert_eq!(stored(&app.table, document["pk"].as_str().unwrap()).await, None);
    }
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
}

#[tokio::test]
async fn a_stage_is_created_once_and_its_name_is_taken() {
    let app = TestApp::new().await;
    let document = new_stage(json!({})).to_string();
    load_files(&app.table, &[&document], OnConflict::Skip).await;
    let loading = load_files(&app.table, &[&document], OnConflict::Skip).await;
    assert_eq!((loading.files[0].put.stages, loading.files[0].left.stages), (0, 1));
    let mut there = stored(&app.table, NEW_STAGE).await.unwrap().stage;
    there.uuid = Uuid::new_v4();
    let put = app.table.session().put(&there, OnConflict::Skip, None).await.unwrap();
    assert_eq!(put, StagePut::Invalid((Field::NAME, Problem::NameTaken).into()));
}

/// As after a damage by hand: another stage owns the lock of the stage's name.
#[tokio::test]
async fn a_stage_that_does_not_own_its_lock_does_not_stop_the_load() {
    let app = TestApp::new().await;
    let update = app.client.update_item().table_name(&app.table_name);
    let name = stage_with(json!({}))["name"].as_str().unwrap().to_owned();
    let update = update.set_key(Some(Key::name(&name).attributes()));
    let update = update.update_expression("SET stage_uuid = :other");
    let other = AttributeValue::S(OTHER_STAGE.to_owned());
    update.expression_attribute_values(":other", other).send().await.unwrap();
    let before = app.snapshot().await;
    let renamed = stage_with(json!({"name": "renamed"}));
    let file = json!([renamed, new_stage(json!({}))]).to_string();
    let loading = load_files(&app.table, &[&file], OnConflict::Overwrite).await;
    let refused: Vec<_> = loading.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("does not own the lock of its name"), "{refused:?}");
    assert_eq!(loading.files[0].put.stages, 1);
    let after = app.snapshot().await;
    assert_eq!(after[&Key::stage(STAGE)], before[&Key::stage(STAGE)]);
    assert!(after.contains_key(&Key::stage(NEW_STAGE)));
}
