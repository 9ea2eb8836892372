//! Every kind of write: what is answered, what is stored then, and how often DynamoDB is asked.

use std::collections::{BTreeSet, HashMap};

use authenticator_sms_stage::permission::sha256_hex;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::harness::{
    Answer, FIXTURE, House, OTHER_STAGE, Plan, Request, STAGE, Snapshot, detail, stage_with,
};

/// The fixture's third stage.
pub const THIRD_STAGE: &str = "e9d8c7b6-a594-4837-9261-504f3e2d1c0b";
/// A flow that is in the first stage's `flow_set`, and has a row.
pub const SETUP_FLOW: &str = "0b9f6d52-3c1a-4e77-8f0d-2a6c5be41d90";
/// The flow that the first stage's `configure_flow` names; it has a row.
pub const CONFIGURE_FLOW: &str = "a1b2c3d4-e5f6-4789-8abc-def012345678";
/// A flow that no stage refers to; it has a row.
pub const RECOVERY_FLOW: &str = "ffeeddcc-bbaa-4998-8776-655443322110";
/// The one mapping.
pub const MAPPING: &str = "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9";
/// What no row has.
pub const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// An item, attribute by attribute.
pub type Item = HashMap<String, AttributeValue>;

/// The key of a stage's item.
pub fn stage_key(stage: &str) -> String {
    format!("STAGE#{stage}")
}

/// The key of a name's lock.
pub fn name_key(name: &str) -> String {
    format!("NAME#{}", sha256_hex(name))
}

/// An attribute as plain JSON.
fn plain(attribute: &AttributeValue) -> Value {
    match attribute {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(digits) => digits.parse::<u64>().unwrap().into(),
        AttributeValue::Bool(boolean) => json!(boolean),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::L(elements) => elements.iter().map(plain).collect(),
        AttributeValue::M(item) => plain_item(item).into(),
        other => panic!("no item has a {other:?}"),
    }
}

fn plain_item(item: &Item) -> Map<String, Value> {
    item.iter().map(|(name, attribute)| (name.clone(), plain(attribute))).collect()
}

/// The document that a stage's item holds, with all that is the same for every stage. Reads the
/// item by itself, so that the program's own reader is not its own judge.
pub fn document(item: &Item) -> Value {
    let mut document = plain_item(item);
    let key = document.shift_remove("partition_key").unwrap();
    document.shift_remove("revision").unwrap();
    document.shift_remove("write_ids").unwrap();
    document.insert("pk".to_owned(), key.as_str().unwrap().strip_prefix("STAGE#").unwrap().into());
    let fixture = stage_with(json!({}));
    for same in ["component", "verbose_name", "verbose_name_plural", "meta_model_name"] {
        document.insert(same.to_owned(), fixture[same].clone());
    }
    for flow in document["flow_set"].as_array_mut().unwrap() {
        let slug = flow["slug"].as_str().unwrap();
        flow["export_url"] = format!("/api/v3/flows/instances/{slug}/export/").into();
    }
    document.into()
}

/// How often the stage was written.
pub fn revision(item: &Item) -> u64 {
    item["revision"].as_n().unwrap().parse().unwrap()
}

/// Who wrote the stage last, newest first.
pub fn write_ids(item: &Item) -> Vec<String> {
    let ids = item["write_ids"].as_l().unwrap();
    ids.iter().map(|id| id.as_s().unwrap().clone()).collect()
}

/// The entity tag that the item calls for.
pub fn entity_tag(item: &Item) -> String {
    format!("\"{}-{}\"", revision(item), &write_ids(item)[0][..8])
}

/// What must hold of the table at every instant; says what does not.
pub fn check_invariants(snapshot: &Snapshot) -> Result<(), String> {
    let mut owned = BTreeSet::new();
    for (key, item) in snapshot.iter().filter(|(key, _)| key.starts_with("STAGE#")) {
        let stage = document(item);
        let lock = name_key(stage["name"].as_str().unwrap());
        let owner = snapshot.get(&lock).map(|lock| lock["stage_uuid"].as_s().unwrap().clone());
        if owner.as_deref() != stage["pk"].as_str() {
            return Err(format!("the lock of {key}'s name belongs to {owner:?}"));
        }
        owned.insert(lock);
        let own_flows: Vec<_> = stage["flow_set"].as_array().unwrap().iter().collect();
        if let Some(flow) = stage["configure_flow"].as_str()
            && !snapshot.contains_key(&format!("FLOW#{flow}"))
            && !own_flows.iter().any(|own| own["pk"] == flow)
        {
            return Err(format!("{key} refers to flow {flow}, which is not there"));
        }
        if let Some(mapping) = stage["mapping"].as_str()
            && !snapshot.contains_key(&format!("MAPPING#{mapping}"))
        {
            return Err(format!("{key} refers to mapping {mapping}, which is not there"));
        }
    }
    match snapshot.keys().find(|key| key.starts_with("NAME#") && !owned.contains(*key)) {
        Some(lock) => Err(format!("{lock} is no stage's name")),
        None => Ok(()),
    }
}

