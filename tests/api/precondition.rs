//! `ETag`, `If-Match` and `If-None-Match`: whoever names a version changes that version or nothing.

use authenticator_sms_stage::store::documents::Documents;
use serde_json::{Value, json};

use crate::{
    harness::{FIXTURE, House, OTHER_STAGE, Request, STAGE, detail, stage_with},
    writing::{
        MAPPING, UNKNOWN, check_invariants, document, entity_tag, flow, name_key, remove,
        stage_key, write_ids,
    },
};

/// A version that no stage ever was.
const FOREIGN: &str = "\"7-0123abcd\"";

fn patch(body: &Value, if_match: &str) -> Request {
    Request::patch(body.to_string()).header("If-Match", if_match)
}

fn precondition_failed() -> (u16, Value) {
    let text = "The stage is not the version that If-Match names.";
    (412, detail("precondition_failed", text))
}

fn malformed() -> (u16, Value) {
    let text = "If-Match and If-None-Match take \"*\" or a list of quoted entity tags.";
    (400, detail("bad_request", text))
}

/// The tag of the first stage as it is.
async fn current(house: &House) -> String {
    entity_tag(&house.snapshot().await[&stage_key(STAGE)])
}

/// This many tags that are not the stage's.
fn foreign(count: usize) -> String {
    (0..count).map(|n| format!("\"{n}-0123abcd\"")).collect::<Vec<_>>().join(", ")
}

async fn refused(house: &House, request: &Request, expected: (u16, Value), why: &str) {
    let before = house.snapshot().await;
    let answer = house.send(request).await;
    assert_eq!(answer.whole(), expected, "{why}");
    assert_eq!(answer.header("etag"), None, "{why}");
    assert_eq!(house.snapshot().await, before, "{why}: nothing has changed");
}

#[tokio::test]
async fn the_version_that_is_named_is_changed() {
    let plain = json!({"from_number": "+15005550001"});
    let house = House::new().await;
    let before = house.snapshot().await;
    let tag = current(&house).await;
    let nine = format!("{}, {tag}", foreign(8));
    let one_call = &["GetItem", "UpdateItem"][..];
    let read_first = &["GetItem", "GetItem", "UpdateItem"][..];
    let transaction = &["GetItem", "UpdateItem", "TransactWriteItems"][..];
    for (if_match, body, operations, why) in [
        (tag.clone(), &plain, one_call, "one tag"),
        ("*".to_owned(), &plain, one_call, "any version"),
        (format!("{FOREIGN}, {tag}"), &plain, one_call, "one of two"),
        (format!("{tag},W/{tag},\"x\""), &plain, one_call, "others count for nothing"),
        (format!(" , {tag}\t,, "), &plain, one_call, "empty members count for nothing"),
        (format!("{}, {tag}", foreign(7)), &plain, one_call, "one of eight"),
        (nine.clone(), &plain, read_first, "one of nine: too many for a condition"),
        (tag.clone(), &json!({"flow_set": []}), read_first, "a flow_set"),
        (nine, &json!({"flow_set": []}), read_first, "a flow_set, one of nine"),
        (tag.clone(), &json!({"name": "renamed"}), transaction, "a rename"),
        ("*".to_owned(), &json!({"mapping": MAPPING}), transaction, "a reference"),
    ] {
        house.tap.operations();
        let answer = house.send(&patch(body, &if_match)).await;
        assert_eq!(answer.whole(), (200, stage_with(body.clone())), "{why}");
        assert_eq!(house.tap.operations(), operations, "{why}");
        let item = &house.snapshot().await[&stage_key(STAGE)];
        assert_eq!(document(item), answer.body, "{why}");
        assert_eq!(answer.header("etag"), Some(&*entity_tag(item)), "{why}");
        assert_ne!(answer.header("etag"), Some(&*tag), "{why}: it is another version now");
        house.restore(&before).await;
    }
}

