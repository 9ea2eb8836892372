//! What operators do to the table, while the function is at work on it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use authenticator_sms_stage::{
    permission::{CHANGE, TokenKey, VIEW},
    stage::Stage,
    store::{
        StageTable,
        documents::{Documents, MASK},
        loading::{self, Counts, Loaded, Loading},
        operate::{Existing, StagePut},
    },
    validation::{Field, FieldError, Problem, ValidationError},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    result::ConnectorError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    canned::{cancelled, conflict, none, reason, refusal},
    command::{Ended, Folder, Server, assert_fails, run, run_with_input},
    harness::{FIXTURE, GOOD, House, OTHER_STAGE, Plan, Request, STAGE, Snapshot, stage_with},
    writing::check_invariants,
};

/// A flow of the fixture that is in no stage's `flow_set`.
const FLOW: &str = "ffeeddcc-bbaa-4998-8776-655443322110";
/// A key that nothing has.
const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

fn key(text: &str) -> Uuid {
    Uuid::try_parse(text).unwrap()
}

/// A new stage as authentik answers with it, with these fields changed.
fn new_stage(changes: Value) -> Value {
    let mut stage = stage_with(json!({
        "pk": "11111111-2222-4333-8444-555555555555",
        "name": "brand-new",
        "configure_flow": null,
    }));
    for (field, value) in changes.as_object().unwrap() {
        stage[field] = value.clone();
    }
    stage
}

async fn load(table: &StageTable, files: &[&str], existing: Existing) -> Loading {
    let files: Vec<_> = files.iter().map(|text| Documents::parse(text).unwrap()).collect();
    loading::load(table, &files, existing, |_| {}).await
}

/// What a file's text is refused with.
fn problems(text: &str) -> Vec<String> {
    Documents::parse(text).unwrap_err().lines()
}

/// The stage of a document.
async fn stage(table: &StageTable, uuid: &str) -> Option<Stage> {
    table.stage(key(uuid)).await.unwrap().map(|stored| stored.stage)
}

fn assert_sound(snapshot: &Snapshot) {
    assert_eq!(check_invariants(snapshot), Ok(()));
}

#[tokio::test]
async fn loads_whatever_shape_authentik_answers_in() {
    let one = new_stage(json!({"configure_flow": FLOW}));
    let flow = serde_json::from_str::<Value>(FIXTURE).unwrap()["flows"][3].clone();
    // authentik's own answers have more in them than is read.
    let mut flow_answer = flow.clone();
    flow_answer["stages"] = json!([NOWHERE]);
    flow_answer["authentication"] = json!("none");
    let page = |results: Value| json!({"pagination": {"next": 0, "count": 1}, "results": results});
    let mut seen = Vec::new();
    for (files, why) in [
        (vec![one.clone(), flow_answer.clone()], "one object each, the flow last"),
        (vec![json!([one]), json!([flow_answer])], "lists"),
        (vec![json!([one, flow_answer])], "a list of both"),
        (vec![page(json!([one])), page(json!([flow_answer]))], "pages"),
        (vec![json!({"stages": [one], "flows": [flow]})], "our own format"),
    ] {
        let house = House::build(Plan { is_furnished: false, ..Plan::default() }).await;
        let texts: Vec<_> = files.iter().map(Value::to_string).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let loading = load(&house.table, &texts, Existing::Leave).await;
        assert!(loading.refused.is_empty(), "{why}: {:?}", loading.refused);
        let counts = loading.files.iter().map(|file| (file.put.stages, file.put.flows));
        assert_eq!(counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1)), (1, 1), "{why}");
        let mut snapshot = house.snapshot().await;
        assert_sound(&snapshot);
        for item in snapshot.values_mut() {
            item.remove("write_ids");
        }
        seen.push(snapshot);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "every shape leads to the same table");
}

#[tokio::test]
async fn what_is_loaded_is_answered_as_it_was_loaded() {
    let house = House::new().await;
    let document = new_stage(json!({"mapping": "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9"}));
    let loading = load(&house.table, &[&document.to_string()], Existing::Leave).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    let path = format!("/stages/authenticator/sms/{}/", document["pk"].as_str().unwrap());
    let answer = house.send(&Request::get().path(&path)).await;
    assert_eq!(answer.whole(), (200, document));
}

#[test]
fn names_everything_that_is_wrong_with_an_answer_of_newer_authentik() {
    let mut newer = stage_with(json!({"friendly_name": ""}));
    for gone in ["auth", "auth_password", "flow_set"] {
        newer.as_object_mut().unwrap().remove(gone);
    }
    let page = json!({"results": [stage_with(json!({})), newer]}).to_string();
    let lines = problems(&page);
    assert_eq!(lines.len(), 1, "the other document is good: {lines:?}");
    for words in [
        "results[1] (\"sms-setup\"): ",
        "auth: This field is required. (newer authentik keeps it to itself",
        "auth_password: This field is required.",
        "flow_set: This field is required.",
        "friendly_name: This field may not be blank. (newer authentik has no null here: write null",
    ] {
        assert!(lines[0].contains(words), "{words:?} is not in {lines:?}");
    }
    newer.as_object_mut().unwrap().remove("friendly_name");
    let lines = problems(&newer.to_string());
    assert!(lines[0].contains("friendly_name: This field is required."), "{lines:?}");
}