/// Checks that the answer's document and tag are what is stored, by one more write than before, and
/// that but for the stage and its name's lock nothing is another than before.
fn assert_stored(answer: &Answer, before: &Snapshot, after: &Snapshot, why: &str) {
    let key = stage_key(answer.body["pk"].as_str().unwrap());
    let (old, new) = (&before[&key], &after[&key]);
    assert_eq!(document(new), answer.body, "{why}: the answer is what is stored");
    assert_eq!(answer.header("etag"), Some(&*entity_tag(new)), "{why}: the tag");
    assert_eq!(revision(new), revision(old) + 1, "{why}: written once");
    let (old_ids, new_ids) = (write_ids(old), write_ids(new));
    assert_eq!(new_ids[1..], old_ids[..3], "{why}: the ids have moved up by one");
    assert!(!old_ids.contains(&new_ids[0]), "{why}: a new id for a new write");
    assert_eq!(check_invariants(after), Ok(()), "{why}");
    let others = |snapshot: &Snapshot| {
        let mut others = snapshot.clone();
        others.retain(|name, _| *name != key && !name.starts_with("NAME#"));
        others
    };
    assert_eq!(others(after), others(before), "{why}: other items are as they were");
}

/// Sends a request that changes the stage, and checks answer and table.
async fn changes(house: &House, request: &Request, expected: Value, why: &str) -> Answer {
    let before = house.snapshot().await;
    let answer = house.send(request).await;
    assert_eq!(answer.whole(), (200, expected), "{why}");
    assert_stored(&answer, &before, &house.snapshot().await, why);
    answer
}

/// Sends a request that is refused, and checks that nothing has changed.
async fn refused(house: &House, request: &Request, expected: (u16, Value), why: &str) {
    let before = house.snapshot().await;
    let answer = house.send(request).await;
    assert_eq!(answer.whole(), expected, "{why}");
    assert_eq!(answer.header("etag"), None, "{why}: an error has no tag");
    assert_eq!(house.snapshot().await, before, "{why}: nothing has changed");
}

fn patch(body: &Value) -> Request {
    Request::patch(body.to_string())
}

/// The body of a refusal for these fields.
fn invalid(fields: Value) -> (u16, Value) {
    let mut body = fields;
    body["code"] = "invalid".into();
    (400, body)
}

fn no_such_row(key: &str) -> String {
    format!("Invalid pk \"{key}\" - object does not exist.")
}

const NAME_TAKEN: &str = "stage with this name already exists.";
const TOO_LARGE: &str = "This value makes the stage larger than the 400 KB that can be stored.";

/// The fixture's first stage as a client sends it back whole.
fn whole_document() -> Value {
    stage_with(json!({}))
}

/// The same without `flow_set`: all that the stage's own form has.
fn form() -> Value {
    let mut form = whole_document();
    form.as_object_mut().unwrap().shift_remove("flow_set");
    form
}