#[tokio::test]
async fn another_version_is_left_alone() {
    let house = House::new().await;
    let old = current(&house).await;
    let answer = house.send(&Request::patch(r#"{"friendly_name": "newer"}"#)).await;
    let tag = answer.header("etag").unwrap().to_owned();
    let other = entity_tag(&house.snapshot().await[&stage_key(OTHER_STAGE)]);
    let long_id = write_ids(&house.snapshot().await[&stage_key(STAGE)])[0].clone();
    let inside = tag.trim_matches('"');
    for (if_match, why) in [
        (old.clone(), "it was this once"),
        (other, "another stage is this"),
        (format!("W/{tag}"), "weak tags never match"),
        (format!("W/{tag}, {old}"), "nor in a list"),
        (FOREIGN.to_owned(), "no stage ever was this"),
        ("\"abc\"".to_owned(), "none of our tags"),
        ("\"\"".to_owned(), "an empty tag"),
        (foreign(8), "eight"),
        (foreign(9), "nine"),
        (foreign(300), "three hundred"),
        (format!("\"0{inside}\""), "another spelling of the number"),
        (format!("\"{}\"", &inside[..inside.len() - 1]), "a part of the tag"),
        (format!("\"2-{long_id}\""), "more than the tag"),
    ] {
        for body in [
            json!({"from_number": "+15005550001"}),
            json!({"name": "renamed"}),
            json!({"flow_set": []}),
            json!({}),
        ] {
            let why = format!("{why}, with {body}");
            refused(&house, &patch(&body, &if_match), precondition_failed(), &why).await;
        }
    }
}

#[tokio::test]
async fn the_version_is_looked_at_after_the_body_and_before_the_table() {
    let house = House::new().await;
    let taken = json!({"name": "backup-sms"});
    let unknown = json!({"mapping": UNKNOWN, "configure_flow": UNKNOWN});
    let too_large = json!({"auth": "t".repeat(409_590)});
    for (body, why) in [
        (&taken, "a taken name"),
        (&unknown, "unknown references"),
        (&too_large, "more than an item holds"),
    ] {
        refused(&house, &patch(body, FOREIGN), precondition_failed(), why).await;
    }
    let bad = json!({"provider": "x"});
    let expected = json!({"provider": ["\"x\" is not a valid choice."], "code": "invalid"});
    refused(&house, &patch(&bad, FOREIGN), (400, expected), "a bad body comes first").await;
    refused(&house, &patch(&bad, "abc"), malformed(), "a header that cannot be read, before").await;
}

#[tokio::test]
async fn a_missing_stage_is_404_whatever_version_is_named() {
    let house = House::new().await;
    let tag = current(&house).await;
    let missing = (404, detail("not_found", "No AuthenticatorSMSStage matches the given query."));
    for if_match in ["*", &*tag, FOREIGN, "W/\"1-0123abcd\"", "\"abc\"", &*foreign(9)] {
        for body in [json!({"from_number": "1"}), json!({"flow_set": []}), json!({})] {
            let request = patch(&body, if_match).stage(UNKNOWN);
            refused(&house, &request, missing.clone(), if_match).await;
        }
    }
}

#[tokio::test]
async fn a_header_that_is_no_list_of_tags_is_400() {
    let house = House::new().await;
    let tag = current(&house).await;
    for (header, why) in [
        ("", "nothing"),
        (" , ", "nothing but commas"),
        (tag.trim_matches('"'), "no quotes"),
        ("\"abc", "no second quote"),
        ("\"a\" \"b\"", "no comma"),
        ("\"a\"b", "something after the quote"),
        ("\"a b\"", "a space in a tag"),
        ("w/\"a\"", "W is upper case"),
        ("W/ \"a\"", "nothing comes between W/ and the quote"),
        ("*, \"a\"", "any, and one"),
        ("**", "any, twice"),
        ("\"*\", *", "any in a list"),
    ] {
        let request = patch(&json!({"from_number": "1"}), header);
        refused(&house, &request, malformed(), why).await;
        refused(&house, &patch(&json!({}), header), malformed(), why).await;
        let get = Request::get().header("If-None-Match", header);
        refused(&house, &get, malformed(), why).await;
    }
}

#[tokio::test]
async fn an_empty_patch_of_the_named_version_shows_it() {
    let house = House::new().await;
    let tag = current(&house).await;
    for if_match in [&*tag, "*", &*format!("{}, {tag}", foreign(9))] {
        let answer = house.send(&patch(&json!({}), if_match)).await;
        assert_eq!(answer.whole(), (200, stage_with(json!({}))), "{if_match}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{if_match}");
    }
}

#[tokio::test]
async fn a_get_of_a_known_version_is_304() {
    let house = House::new().await;
    let tag = current(&house).await;
    for (header, is_known, why) in [
        (tag.clone(), true, "the tag"),
        (format!("W/{tag}"), true, "a gateway that compresses makes it weak"),
        (format!("{FOREIGN}, {tag}"), true, "one of two"),
        (format!("{}, {tag}", foreign(20)), true, "one of many"),
        ("*".to_owned(), true, "any version"),
        (FOREIGN.to_owned(), false, "another"),
        ("\"abc\"".to_owned(), false, "none of our tags"),
    ] {
        let get = Request::get().header("If-None-Match", &*header);
        let answer = house.send(&get).await;
        let expected = if is_known { (304, Value::Null) } else { (200, stage_with(json!({}))) };
        assert_eq!(answer.whole(), expected, "{why}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{why}");
        let missing = house.send(&get.stage(UNKNOWN)).await;
        assert_eq!(missing.status, 404, "{why}, of no stage");
    }
}

/// The revision alone would come again.
#[tokio::test]
async fn a_stage_that_is_loaded_again_is_no_version_that_it_was_before() {
    let house = House::new().await;
    let old = current(&house).await;
    remove(&house, &stage_key(STAGE)).await;
    remove(&house, &name_key("sms-setup")).await;
    Documents::parse(FIXTURE).unwrap().load(&house.table).await.unwrap();
    let new = current(&house).await;
    assert_eq!(old.split('-').next(), new.split('-').next(), "the same revision");
    for body in [json!({"from_number": "1"}), json!({"flow_set": []}), json!({})] {
        let why = body.to_string();
        refused(&house, &patch(&body, &old), precondition_failed(), &why).await;
    }
    let get = Request::get().header("If-None-Match", &*old);
    assert_eq!(house.send(&get).await.status, 200, "nor is it known");
}

#[tokio::test]
async fn a_table_that_is_restored_does_not_make_an_old_tag_match_new_content() {
    let house = House::new().await;
    let backup = house.snapshot().await;
    let write = Request::patch(r#"{"friendly_name": "before"}"#);
    let lost = house.send(&write).await.header("etag").unwrap().to_owned();
    house.restore(&backup).await;
    let write = Request::patch(r#"{"friendly_name": "after"}"#);
    let new = house.send(&write).await.header("etag").unwrap().to_owned();
    assert_eq!(lost.split('-').next(), new.split('-').next(), "the same revision");
    let request = patch(&json!({"from_number": "1"}), &lost);
    refused(&house, &request, precondition_failed(), "what was restored over").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_clients_that_name_the_same_version_exactly_one_wins() {
    let house = House::new().await;
    for round in 0..20 {
        let tag = current(&house).await;
        let number = patch(&json!({"from_number": format!("+{round}")}), &tag);
        let flows = patch(&json!({"flow_set": [flow(&format!("flow-{round}"))]}), &tag);
        let rename = patch(&json!({"name": format!("name {round}")}), &tag);
        let (number, flows, rename) =
            tokio::join!(house.send(&number), house.send(&flows), house.send(&rename));
        let answers = [number, flows, rename];
        let lost = answers.iter().filter(|answer| answer.whole() == precondition_failed()).count();
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!((won.len(), lost), (1, 2), "round {round}");
        let snapshot = house.snapshot().await;
        assert_eq!(document(&snapshot[&stage_key(STAGE)]), won[0].body, "round {round}");
        assert_eq!(check_invariants(&snapshot), Ok(()), "round {round}");
    }
}