#[test]
fn takes_no_stage_that_the_api_would_not_have_taken() {
    let flow = |changes: Value| {
        let mut flow = stage_with(json!({}))["flow_set"][0].clone();
        for (field, value) in changes.as_object().unwrap() {
            flow[field] = value.clone();
        }
        json!([flow])
    };
    for (changes, expected) in [
        (json!({"name": " "}), "name: This field may not be blank."),
        (json!({"provider": "sns"}), "provider: \"sns\" is not a valid choice."),
        (json!({"auth_type": null}), "auth_type: This field may not be null."),
        (json!({"verify_only": "perhaps"}), "verify_only: Must be a valid boolean."),
        (json!({"mapping": "x"}), "mapping: “x” is not a valid UUID."),
        (json!({"configure_flow": true}), "configure_flow: Incorrect type. Expected pk value"),
        (json!({"auth": ""}), "auth: This field may not be blank."),
        (json!({"auth": {"s3cr3t": 1}}), "auth: Not a valid string."),
        (json!({"from_number": "a\0b"}), "from_number: Null characters are not allowed."),
        (json!({"auth": MASK}), "auth: is masked"),
        (json!({"pk": "x"}), "pk: “x” is not a valid UUID."),
        (json!({"pk": null}), "pk: This field may not be null."),
        (json!({"flow_set": {}}), "flow_set: Expected a list of items but got type \"dict\"."),
        (
            json!({"flow_set": [3]}),
            "flow_set[0]: Invalid data. Expected a dictionary, but got int.",
        ),
        (json!({"flow_set": flow(json!({"slug": "ä"}))}), "flow_set[0].slug: Enter a valid"),
        (json!({"flow_set": flow(json!({"slug": "x".repeat(51)}))}), "flow_set[0].slug: Ensure"),
        (json!({"flow_set": flow(json!({"pk": 7}))}), "flow_set[0].pk: “7” is not a valid UUID."),
        (json!({"flow_set": flow(json!({"layout": "odd"}))}), "flow_set[0].layout: \"odd\" is not"),
    ] {
        let lines = problems(&stage_with(changes.clone()).to_string());
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains(expected), "{changes}: {lines:?}");
        assert!(!lines[0].contains("s3cr3t") && !lines[0].contains("hunter2"), "{lines:?}");
    }
    let mut no_background = stage_with(json!({}));
    no_background["flow_set"][1].as_object_mut().unwrap().remove("background");
    no_background["flow_set"][0]["pk"] = no_background["flow_set"][1]["pk"].clone();
    let lines = problems(&no_background.to_string());
    assert!(lines[0].contains("flow_set[1].background: This field is required."), "{lines:?}");
    let both = stage_with(json!({"name": null, "provider": 7})).to_string();
    assert!(problems(&both)[0].contains("null. provider: \"7\" is not"), "all at once");
}