fn with(mut body: Value, changes: Value) -> Value {
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

/// A flow as a client must send it, and no more than that.
pub fn flow(slug: &str) -> Value {
    json!({"name": format!("Flow {slug}"), "slug": slug, "title": "T", "designation": "recovery"})
}

/// The fixture's flow of the first stage with this number, as the API shows it.
fn own_flow(place: usize) -> Value {
    whole_document()["flow_set"][place].clone()
}

/// What the API shows of a flow whose slug is new: the model's defaults, and keys that the server
/// made, which are taken from the answer.
fn new_flow(slug: &str, shown: &Value) -> Value {
    let made = json!({
        "pk": shown["pk"],
        "policybindingmodel_ptr_id": shown["policybindingmodel_ptr_id"],
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "export_url": format!("/api/v3/flows/instances/{slug}/export/"),
        "layout": "stacked",
        "denied_action": "message_continue",
    });
    with(flow(slug), made)
}

/// Takes a row out of the table, as an operator does.
pub async fn remove(house: &House, key: &str) {
    let key = AttributeValue::S(key.to_owned());
    let request = house.client.delete_item().table_name(&house.table_name);
    request.key("partition_key", key).send().await.unwrap();
}

/// Lets the first stage's `configure_flow` name a flow of its own `flow_set`.
pub async fn configure_by_own_flow(house: &House) {
    let request = house.client.update_item().table_name(&house.table_name);
    request
        .key("partition_key", AttributeValue::S(stage_key(STAGE)))
        .update_expression("SET configure_flow = :flow")
        .expression_attribute_values(":flow", AttributeValue::S(SETUP_FLOW.to_owned()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_plain_patch_changes_the_fields_that_it_names() {
    for (body, why) in [
        (json!({"from_number": "+15005550001"}), "one text"),
        (json!({"friendly_name": "SMS"}), "a text that may be null"),
        (json!({"friendly_name": null}), "null clears it"),
        (json!({"auth": "n3w-auth-secret", "auth_password": ""}), "credentials"),
        (json!({"provider": "generic", "auth_type": "bearer"}), "words"),
        (json!({"verify_only": true}), "a boolean"),
        (json!({"account_sid": "https://sms.example.com/", "from_number": "é☎"}), "any script"),
        (json!({"configure_flow": null, "mapping": null}), "references need no row to be cleared"),
        (json!({"from_number": "+15005550006"}), "what is so already is written all the same"),
    ] {
        let house = House::new().await;
        changes(&house, &patch(&body), stage_with(body), why).await;
    }
}

#[tokio::test]
async fn a_document_sent_back_changes_the_fields_that_differ() {
    let edit = json!({"friendly_name": "SMS", "verify_only": true});
    for (body, why) in [
        (with(form(), edit.clone()), "the form"),
        (with(whole_document(), edit.clone()), "the whole document"),
    ] {
        let house = House::new().await;
        changes(&house, &patch(&body), stage_with(edit.clone()), why).await;
        let put = patch(&body).method("PUT");
        changes(&house, &put, stage_with(edit.clone()), "a PUT of the same").await;
    }
}

#[tokio::test]
async fn a_rename_moves_the_lock() {
    let house = House::new().await;
    let body = json!({"name": "renamed", "from_number": "+15005550001"});
    changes(&house, &patch(&body), stage_with(body), "renamed").await;
    let after = house.snapshot().await;
    let old = "NAME#f0a54619e046c2500f8cbf34b51b820b0196ee5c82e663f4f321ff4bf7aae141";
    let new = "NAME#017e9e217af8bbb732e91d3f534e0702b9f492edd2c3a9994383aa9bfa700f77";
    assert!(!after.contains_key(old), "sms-setup is free");
    let lock = json!({"partition_key": new, "name": "renamed", "stage_uuid": STAGE});
    assert_eq!(Value::from(plain_item(&after[new])), lock);

    let other = patch(&json!({"name": "sms-setup"})).stage(OTHER_STAGE);
    assert_eq!(house.send(&other).await.status, 200, "another stage may take it");
    let back = patch(&json!({"name": "sms-setup"}));
    refused(&house, &back, invalid(json!({"name": [NAME_TAKEN]})), "then it is taken").await;
    let back = json!({"name": "backup-sms"});
    let expected = stage_with(json!({"name": "backup-sms", "from_number": "+15005550001"}));
    changes(&house, &patch(&back), expected, "and the other's name is free").await;
}

#[tokio::test]
async fn a_taken_name_is_refused_and_nothing_moves() {
    let expected = invalid(json!({"name": [NAME_TAKEN]}));
    let house = House::new().await;
    for (body, why) in [
        (json!({"name": "backup-sms"}), "alone"),
        (json!({"name": 4242, "from_number": "+15005550001"}), "a number is a name, too"),
        (json!({"name": "backup-sms", "flow_set": []}), "with a flow_set"),
        (json!({"name": "backup-sms", "mapping": MAPPING}), "with a reference that is good"),
    ] {
        refused(&house, &patch(&body), expected.clone(), why).await;
    }
}

#[tokio::test]
async fn a_rename_to_the_own_name_is_no_rename() {
    let house = House::new().await;
    house.tap.operations();
    let body = json!({"name": "sms-setup", "verify_only": true});
    changes(&house, &patch(&body), stage_with(json!({"verify_only": true})), "own name").await;
    assert_eq!(house.tap.operations(), ["GetItem", "UpdateItem"]);
    for name in ["SMS-setup", "sms-setup\u{301}"] {
        let body = json!({"name": name});
        let expected = stage_with(json!({"name": name, "verify_only": true}));
        changes(&house, &patch(&body), expected, "names are told apart byte for byte").await;
    }
}

#[tokio::test]
async fn references_are_set_and_cleared() {
    let house = House::new().await;
    let mut state = json!({});
    for (body, why) in [
        (json!({"mapping": MAPPING}), "a mapping"),
        (json!({"configure_flow": RECOVERY_FLOW}), "a flow"),
        (json!({"configure_flow": null}), "cleared"),
        (json!({"configure_flow": CONFIGURE_FLOW, "mapping": null}), "one set, one cleared"),
        (json!({"configure_flow": RECOVERY_FLOW, "mapping": MAPPING}), "both set"),
    ] {
        state = with(state, body.clone());
        changes(&house, &patch(&body), stage_with(state.clone()), why).await;
    }
    let shouted = json!({"configure_flow": CONFIGURE_FLOW.to_uppercase()});
    state = with(state, json!({"configure_flow": CONFIGURE_FLOW}));
    changes(&house, &patch(&shouted), stage_with(state), "kept in the usual spelling").await;
}

#[tokio::test]
async fn an_unknown_reference_is_refused() {
    let house = House::new().await;
    let bare = UNKNOWN.replace('-', "");
    for (body, errors, why) in [
        (json!({"mapping": UNKNOWN}), json!({"mapping": [no_such_row(UNKNOWN)]}), "no mapping"),
        (
            json!({"configure_flow": UNKNOWN, "verify_only": true}),
            json!({"configure_flow": [no_such_row(UNKNOWN)]}),
            "no flow",
        ),
        (json!({"mapping": bare}), json!({"mapping": [no_such_row(&bare)]}), "shown as sent"),
        (
            json!({"mapping": RECOVERY_FLOW}),
            json!({"mapping": [no_such_row(RECOVERY_FLOW)]}),
            "a flow is no mapping",
        ),
        (
            json!({"configure_flow": UNKNOWN, "mapping": UNKNOWN, "flow_set": []}),
            json!({"configure_flow": [no_such_row(UNKNOWN)], "mapping": [no_such_row(UNKNOWN)]}),
            "both, with a flow_set",
        ),
    ] {
        refused(&house, &patch(&body), invalid(errors), why).await;
    }
}

#[tokio::test]
async fn a_reference_that_stays_is_not_looked_at() {
    let house = House::new().await;
    remove(&house, &format!("FLOW#{CONFIGURE_FLOW}")).await;
    for (body, why) in [
        (with(form(), json!({"friendly_name": "1"})), "in a form"),
        (json!({"configure_flow": CONFIGURE_FLOW, "friendly_name": "2"}), "alone"),
        (with(whole_document(), json!({"friendly_name": "3"})), "with a flow_set"),
        (json!({"friendly_name": "4", "mapping": MAPPING}), "when another reference is set"),
    ] {
        let answer = house.send(&patch(&body)).await;
        assert_eq!(answer.status, 200, "{why}: {}", answer.body);
        assert_eq!(answer.body["friendly_name"], body["friendly_name"], "{why}");
        assert_eq!(answer.body["configure_flow"], CONFIGURE_FLOW, "{why}");
    }
    let gone = json!({"configure_flow": null, "mapping": null});
    assert_eq!(house.send(&patch(&gone)).await.status, 200);
    let back = json!({"configure_flow": CONFIGURE_FLOW});
    let errors = json!({"configure_flow": [no_such_row(CONFIGURE_FLOW)]});
    refused(&house, &patch(&back), invalid(errors), "once gone, it does not come back").await;
}

#[tokio::test]
async fn configure_flow_may_name_a_flow_of_the_stage_as_it_will_be() {
    let house = House::new().await;
    remove(&house, &format!("FLOW#{SETUP_FLOW}")).await;
    let slug = "default-authenticator-sms-setup";
    let taken = json!({"configure_flow": SETUP_FLOW, "flow_set": [flow("another")]});
    let errors = invalid(json!({"configure_flow": [no_such_row(SETUP_FLOW)]}));
    refused(&house, &patch(&taken), errors, "it leaves with this very write").await;

    let expected = stage_with(json!({"configure_flow": SETUP_FLOW}));
    let body = json!({"configure_flow": SETUP_FLOW});
    changes(&house, &patch(&body), expected, "it is there, and needs no row").await;

    let kept = with(own_flow(0), flow(slug));
    let body = json!({"configure_flow": SETUP_FLOW, "flow_set": [flow(slug)]});
    let expected = stage_with(json!({"configure_flow": SETUP_FLOW, "flow_set": [kept]}));
    changes(&house, &patch(&body), expected, "it stays, changed").await;
}

#[tokio::test]
async fn all_that_the_table_finds_wrong_is_reported_at_once() {
    let house = House::new().await;
    let body = json!({"mapping": UNKNOWN, "configure_flow": UNKNOWN, "name": "backup-sms"});
    let errors = json!({
        "name": [NAME_TAKEN],
        "configure_flow": [no_such_row(UNKNOWN)],
        "mapping": [no_such_row(UNKNOWN)],
    });
    refused(&house, &patch(&body), invalid(errors.clone()), "one transaction").await;
    let body = with(body, json!({"flow_set": []}));
    refused(&house, &patch(&body), invalid(errors), "with a flow_set").await;
}

#[tokio::test]
async fn what_body_and_table_find_wrong_is_merged_in_the_contracts_order() {
    let house = House::new().await;
    let body = json!({
        "verify_only": "maybe",
        "mapping": UNKNOWN,
        "provider": "x",
        "name": "backup-sms",
        "configure_flow": UNKNOWN,
        "flow_set": [{}],
    });
    let answer = house.send(&patch(&body)).await;
    assert_eq!(answer.status, 400);
    let keys: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    let order =
        ["name", "flow_set", "configure_flow", "provider", "verify_only", "mapping", "code"];
    assert_eq!(keys, order);
    assert_eq!(answer.body["name"], json!([NAME_TAKEN]));
    assert_eq!(answer.body["configure_flow"], json!([no_such_row(UNKNOWN)]));
    assert_eq!(answer.body["provider"], json!(["\"x\" is not a valid choice."]));

    let only_body = invalid(json!({"provider": ["\"x\" is not a valid choice."]}));
    for (body, why) in [
        (json!({"provider": "x", "name": "sms-setup"}), "its own name"),
        (json!({"provider": "x", "name": "free"}), "a free name"),
        (json!({"provider": "x", "configure_flow": CONFIGURE_FLOW}), "what it refers to"),
        (json!({"provider": "x", "configure_flow": SETUP_FLOW}), "a flow of its own"),
        (json!({"provider": "x", "mapping": MAPPING}), "a mapping that is there"),
        (json!({"provider": "x", "mapping": null, "configure_flow": null}), "nothing"),
    ] {
        refused(&house, &patch(&body), only_body.clone(), why).await;
    }
}

#[tokio::test]
async fn a_missing_stage_is_404_unless_the_body_is_bad() {
    let house = House::new().await;
    let missing = (404, detail("not_found", "No AuthenticatorSMSStage matches the given query."));
    let bad = invalid(json!({"provider": ["\"x\" is not a valid choice."]}));
    for (body, expected, why) in [
        (json!({"from_number": "1"}), &missing, "plain"),
        (json!({}), &missing, "empty"),
        (json!({"name": "backup-sms"}), &missing, "a name that is taken"),
        (json!({"mapping": UNKNOWN, "configure_flow": UNKNOWN}), &missing, "unknown references"),
        (json!({"flow_set": []}), &missing, "flow_set"),
        (json!({"auth": "t".repeat(409_590)}), &missing, "a text that no stage has room for"),
        (json!({"auth": "t".repeat(500_000)}), &missing, "a text larger than an item"),
        (json!({"provider": "x"}), &bad, "the body comes first"),
    ] {
        refused(&house, &patch(&body).stage(UNKNOWN), expected.clone(), why).await;
    }
}

#[tokio::test]
async fn flow_set_replaces_the_list() {
    let house = House::new().await;
    let members = json!({
        "name": "Members", "slug": "enroll-members", "title": "Hello", "designation": "recovery",
    });
    let sent = json!([flow("new"), members, flow("newer")]);
    let before = house.snapshot().await;
    let answer = house.send(&patch(&json!({"flow_set": sent}))).await;
    assert_stored(&answer, &before, &house.snapshot().await, "a list");
    let shown = answer.body["flow_set"].clone();
    let expected = json!([
        new_flow("new", &shown[0]),
        // What it does not name stays: keys, background, and the four optional fields.
        with(own_flow(1), members),
        new_flow("newer", &shown[2]),
    ]);
    assert_eq!(answer.whole(), (200, stage_with(json!({"flow_set": expected}))));
    let keys: BTreeSet<Uuid> = [&shown[0], &shown[2]]
        .iter()
        .flat_map(|flow| [&flow["pk"], &flow["policybindingmodel_ptr_id"]])
        .map(|key| key.as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(keys.len(), 4, "every key is new");

    let turned = json!([flow("newer"), flow("new")]);
    let expected = json!([shown[2], shown[0]]);
    let expected = stage_with(json!({"flow_set": expected}));
    let body = json!({"flow_set": turned});
    changes(&house, &patch(&body), expected, "turned around; keys stay with their slugs").await;
    let empty = json!({"flow_set": []});
    changes(&house, &patch(&empty), stage_with(empty.clone()), "empty").await;
    changes(&house, &patch(&empty), stage_with(empty), "and empty again").await;
    let again = house.send(&patch(&json!({"flow_set": [flow("new")]}))).await;
    assert_ne!(again.body["flow_set"][0]["pk"], shown[0]["pk"], "who comes back is new");
}

#[tokio::test]
async fn flow_set_sets_the_optional_fields_that_an_element_names() {
    let house = House::new().await;
    let optional = json!({
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "layout": "content_left",
        "denied_action": "continue",
    });
    let sent = with(flow("enroll-members"), optional.clone());
    let expected = with(own_flow(1), sent.clone());
    let expected = stage_with(json!({"flow_set": [expected], "name": "renamed"}));
    let body = json!({"flow_set": [sent], "name": "renamed"});
    changes(&house, &patch(&body), expected, "together with a rename").await;
}

#[tokio::test]
async fn a_flow_that_leaves_takes_configure_flow_with_it_unless_it_has_a_row() {
    for (has_row, body, expected, why) in [
        (false, json!({"flow_set": []}), Value::Null, "gone with the list"),
        (true, json!({"flow_set": []}), json!(SETUP_FLOW), "its row is there still"),
        (
            false,
            json!({"flow_set": [], "name": "renamed", "mapping": MAPPING}),
            Value::Null,
            "with a rename and a reference",
        ),
        (
            false,
            json!({"flow_set": [], "configure_flow": RECOVERY_FLOW}),
            json!(RECOVERY_FLOW),
            "another takes its place",
        ),
        (false, json!({"flow_set": [], "configure_flow": null}), Value::Null, "cleared"),
    ] {
        let house = House::new().await;
        configure_by_own_flow(&house).await;
        if !has_row {
            remove(&house, &format!("FLOW#{SETUP_FLOW}")).await;
        }
        let state = with(body.clone(), json!({"configure_flow": expected}));
        changes(&house, &patch(&body), stage_with(state), why).await;
    }
}

#[tokio::test]
async fn a_flow_that_leaves_does_not_hide_what_else_is_wrong() {
    let house = House::new().await;
    configure_by_own_flow(&house).await;
    remove(&house, &format!("FLOW#{SETUP_FLOW}")).await;
    let body = json!({"flow_set": [], "name": "backup-sms", "mapping": UNKNOWN});
    let errors = json!({"name": [NAME_TAKEN], "mapping": [no_such_row(UNKNOWN)]});
    refused(&house, &patch(&body), invalid(errors), "").await;
}

#[tokio::test]
async fn an_empty_patch_writes_nothing() {
    let house = House::new().await;
    let before = house.snapshot().await;
    house.tap.operations();
    for body in ["", "{}", r#"{"pk": "x", "component": 1, "unheard_of": null}"#] {
        let answer = house.send(&Request::patch(body)).await;
        assert_eq!(answer.whole(), (200, whole_document()), "{body}");
        assert_eq!(answer.header("etag"), Some(&*entity_tag(&before[&stage_key(STAGE)])));
        assert_eq!(house.tap.operations(), ["GetItem", "GetItem"], "{body}");
    }
    assert_eq!(house.snapshot().await, before);
}

#[tokio::test]
async fn a_put_needs_what_the_model_has_no_default_for() {
    let house = House::new().await;
    let required = ["name", "provider", "from_number", "account_sid", "auth"];
    let errors: Map<String, Value> = required
        .into_iter()
        .map(|field| (field.to_owned(), json!(["This field is required."])))
        .collect();
    let put = |body: Value| patch(&body).method("PUT");
    refused(&house, &put(json!({})), invalid(errors.into()), "all five").await;
    let body = json!({
        "name": "renamed", "provider": "generic", "from_number": "1", "account_sid": "2",
        "auth": "n3w-auth-secret",
    });
    let expected = stage_with(body.clone());
    changes(&house, &put(body), expected, "these do; the others stay").await;
}

/// A kind of write, and what it asks of DynamoDB when nobody comes in between.
pub struct Kind {
    /// What it is.
    pub name: &'static str,
    /// The body.
    pub body: Value,
    /// The operations, but for the look at the token.
    pub operations: &'static [&'static str],
}

/// Every kind of write there is.
pub fn kinds() -> Vec<Kind> {
    let kind = |name, body, operations| Kind { name, body, operations };
    let edit = json!({"friendly_name": "SMS", "verify_only": true});
    vec![
        kind("plain", json!({"from_number": "+15005550001"}), &["UpdateItem"]),
        kind("form", with(form(), edit.clone()), &["UpdateItem"]),
        kind("cleared reference", json!({"configure_flow": null}), &["UpdateItem"]),
        kind("empty", json!({}), &["GetItem"]),
        kind("whole document", with(whole_document(), edit), &["GetItem", "UpdateItem"]),
        kind("flow_set", json!({"flow_set": [flow("new")]}), &["GetItem", "UpdateItem"]),
        kind("rename", json!({"name": "renamed"}), &["UpdateItem", "TransactWriteItems"]),
        kind("mapping", json!({"mapping": MAPPING}), &["UpdateItem", "TransactWriteItems"]),
        kind(
            "configure_flow",
            json!({"configure_flow": RECOVERY_FLOW}),
            &["UpdateItem", "TransactWriteItems"],
        ),
        kind(
            "own flow as configure_flow",
            json!({"configure_flow": SETUP_FLOW}),
            &["UpdateItem", "UpdateItem"],
        ),
        kind(
            "everything",
            json!({"name": "renamed", "mapping": MAPPING, "configure_flow": RECOVERY_FLOW,
                "flow_set": [flow("new")], "auth": "n3w-auth-secret"}),
            &["GetItem", "TransactWriteItems"],
        ),
    ]
}

#[tokio::test]
async fn every_kind_of_write_asks_dynamodb_as_often_as_is_promised() {
    let token_memory = std::time::Duration::from_secs(60);
    for Kind { name, body, operations } in kinds() {
        let house = House::new().await;
        assert_eq!(house.send(&patch(&body)).await.status, 200, "{name}");
        let asked = house.tap.operations();
        assert_eq!(asked[0], "GetItem", "{name}: the token");
        assert_eq!(asked[1..], *operations, "{name}: the token was not known");

        let house = House::build(Plan { token_memory, ..Plan::default() }).await;
        assert_eq!(house.send(&Request::get()).await.status, 200);
        house.tap.operations();
        assert_eq!(house.send(&patch(&body)).await.status, 200, "{name}");
        assert_eq!(house.tap.operations(), operations, "{name}: the token was known");
    }
}

/// The one kind that takes one call more. Whether a flow that leaves has a row is seen in the
/// transaction that would keep the reference to it; when it has none, that was in vain.
#[tokio::test]
async fn a_flow_that_leaves_and_has_no_row_takes_one_call_more() {
    for (has_row, operations) in [
        (true, &["GetItem", "GetItem", "TransactWriteItems"][..]),
        (false, &["GetItem", "GetItem", "TransactWriteItems", "UpdateItem"]),
    ] {
        let house = House::new().await;
        configure_by_own_flow(&house).await;
        if !has_row {
            remove(&house, &format!("FLOW#{SETUP_FLOW}")).await;
        }
        let answer = house.send(&patch(&json!({"flow_set": []}))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(house.tap.operations(), operations);
    }
}

/// Flows that take this much room in a body, and somewhat more in an item.
fn flows_of(kilobytes: usize) -> Value {
    (0..kilobytes).map(|n| with(flow(&format!("flow-{n}")), json!({"title": kilobyte()}))).collect()
}

fn kilobyte() -> String {
    "t".repeat(1024)
}

#[tokio::test]
async fn an_item_over_400_kb_is_refused_and_the_field_is_named() {
    let house = House::new().await;
    let stored = patch(&json!({"from_number": "n".repeat(150 * 1024)}));
    assert_eq!(house.send(&stored).await.status, 200);
    let text = |kilobytes: usize| "t".repeat(kilobytes * 1024);
    for (body, field, why) in [
        (json!({"friendly_name": text(300)}), "friendly_name", "with what is stored"),
        (json!({"auth": text(401)}), "auth", "by itself"),
        (json!({"auth_password": text(399)}), "auth_password", "nearly by itself"),
        (json!({"auth": text(120), "account_sid": text(140)}), "account_sid", "two: the longer"),
        (json!({"name": text(300)}), "name", "a rename, with what is stored"),
        (json!({"name": text(401)}), "name", "a rename, by itself"),
        (json!({"name": text(300), "mapping": MAPPING}), "name", "and a reference"),
        (json!({"flow_set": flows_of(300)}), "flow_set", "many flows"),
        (json!({"flow_set": flows_of(300), "name": "renamed"}), "flow_set", "and a rename"),
        (json!({"flow_set": flows_of(300), "auth": text(401)}), "auth", "a text that never fits"),
    ] {
        refused(&house, &patch(&body), invalid(json!({field: [TOO_LARGE]})), why).await;
    }
}

/// The name stands in the lock, too, which is judged before the stage is.
#[tokio::test]
async fn a_name_whose_lock_alone_is_over_400_kb_is_refused_as_well() {
    let house = House::new().await;
    let body = json!({"name": "n".repeat(409_550)});
    refused(&house, &patch(&body), invalid(json!({"name": [TOO_LARGE]})), "").await;
}

#[tokio::test]
async fn an_item_just_under_400_kb_is_stored() {
    // The fixture's stage takes some two kilobytes without this.
    let text = "t".repeat(396 * 1024);
    for field in ["from_number", "name"] {
        let house = House::new().await;
        let body = json!({field: text});
        changes(&house, &patch(&body), stage_with(body), field).await;
    }
    let house = House::new().await;
    let answer = house.send(&patch(&json!({"flow_set": flows_of(250)}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["flow_set"].as_array().unwrap().len(), 250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_that_patch_different_fields_both_win() {
    let house = House::new().await;
    for round in 0..50 {
        let (number, name) = (format!("+{round}"), format!("name {round}"));
        // A form names the other's fields, too; then who comes last wins those.
        let is_form = round % 2 == 1;
        let rest = if is_form { form() } else { json!({}) };
        let one = patch(&with(rest, json!({"from_number": number})));
        let other = patch(&json!({"friendly_name": name, "verify_only": round % 3 == 0}));
        let (one, other) = tokio::join!(house.send(&one), house.send(&other));
        assert_eq!((one.status, other.status), (200, 200));
        let snapshot = house.snapshot().await;
        let stage = document(&snapshot[&stage_key(STAGE)]);
        assert_eq!(stage["from_number"], number);
        if !is_form {
            assert_eq!(stage["friendly_name"], name);
        }
        assert_eq!(revision(&snapshot[&stage_key(STAGE)]), 1 + 2 * (round + 1));
        assert_ne!(one.header("etag"), other.header("etag"), "each saw its own write");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_renames_that_race_for_one_name_exactly_one_wins() {
    let house = House::new().await;
    for round in 0..20 {
        let body = json!({"name": format!("wanted {round}")});
        let rename = |stage| patch(&body).stage(stage);
        let (first, second, third) = (rename(STAGE), rename(OTHER_STAGE), rename(THIRD_STAGE));
        let (first, second, third) =
            tokio::join!(house.send(&first), house.send(&second), house.send(&third));
        let answers = [first, second, third];
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        let lost = answers
            .iter()
            .filter(|answer| answer.whole() == invalid(json!({"name": [NAME_TAKEN]})))
            .count();
        assert_eq!((won, lost), (1, 2), "round {round}");
        assert_eq!(check_invariants(&house.snapshot().await), Ok(()), "round {round}");
    }
}

#[tokio::test]
async fn a_stages_item_has_this_form() {
    let house = House::new().await;
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let loaded = house.snapshot().await;
    assert_eq!(document(&loaded[&stage_key(STAGE)]), fixture["stages"][0]);
    assert_eq!(house.send(&patch(&json!({"name": "renamed"}))).await.status, 200);
    let item = &house.snapshot().await[&stage_key(STAGE)];
    let attributes: BTreeSet<_> = item.keys().map(String::as_str).collect();
    let expected = BTreeSet::from([
        "partition_key",
        "revision",
        "write_ids",
        "name",
        "flow_set",
        "configure_flow",
        "friendly_name",
        "provider",
        "from_number",
        "account_sid",
        "auth",
        "auth_password",
        "auth_type",
        "verify_only",
        "mapping",
    ]);
    assert_eq!(attributes, expected);
    assert_eq!(item["revision"], AttributeValue::N("2".to_owned()));
    assert_eq!(item["mapping"], AttributeValue::Null(true), "null is kept as null");
    assert_eq!(item["verify_only"], AttributeValue::Bool(false));
    let ids = write_ids(item);
    assert_eq!(ids.len(), 4);
    for id in ids {
        let is_id = id.len() == 32 && id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        assert!(is_id, "{id} is 32 hex digits");
    }
}