#[test]
fn says_what_a_file_is_that_holds_no_stage() {
    let other = json!([{"pk": STAGE, "meta_model_name": "authentik_stages_dummy.dummystage"}]);
    let mut of_all_stages = stage_with(json!({}));
    for own in ["provider", "account_sid"] {
        of_all_stages.as_object_mut().unwrap().remove(own);
    }
    for (text, expected) in [
        ("{\"stages\": [", "line 1 column"),
        ("7", "no object and no list"),
        ("{}", "no document"),
        (r#"{"detail": "Token invalid/expired", "code": "x"}"#, "error that authentik answered"),
        (r#"{"stages": {}}"#, "stages: is no list."),
        (r#"["x"]"#, "[0]: is no object."),
        (r#"[{"pk": "x"}]"#, "[0]: is neither a stage nor a flow nor a mapping."),
        (&other.to_string(), "is a authentik_stages_dummy.dummystage"),
        (&of_all_stages.to_string(), "not to /stages/all/."),
        (r#"{"tokens": [{"key": "s3cr3t"}]}"#, "user: This field is required."),
        (
            r#"{"tokens": [{"key": "s3cr3t", "user": "u", "permissions": [], "expires": "soon"}]}"#,
            "expires: is no time",
        ),
        (r#"{"flows": [{"pk": "x"}]}"#, "designation: This field is required."),
        (r#"{"mappings": [{"pk": null}]}"#, "pk: This field may not be null. name: This field is"),
    ] {
        let lines = problems(text).join("\n");
        assert!(lines.contains(expected), "{text}: {lines}");
        assert!(!lines.contains("s3cr3t"), "{lines}");
    }
    assert!(Documents::parse("\u{feff}[]").unwrap().is_empty(), "a byte order mark is no mistake");
}

#[tokio::test]
async fn leaves_what_is_there_and_says_so() {
    let house = House::new().await;
    let before = house.snapshot().await;
    let text = FIXTURE.replace("\"friendly_name\": \"Phone\"", "\"friendly_name\": \"Other\"");
    let loading = load(&house.table, &[&text], Existing::Leave).await;
    assert!(loading.refused.is_empty());
    let left = Counts { stages: 3, flows: 4, mappings: 1, tokens: 3 };
    assert_eq!(loading.files, [Loaded { left, ..Loaded::default() }]);
    assert_eq!(house.snapshot().await, before);
}

#[tokio::test]
async fn replaces_as_one_more_revision_and_moves_the_names_lock() {
    let house = House::new().await;
    house.send(&Request::patch(r#"{"friendly_name": "A"}"#)).await;
    let before = house.table.stage(key(STAGE)).await.unwrap().unwrap();
    let document = stage_with(json!({"name": "renamed", "friendly_name": "B", "flow_set": []}));
    let loading = load(&house.table, &[&document.to_string()], Existing::Replace).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    assert_eq!((loading.files[0].put.stages, loading.files[0].stages_replaced), (1, 1));
    let after = house.table.stage(key(STAGE)).await.unwrap().unwrap();
    assert_eq!(after.revision, before.revision + 1);
    assert_eq!(after.write_ids[1..], before.write_ids[..3], "a new write id is shifted in");
    assert_ne!(after.newest_write_id(), before.newest_write_id());
    assert_sound(&house.snapshot().await);
    assert_eq!(house.send(&Request::get()).await.whole(), (200, document));
    let other = Request::patch(r#"{"name": "sms-setup"}"#)
        .path(&format!("/stages/authenticator/sms/{OTHER_STAGE}/"));
    assert_eq!(house.send(&other).await.status, 200, "the old name is free");
}

#[tokio::test]
async fn replacing_brings_in_what_is_not_there_yet() {
    let house = House::build(Plan { is_furnished: false, ..Plan::default() }).await;
    let loading = load(&house.table, &[FIXTURE], Existing::Replace).await;
    assert!(loading.refused.is_empty());
    assert_eq!((loading.files[0].put.stages, loading.files[0].stages_replaced), (3, 0));
    assert_sound(&house.snapshot().await);
}

#[tokio::test]
async fn refuses_what_only_the_table_can_tell_and_loads_the_rest() {
    for existing in [Existing::Leave, Existing::Replace] {
        let house = House::new().await;
        let before = house.snapshot().await;
        let bad =
            new_stage(json!({"name": "backup-sms", "configure_flow": NOWHERE, "mapping": NOWHERE}));
        let own_flow = stage_with(json!({}))["flow_set"][0]["pk"].clone();
        let good = new_stage(json!({
            "pk": "22222222-2222-4333-8444-555555555555",
            "name": "another",
            "configure_flow": own_flow,
        }));
        let text = json!([bad, good]).to_string();
        let loading = load(&house.table, &[&text], existing).await;
        let lines: Vec<_> = loading.refused.iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 1);
        for words in [
            "stage 11111111-2222-4333-8444-555555555555 (\"brand-new\")"
                .replace("brand-new", "backup-sms"),
            "name: stage with this name already exists. (rename one of the two".to_owned(),
            format!("configure_flow: Invalid pk \"{NOWHERE}\" - object does not exist. (it is in"),
            "GET /flows/instances/".to_owned(),
            format!("mapping: Invalid pk \"{NOWHERE}\" - object does not exist."),
        ] {
            assert!(lines[0].contains(&words), "{words:?} is not in {lines:?}");
        }
        let mut after = house.snapshot().await;
        let new = after.extract_if(.., |key, _| !before.contains_key(key)).count();
        assert_eq!(new, 2, "the good stage and its name's lock are in");
        assert_eq!(after, before, "of the bad one, nothing is");
    }
}

#[tokio::test]
async fn a_replacement_that_is_refused_changes_nothing() {
    let house = House::new().await;
    let before = house.snapshot().await;
    for (changes, field) in [
        (json!({"name": "backup-sms"}), Field::Name),
        (json!({"configure_flow": NOWHERE}), Field::ConfigureFlow),
        (json!({"mapping": NOWHERE}), Field::Mapping),
        (json!({"friendly_name": "x".repeat(410_000)}), Field::FriendlyName),
        (json!({"friendly_name": "x".repeat(9_000_000)}), Field::FriendlyName),
    ] {
        let text = stage_with(changes).to_string();
        let loading = load(&house.table, &[&text], Existing::Replace).await;
        let [refused] = loading.refused.as_slice() else { panic!("{field:?} is refused") };
        let line = refused.to_string();
        assert!(line.contains(&format!("{}: ", field.as_str())), "{line:.300}");
        assert!(line.len() < 1000, "a document is not printed");
    }
    assert_eq!(house.snapshot().await, before);
}

#[tokio::test]
async fn too_large_a_stage_is_a_clear_error() {
    let house = House::new().await;
    let flow = stage_with(json!({}))["flow_set"][0].clone();
    let flows: Vec<_> = (0..2500)
        .map(|number| {
            let mut flow = flow.clone();
            flow["pk"] = json!(Uuid::new_v4().to_string());
            flow["slug"] = json!(format!("flow-{number}"));
            flow
        })
        .collect();
    // Over the limit by its texts alone, and only with its attributes' names.
    for count in [2500, 1500] {
        let document = new_stage(json!({"flow_set": flows[..count]}));
        let loading = load(&house.table, &[&document.to_string()], Existing::Leave).await;
        let [refused] = loading.refused.as_slice() else { panic!("{count} flows are refused") };
        let line = refused.to_string();
        assert!(
            line.contains("flow_set: This value makes the stage larger than the 400 KB"),
            "{line}"
        );
        assert_eq!(stage(&house.table, document["pk"].as_str().unwrap()).await, None);
    }
    assert_sound(&house.snapshot().await);
}

/// Has a request answered by the function just before the operator's transaction is sent.
fn interrupt(house: &Arc<House>, request: Request) {
    let inner = house.clone();
    let pending = Mutex::new(Some(request));
    house.tap.meddle(move |seen, call, connector| {
        if seen.operation != "TransactWriteItems" {
            return None;
        }
        let request = pending.lock().unwrap().take()?;
        let (house, connector) = (inner.clone(), connector.clone());
        Some(HttpConnectorFuture::new(async move {
            assert_eq!(house.send(&request).await.status, 200);
            connector.call(call).await
        }))
    });
}

#[tokio::test]
async fn a_change_made_while_a_stage_is_replaced_is_kept_and_said() {
    let house = Arc::new(House::new().await);
    interrupt(&house, Request::patch(r#"{"friendly_name": "theirs"}"#));
    let document = stage_with(json!({"friendly_name": "ours"})).to_string();
    let loading = load(&house.table, &[&document], Existing::Replace).await;
    let [refused] = loading.refused.as_slice() else { panic!("it is refused") };
    assert!(refused.to_string().contains("changed by somebody else at the same moment"));
    let now = stage(&house.table, STAGE).await.unwrap();
    assert_eq!(now.friendly_name.as_deref(), Some("theirs"));
    let again = load(&house.table, &[&document], Existing::Replace).await;
    assert!(again.refused.is_empty(), "loading again does it");
}

#[tokio::test]
async fn a_stage_renamed_while_it_is_deleted_is_gone_with_its_new_name() {
    let house = Arc::new(House::new().await);
    interrupt(&house, Request::patch(r#"{"name": "renamed"}"#));
    let deleted = house.table.delete_stage(key(STAGE)).await.unwrap().unwrap();
    assert_eq!(deleted.stage.name, "renamed");
    let snapshot = house.snapshot().await;
    assert_sound(&snapshot);
    assert!(!snapshot.contains_key(&format!("STAGE#{STAGE}")));
}

#[tokio::test]
async fn deletes_a_stage_and_frees_its_name() {
    let house = House::new().await;
    let deleted = house.table.delete_stage(key(STAGE)).await.unwrap().unwrap();
    assert_eq!(deleted.stage.name, "sms-setup");
    assert_eq!(house.table.delete_stage(key(STAGE)).await.unwrap(), None, "there is none now");
    assert_sound(&house.snapshot().await);
    assert_eq!(house.send(&Request::patch("{}")).await.status, 404);
    let loading = load(&house.table, &[FIXTURE], Existing::Leave).await;
    assert_eq!(loading.files[0].put.stages, 1, "the name can be taken again");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised_as_done() {
    for existing in [Existing::Leave, Existing::Replace] {
        for is_in_progress in [false, true] {
            let house = House::new().await;
            let first = AtomicBool::new(true);
            house.tap.meddle(move |seen, call, connector| {
                // The SDK sends it again under the same token, we ourselves under the next.
                let token = seen.body["ClientRequestToken"].as_str().unwrap_or_default();
                let is_first = first.swap(!token.ends_with("01"), Ordering::Relaxed);
                if !token.ends_with("01") || (!is_first && !is_in_progress) {
                    return None;
                }
                let connector = connector.clone();
                Some(HttpConnectorFuture::new(async move {
                    // It lands, and its answer gets lost.
                    if is_first {
                        connector.call(call).await?;
                    }
                    if !is_in_progress {
                        return Err(ConnectorError::io("connection reset".into()));
                    }
                    let kind = "com.amazonaws.dynamodb.v20120810#TransactionInProgressException";
                    refusal(400, kind, "in progress").await
                }))
            });
            let changes = json!({"friendly_name": "ours"});
            let (document, uuid) = match existing {
                Existing::Leave => (new_stage(changes), "11111111-2222-4333-8444-555555555555"),
                Existing::Replace => (stage_with(changes), STAGE),
            };
            let loading = load(&house.table, &[&document.to_string()], existing).await;
            let why = format!("{existing:?}, {is_in_progress}");
            assert!(loading.refused.is_empty(), "{why}: {:?}", loading.refused);
            assert_eq!(loading.files[0].put.stages, 1, "{why}");
            let stored = house.table.stage(key(uuid)).await.unwrap().unwrap();
            let revision = if existing == Existing::Leave { 1 } else { 2 };
            assert_eq!(stored.revision, revision, "{why}: once");
            assert_sound(&house.snapshot().await);
        }
    }
}

#[tokio::test]
async fn what_the_function_holds_just_now_is_waited_for() {
    for is_for_ever in [false, true] {
        let house = House::build(Plan { is_furnished: false, ..Plan::default() }).await;
        let met = AtomicU32::new(0);
        house.tap.meddle(move |seen, _, _| {
            let is_met = is_for_ever || met.fetch_add(1, Ordering::Relaxed) % 4 < 3;
            match seen.operation.as_str() {
                _ if !is_met => None,
                "PutItem" => {
                    let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
                    Some(refusal(400, kind, "Transaction is ongoing for the item"))
                }
                "TransactWriteItems" => {
                    let parts = seen.body["TransactItems"].as_array().unwrap().len();
                    Some(cancelled(&vec![conflict(); parts]))
                }
                _ => None,
            }
        });
        let document = json!({"stages": [new_stage(json!({}))]}).to_string();
        let loading = load(&house.table, &[&document], Existing::Leave).await;
        if is_for_ever {
            let lines: Vec<_> = loading.refused.iter().map(ToString::to_string).collect();
            assert!(lines[0].contains("changed by somebody else"), "{lines:?}");
            assert!(house.snapshot().await.is_empty());
            continue;
        }
        assert!(loading.refused.is_empty(), "{:?}", loading.refused);
        let rows = FIXTURE.replace("\"stages\"", "\"none\"");
        let loading = load(&house.table, &[&rows], Existing::Replace).await;
        assert!(loading.refused.is_empty(), "{:?}", loading.refused);
        let uuid = key("11111111-2222-4333-8444-555555555555");
        assert!(house.table.delete_stage(uuid).await.unwrap().is_some());
        assert_sound(&house.snapshot().await);
    }
}

/// Between the read and the deletion the stage was renamed, and another took the name that it had.
#[tokio::test]
async fn a_stage_that_is_renamed_while_it_is_deleted_is_deleted() {
    let house = House::new().await;
    let refused_once = AtomicBool::new(false);
    house.tap.meddle(move |seen, _, _| {
        let is_deletion = seen.operation == "TransactWriteItems";
        let is_first = is_deletion && !refused_once.swap(true, Ordering::Relaxed);
        let failed = || reason("ConditionalCheckFailed", "The conditional request failed");
        is_first.then(|| cancelled(&[failed(), failed()]))
    });
    assert!(house.table.delete_stage(key(STAGE)).await.unwrap().is_some());
    assert!(house.table.stage(key(STAGE)).await.unwrap().is_none());
    assert_sound(&house.snapshot().await);
}

#[tokio::test]
async fn a_name_that_another_stage_holds_is_not_freed_with_the_stage() {
    let house = House::new().await;
    let before = house.snapshot().await;
    house.tap.meddle(|seen, _, _| {
        let failed = reason("ConditionalCheckFailed", "The conditional request failed");
        (seen.operation == "TransactWriteItems").then(|| cancelled(&[none(), failed]))
    });
    let error = house.table.delete_stage(key(STAGE)).await.unwrap_err();
    assert!(error.to_string().contains("its name's lock is another stage's"), "{error}");
    assert_eq!(house.snapshot().await, before);
}

#[tokio::test]
async fn a_table_that_cannot_be_asked_ends_a_load_and_says_where() {
    let house = House::build(Plan { is_furnished: false, ..Plan::default() }).await;
    house.tap.meddle(|seen, _, _| {
        let is_second = seen.body["Item"]["name"]["S"] == "Enroll members";
        let kind = "com.amazon.coral.service#AccessDeniedException";
        is_second.then(|| refusal(400, kind, "not authorized to perform: dynamodb:PutItem"))
    });
    let loading = load(&house.table, &[FIXTURE], Existing::Leave).await;
    let put = Counts { flows: 1, ..Counts::default() };
    assert_eq!(loading.files, [Loaded { put, ..Loaded::default() }]);
    let [refused] = loading.refused.as_slice() else { panic!("{:?}", loading.refused) };
    let line = refused.to_string();
    for words in ["flow c7e2a8f4", "PutItem failed", "AccessDeniedException"] {
        assert!(line.contains(words), "{line}");
    }
}

#[tokio::test]
async fn operators_and_the_function_at_once_leave_a_sound_table() {
    let house = Arc::new(House::new().await);
    let mut work = tokio::task::JoinSet::new();
    for number in 0..4 {
        let house = house.clone();
        work.spawn(async move {
            for turn in 0..6 {
                let name = format!("name-{}", (number + turn) % 3);
                let flow = if turn % 2 == 0 { json!(FLOW) } else { Value::Null };
                match number {
                    0 => {
                        let document = stage_with(json!({"name": name, "flow_set": []}));
                        let text = document.to_string();
                        load(&house.table, &[&text], Existing::Replace).await;
                    }
                    1 => {
                        let _ = house.table.delete_stage(key(STAGE)).await.unwrap();
                        load(&house.table, &[FIXTURE], Existing::Leave).await;
                    }
                    _ => {
                        let body = json!({"name": name, "configure_flow": flow}).to_string();
                        let uuid = if number == 2 { STAGE } else { OTHER_STAGE };
                        let path = format!("/stages/authenticator/sms/{uuid}/");
                        let answer = house.send(&Request::patch(body).path(&path)).await;
                        assert!([200, 400, 404, 409].contains(&answer.status), "{answer:?}");
                    }
                }
            }
        });
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    assert_sound(&house.snapshot().await);
}

#[tokio::test]
async fn one_of_two_that_create_the_same_stage_wins() {
    let house = House::new().await;
    let documents = Documents::parse(&new_stage(json!({})).to_string()).unwrap();
    load(&house.table, &[&new_stage(json!({})).to_string()], Existing::Leave).await;
    let loading = loading::load(&house.table, &[documents], Existing::Leave, |_| {}).await;
    assert_eq!((loading.files[0].put.stages, loading.files[0].left.stages), (0, 1));
    let there = stage(&house.table, "11111111-2222-4333-8444-555555555555").await.unwrap();
    let same_name = Stage { stage_uuid: Uuid::new_v4(), ..there };
    let taken = BTreeMap::from([(Field::Name, FieldError::Field(vec![Problem::NameTaken]))]);
    let put = house.table.create_stage(same_name).await.unwrap();
    assert_eq!(put, StagePut::Invalid(ValidationError::Fields(taken)));
}

#[tokio::test]
async fn tokens_are_kept_as_hashes_and_listed_as_such() {
    let house = House::new().await;
    let hash = TokenKey::new(GOOD.to_owned()).hash();
    let tokens = house.table.tokens().await.unwrap();
    assert_eq!(tokens.len(), 3);
    let (_, good) = tokens.iter().find(|(known, _)| *known == hash).unwrap();
    assert_eq!(good.caller.permissions(), [VIEW, CHANGE]);
    assert_eq!(tokens.iter().filter(|(_, token)| token.has_expired()).count(), 1);
    assert!(!format!("{:?}", house.snapshot().await).contains(GOOD), "the key is nowhere");
    assert!(house.table.delete_token(&hash).await.unwrap());
    assert!(!house.table.delete_token(&hash).await.unwrap(), "it is gone");
    assert_eq!(house.send(&Request::get()).await.status, 403);
}

// The same as commands, against an engine in another process.

/// An engine in a process of its own, with the fixture in it.
struct Shop {
    server: Server,
    folder: Folder,
}

impl Shop {
    fn open() -> Self {
        let folder = Folder::new();
        let fixture = folder.write("fixture.json", FIXTURE);
        let listen = ["dynamodb", "--listen", "127.0.0.1:0", "--load", &fixture];
        Self { server: Server::start(&listen, "table: "), folder }
    }

    /// Where the table is, as arguments.
    fn place(&self) -> [String; 4] {
        let endpoint = format!("http://{}", self.server.address);
        ["--table", "authenticator-sms-stage", "--endpoint", &endpoint].map(str::to_owned)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "")
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let place = self.place();
        let place = place.iter().map(String::as_str);
        run_with_input(&arguments.iter().copied().chain(place).collect::<Vec<_>>(), input)
    }
}

fn assert_works(ended: &Ended) {
    assert!(ended.is_success, "{}", ended.stderr);
}

#[test]
fn load_command_says_what_it_did() {
    let shop = Shop::open();
    let document = new_stage(json!({})).to_string();
    let file = shop.folder.write("new.json", &document);
    let ended = shop.run(&["load", &file]);
    assert_works(&ended);
    let loaded = "1 stages, 0 flows, 0 mappings, 0 tokens";
    assert_eq!(ended.stdout, format!("loaded {file}: {loaded}\n"));
    let ended = shop.run(&["load", &file]);
    assert_works(&ended);
    assert!(ended.stdout.contains("(already there and left as they were: 1 stages)"));
    let ended = shop.run_with_input(&["load", "--replace", "-"], &document);
    assert_works(&ended);
    let replaced = format!("loaded standard input: {loaded} (1 stages were replaced)\n");
    assert_eq!(ended.stdout, replaced);
}

#[test]
fn load_command_loads_nothing_where_a_file_has_a_mistake() {
    let shop = Shop::open();
    let good = shop.folder.write("good.json", new_stage(json!({})).to_string());
    let first = new_stage(json!({"name": "", "provider": null}));
    let bad = shop.folder.write("bad.json", json!([first, {"pk": 1}]).to_string());
    let ended = shop.run(&["load", &good, &bad]);
    assert_fails(&ended, &["cannot load", "bad.json", "[1]: is neither a stage nor a flow"]);
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "a line for each bad document: {}", ended.stderr);
    assert!(lines[0].contains("name: This field may not be blank. provider: This"), "{lines:?}");
    assert_eq!(ended.stdout, "");
    let ended = shop.run(&["get", "11111111-2222-4333-8444-555555555555"]);
    assert_fails(&ended, &["there is no such stage"]);
}

#[test]
fn load_command_names_what_the_table_refuses() {
    let shop = Shop::open();
    let bad = new_stage(json!({"configure_flow": NOWHERE}));
    let good = new_stage(json!({"pk": FLOW, "name": "good"}));
    let file = shop.folder.write("some.json", json!([bad, good]).to_string());
    let ended = shop.run(&["load", &file]);
    assert_fails(&ended, &["cannot load", "some.json", "configure_flow", "/flows/instances/"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stdout.contains(": 1 stages, "), "the other is in: {}", ended.stdout);
}

#[test]
fn load_command_tells_how_far_it_is_and_that_a_page_is_not_all() {
    let shop = Shop::open();
    let mapping =
        |number| json!({"pk": Uuid::new_v4().to_string(), "name": number, "expression": ""});
    let results: Vec<_> = (0..450).map(mapping).collect();
    let pagination = json!({"next": 2, "current": 1, "total_pages": 3});
    let page = json!({"pagination": pagination, "results": results}).to_string();
    let ended = shop.run(&["load", &shop.folder.write("page.json", page)]);
    assert_works(&ended);
    assert!(ended.stdout.contains("450 mappings"), "{}", ended.stdout);
    for line in ["200 of 450 documents\n", "400 of 450 documents\n", "page 1 of 3: load the"] {
        assert!(ended.stderr.contains(line), "{}", ended.stderr);
    }
}

#[test]
fn get_command_masks_secrets_and_what_it_prints_can_be_loaded() {
    let shop = Shop::open();
    let masked = shop.run(&["get", STAGE]);
    assert_works(&masked);
    let document: Value = serde_json::from_str(&masked.stdout).unwrap();
    assert_eq!(document, stage_with(json!({"auth": MASK, "auth_password": MASK})));
    assert!(masked.stderr.starts_with("revision 1, ETag \"1-"), "{}", masked.stderr);
    assert!(!masked.stdout.contains("hunter2") && !masked.stderr.contains("hunter2"));
    let other = shop.run(&["get", OTHER_STAGE]).stdout;
    assert!(other.contains("\"auth_password\": \"\""), "that there is none is shown: {other}");
    let ended = shop.run_with_input(&["load", "--replace", "-"], &masked.stdout);
    assert_fails(&ended, &["auth: is masked", "auth_password: is masked", "--show-secrets"]);
    let open = shop.run(&["get", STAGE, "--show-secrets"]);
    assert_eq!(serde_json::from_str::<Value>(&open.stdout).unwrap(), stage_with(json!({})));
    assert_works(&shop.run_with_input(&["load", "--replace", "-"], &open.stdout));
    assert_eq!(shop.run(&["get", STAGE, "--show-secrets"]).stdout, open.stdout);
}

#[test]
fn delete_command_wants_to_be_told_that_it_is_meant() {
    let shop = Shop::open();
    let ended = shop.run_with_input(&["delete", STAGE], "yes\n");
    assert_fails(&ended, &["no terminal", "--yes"]);
    assert_works(&shop.run(&["get", STAGE]));
    let ended = shop.run(&["delete", STAGE, "--yes"]);
    assert_works(&ended);
    let said = format!("deleted stage {STAGE} (\"sms-setup\", revision 1); its name is free\n");
    assert_eq!(ended.stdout, said);
    assert_fails(&shop.run(&["get", STAGE]), &["cannot get stage", STAGE, "no such stage"]);
    assert_fails(&shop.run(&["delete", STAGE, "--yes"]), &["no such stage"]);
}

#[test]
fn token_commands_make_list_and_revoke() {
    let shop = Shop::open();
    let create = ["token", "create", "--user", "terraform", "--permission", "view"];
    let ended = shop.run(&[&create[..], &["--stage", STAGE, "--expires", "30d"]].concat());
    assert_works(&ended);
    let key = ended.stdout.trim().to_owned();
    assert_eq!(ended.stdout, format!("{key}\n"), "only the key is on standard output");
    assert_eq!((key.len(), key.split_whitespace().count()), (64, 1));
    let hash = TokenKey::new(key.clone()).hash();
    let prefix = &hash.as_str()[..12];
    for word in [prefix, "\"terraform\"", &format!("{VIEW}:{STAGE}"), "shown this once"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains(&key));
    let listed = shop.run(&["token", "list"]).stdout;
    assert!(!listed.contains(&key) && !listed.contains(GOOD), "{listed}");
    let line = listed.lines().find(|line| line.starts_with(prefix)).unwrap();
    assert!(
        line.contains("terraform") && line.contains("  good ") && line.contains(VIEW),
        "{line}"
    );
    assert_eq!(listed.lines().filter(|line| line.contains("  expired  ")).count(), 1, "{listed}");
    let ended = shop.run(&["token", "revoke", prefix]);
    assert_works(&ended);
    assert_eq!(ended.stdout, format!("revoked token {prefix}\n"));
    assert_fails(&shop.run(&["token", "revoke", prefix]), &["no token's hash begins with"]);
    let ended = shop.run_with_input(&["token", "revoke", "-"], "good-token\n");
    assert_works(&ended);
    assert_fails(&shop.run_with_input(&["token", "revoke", "-"], "good-token"), &["there is none"]);
    assert_eq!(shop.run(&["token", "list"]).stdout.lines().count(), 3, "a heading and two tokens");
}

#[test]
fn token_commands_refuse_what_would_not_work() {
    let shop = Shop::open();
    for (arguments, words) in [
        (&["token", "create", "--user", ""][..], "--user"),
        (&["token", "create", "--user", "u", "--permission", "delete"], "`view` or `change`"),
        (&["token", "create", "--user", "u", "--stage", "x"], "--stage"),
        (&["token", "create", "--user", "u", "--expires", "2020-01-01T00:00:00Z"], "is over"),
        (&["token", "create", "--user", "u", "--expires", "soon"], "`30d`"),
        (&["token", "revoke", "3b1f"], "8 or more hex digits"),
    ] {
        let ended = shop.run(arguments);
        assert!(!ended.is_success && ended.stderr.contains(words), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    let ended = shop.run(&["token", "revoke", "this-is-a-key"]);
    assert!(!ended.stderr.contains("this-is-a-key"), "it may be a key: {}", ended.stderr);
    let ended = shop.run(&["token", "create", "--user", "u", "--permission", "change"]);
    assert!(ended.stderr.contains("needs the permission view as well"), "{}", ended.stderr);
}

#[test]
fn a_token_works_at_once_where_the_data_is_being_served() {
    let folder = Folder::new();
    let (data, fixture) = (folder.path("data"), folder.write("fixture.json", FIXTURE));
    let server = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--load", &fixture];
    let server = Server::start(&server, "listening on ");
    let create = ["token", "create", "--user", "u", "--data", &data, "--expires"];
    let ended = run(&[&create[..], &["2030-01-31T12:00:00+02:00"]].concat());
    assert_works(&ended);
    assert!(ended.stderr.contains("it ends at 2030-01-31T10:00:00Z"), "{}", ended.stderr);
    let bearer = format!("Bearer {}", ended.stdout.trim());
    let patch = Request::patch(r#"{"verify_only": true}"#).header("Authorization", &*bearer);
    assert_eq!(server.send(&patch).0, 200);
    let document = run(&["get", STAGE, "--show-secrets", "--data", &data]);
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!(document, stage_with(json!({"verify_only": true})));
}

#[test]
fn the_table_can_be_named_by_the_environment() {
    let shop = Shop::open();
    let mut command = crate::command::sms_stage(&["get", STAGE]);
    command.env("TABLE_NAME", "authenticator-sms-stage");
    command.env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", shop.server.address));
    assert_works(&command.output().unwrap().into());
    // As whom, where the environment says so.
    command.env("AWS_ACCESS_KEY_ID", "somebody").env("AWS_SECRET_ACCESS_KEY", "x");
    command.env("AWS_REGION", "eu-central-1");
    assert_works(&command.output().unwrap().into());
}

#[test]
fn a_profile_is_taken_at_its_word() {
    let shop = Shop::open();
    let config = "[profile keys]\nregion = eu-central-1\naws_access_key_id = a\n\
                  aws_secret_access_key = b\n[profile sso]\nregion = eu-central-1\n\
                  sso_start_url = https://example.invalid/start\nsso_region = eu-central-1\n\
                  sso_account_id = 123456789012\nsso_role_name = operator\n";
    let config = shop.folder.write("config", config);
    let run = |profile: &str| -> Ended {
        let place = shop.place();
        let mut arguments: Vec<_> = place.iter().map(String::as_str).collect();
        arguments.extend(["--region", "eu-central-1", "--profile", profile]);
        let mut command = crate::command::sms_stage(&[&["get", STAGE][..], &arguments].concat());
        command.env("AWS_CONFIG_FILE", &config).env("HOME", shop.folder.path(""));
        // The environment's own do not stand in for it.
        command.env("AWS_ACCESS_KEY_ID", "c").env("AWS_SECRET_ACCESS_KEY", "d");
        command.output().unwrap().into()
    };
    assert_works(&run("keys"));
    let ended = run("sso");
    assert_fails(&ended, &["sso", "aws sso login"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert_fails(&run("nobody"), &["`nobody` was not defined", "--profile"]);
}

#[test]
fn says_which_table_it_wants_and_what_is_wrong_with_the_one_named() {
    let shop = Shop::open();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (endpoint, nobody) = (shop.place()[3].clone(), format!("http://{nobody}"));
    let absent = shop.folder.path("absent");
    for (arguments, words) in [
        (vec!["get", STAGE], vec!["no table is named", "--table", "--data"]),
        (vec!["get", STAGE, "--table", "mine"], vec!["no AWS region is named", "--region"]),
        (vec!["get", STAGE, "--table", "mine", "--region", "x"], vec!["credentials", "--profile"]),
        (vec!["get", STAGE, "--table", "mine", "--endpoint", &endpoint], vec!["no such table"]),
        (vec!["get", STAGE, "--table", "mine", "--endpoint", &nobody], vec!["nobody answers"]),
        (vec!["token", "list", "--data", &absent], vec!["there is no file", "sms-stage load"]),
        (vec!["delete", STAGE, "--yes", "--data", &absent], vec!["there is no file"]),
    ] {
        let ended = run(&arguments);
        assert_fails(&ended, &words);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    assert!(!std::path::Path::new(&absent).exists(), "none was made");
    let ended = run(&["get", STAGE, "--table", "mine", "--data", &absent]);
    assert!(ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
}
