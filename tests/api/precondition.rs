//! `ETag`, `If-Match` and `If-None-Match`: a request that names a version changes that version or
//! nothing.

mod if_none_match;

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, MAPPING, OTHER_STAGE, Request, STAGE, TestApp, UNKNOWN, assert_refused,
    check_invariants, detail, document, entity_tag, flow, library, not_found, stage_with,
    write_ids,
};

/// A version that no stage ever had.
const FOREIGN: &str = "\"7-0123abcd\"";

fn patch(body: &Value, if_match: &str) -> Request {
    Request::patch(body.to_string()).header("If-Match", if_match)
}

fn precondition_failed() -> (u16, Value) {
    let text = "The stage has changed since the version in If-Match, or If-None-Match excludes \
                its version.";
    (412, detail("precondition_failed", text))
}

fn malformed() -> (u16, Value) {
    let text = "If-Match and If-None-Match take \"*\" or a list of quoted entity tags.";
    (400, detail("bad_request", text))
}

/// The tag of the first stage's current version.
async fn current(app: &TestApp) -> String {
    entity_tag(&app.snapshot().await[&Key::stage(STAGE)])
}

/// `count` tags of other versions.
fn foreign(count: usize) -> String {
    (0..count).map(|n| format!("\"{n}-0123abcd\"")).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn the_named_version_is_changed() {
    let plain = json!({"from_number": "+15005550001"});
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let tag = current(&app).await;
    let nine = format!("{}, {tag}", foreign(8));
    let one_call = &["GetItem", "UpdateItem"][..];
    let read_first = &["GetItem", "GetItem", "UpdateItem"][..];
    let transaction = &["GetItem", "UpdateItem", "TransactWriteItems"][..];
    for (if_match, body, operations, why) in [
        (tag.clone(), &plain, one_call, "one tag"),
        ("*".to_owned(), &plain, one_call, "any version"),
        (format!("{FOREIGN}, {tag}"), &plain, one_call, "one of two"),
        (format!("{tag},W/{tag},\"x\""), &plain, one_call, "other tags are ignored"),
        (format!(" , {tag}\t,, "), &plain, one_call, "empty members are ignored"),
        (format!("{}, {tag}", foreign(7)), &plain, one_call, "one of eight"),
        (nine.clone(), &plain, read_first, "one of nine: too many for a condition"),
        (tag.clone(), &json!({"flow_set": []}), read_first, "a flow_set"),
        (nine, &json!({"flow_set": []}), read_first, "a flow_set, one of nine"),
        (tag.clone(), &json!({"name": "renamed"}), transaction, "a rename"),
        ("*".to_owned(), &json!({"mapping": MAPPING}), transaction, "a reference"),
    ] {
        app.dynamodb.operations();
        let answer = app.send(&patch(body, &if_match)).await;
        assert_eq!(answer.status_and_body(), (200, stage_with(body.clone())), "{why}");
        assert_eq!(app.dynamodb.operations(), operations, "{why}");
        let item = &app.snapshot().await[&Key::stage(STAGE)];
        assert_eq!(document(item), answer.body, "{why}");
        assert_eq!(answer.header("etag"), Some(&*entity_tag(item)), "{why}");
        assert_ne!(answer.header("etag"), Some(&*tag), "{why}: it is a new version");
        app.restore(&before).await;
    }
}

#[tokio::test]
async fn another_version_is_not_changed() {
    let app = TestApp::new().await;
    let old = current(&app).await;
    let answer = app.send(&Request::patch(r#"{"friendly_name": "newer"}"#)).await;
    let tag = answer.header("etag").unwrap().to_owned();
    let other = entity_tag(&app.snapshot().await[&Key::stage(OTHER_STAGE)]);
    let long_id = write_ids(&app.snapshot().await[&Key::stage(STAGE)])[0].clone();
    let inside = tag.trim_matches('"');
    for (if_match, why) in [
        (old.clone(), "an earlier version"),
        (other, "the version of another stage"),
        (format!("W/{tag}"), "weak tags never match"),
        (format!("W/{tag}, {old}"), "nor in a list"),
        (FOREIGN.to_owned(), "a version that no stage ever had"),
        ("\"abc\"".to_owned(), "not a tag of a stage"),
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
            assert_refused(&app, &patch(&body, &if_match), precondition_failed(), &why).await;
        }
    }
}

#[tokio::test]
async fn the_version_is_checked_after_the_body_and_before_the_table() {
    let app = TestApp::new().await;
    let taken = json!({"name": "backup-sms"});
    let unknown = json!({"mapping": UNKNOWN, "configure_flow": UNKNOWN});
    let too_large = json!({"auth": "t".repeat(409_590)});
    for (body, why) in [
        (&taken, "a taken name"),
        (&unknown, "unknown references"),
        (&too_large, "more than fits into an item"),
    ] {
        assert_refused(&app, &patch(body, FOREIGN), precondition_failed(), why).await;
    }
    let bad = json!({"provider": "x"});
    let expected = json!({"provider": ["\"x\" is not a valid choice."], "code": "invalid"});
    assert_refused(
        &app,
        &patch(&bad, FOREIGN),
        (400, expected),
        "an invalid body is reported first",
    )
    .await;
    assert_refused(
        &app,
        &patch(&bad, "abc"),
        malformed(),
        "a malformed header is reported before that",
    )
    .await;
}

#[tokio::test]
async fn a_missing_stage_is_404_for_every_version() {
    let app = TestApp::new().await;
    let tag = current(&app).await;
    let missing = not_found();
    for if_match in ["*", &*tag, FOREIGN, "W/\"1-0123abcd\"", "\"abc\"", &*foreign(9)] {
        for body in [json!({"from_number": "1"}), json!({"flow_set": []}), json!({})] {
            let request = patch(&body, if_match).stage(UNKNOWN);
            assert_refused(&app, &request, missing.clone(), if_match).await;
        }
    }
}

#[tokio::test]
async fn a_header_that_is_not_a_list_of_tags_is_400() {
    let app = TestApp::new().await;
    let tag = current(&app).await;
    for (header, why) in [
        ("", "empty"),
        (" , ", "only commas"),
        (tag.trim_matches('"'), "no quotes"),
        ("\"abc", "no second quote"),
        ("\"a\" \"b\"", "no comma"),
        ("\"a\"b", "something after the quote"),
        ("\"a b\"", "a space in a tag"),
        ("w/\"a\"", "W is upper case"),
        ("W/ \"a\"", "a space between W/ and the quote"),
        ("*, \"a\"", "any, and one"),
        ("**", "any, twice"),
        ("\"*\", *", "any in a list"),
    ] {
        let request = patch(&json!({"from_number": "1"}), header);
        assert_refused(&app, &request, malformed(), why).await;
        assert_refused(&app, &patch(&json!({}), header), malformed(), why).await;
        let get = Request::get().header("If-None-Match", header);
        assert_refused(&app, &get, malformed(), why).await;
    }
}

#[tokio::test]
async fn an_empty_patch_with_the_current_version_shows_the_stage() {
    let app = TestApp::new().await;
    let tag = current(&app).await;
    for if_match in [&*tag, "*", &*format!("{}, {tag}", foreign(9))] {
        let answer = app.send(&patch(&json!({}), if_match)).await;
        assert_eq!(answer.status_and_body(), (200, stage_with(json!({}))), "{if_match}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{if_match}");
    }
}

#[tokio::test]
async fn a_get_of_the_current_version_is_304() {
    let app = TestApp::new().await;
    let tag = current(&app).await;
    for (header, is_known, why) in [
        (tag.clone(), true, "the tag"),
        (format!("W/{tag}"), true, "a gateway that compresses makes it weak"),
        (format!("{FOREIGN}, {tag}"), true, "one of two"),
        (format!("{}, {tag}", foreign(20)), true, "one of many"),
        ("*".to_owned(), true, "any version"),
        (FOREIGN.to_owned(), false, "another"),
        ("\"abc\"".to_owned(), false, "not a tag of a stage"),
    ] {
        let get = Request::get().header("If-None-Match", &*header);
        let answer = app.send(&get).await;
        let expected = if is_known { (304, Value::Null) } else { (200, stage_with(json!({}))) };
        assert_eq!(answer.status_and_body(), expected, "{why}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{why}");
        let missing = app.send(&get.stage(UNKNOWN)).await;
        assert_eq!(missing.status, 404, "{why}, without a stage");
    }
}

/// The revision is the same again; the tag is not.
#[tokio::test]
async fn a_stage_that_is_loaded_again_has_a_new_version() {
    let app = TestApp::new().await;
    let old = current(&app).await;
    app.delete_item(&Key::stage(STAGE)).await;
    app.delete_item(&Key::name("sms-setup")).await;
    library::load(&app.table, FIXTURE).await;
    let new = current(&app).await;
    assert_eq!(old.split('-').next(), new.split('-').next(), "the same revision");
    for body in [json!({"from_number": "1"}), json!({"flow_set": []}), json!({})] {
        let why = body.to_string();
        assert_refused(&app, &patch(&body, &old), precondition_failed(), &why).await;
    }
    let get = Request::get().header("If-None-Match", &*old);
    assert_eq!(app.send(&get).await.status, 200, "the old version is not current");
}

#[tokio::test]
async fn after_a_restore_of_the_table_an_old_tag_does_not_match_new_content() {
    let app = TestApp::new().await;
    let backup = app.snapshot().await;
    let write = Request::patch(r#"{"friendly_name": "before"}"#);
    let lost = app.send(&write).await.header("etag").unwrap().to_owned();
    app.restore(&backup).await;
    let write = Request::patch(r#"{"friendly_name": "after"}"#);
    let new = app.send(&write).await.header("etag").unwrap().to_owned();
    assert_eq!(lost.split('-').next(), new.split('-').next(), "the same revision");
    let request = patch(&json!({"from_number": "1"}), &lost);
    assert_refused(&app, &request, precondition_failed(), "the version that the restore removed")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_clients_that_name_the_same_version_succeeds() {
    let app = TestApp::new().await;
    for round in 0..20 {
        let tag = current(&app).await;
        let number = patch(&json!({"from_number": format!("+{round}")}), &tag);
        let flows = patch(&json!({"flow_set": [flow(&format!("flow-{round}"))]}), &tag);
        let rename = patch(&json!({"name": format!("name {round}")}), &tag);
        let (number, flows, rename) =
            tokio::join!(app.send(&number), app.send(&flows), app.send(&rename));
        let answers = [number, flows, rename];
        let lost = answers
            .iter()
            .filter(|answer| answer.status_and_body() == precondition_failed())
            .count();
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!((won.len(), lost), (1, 2), "round {round}");
        let snapshot = app.snapshot().await;
        assert_eq!(document(&snapshot[&Key::stage(STAGE)]), won[0].body, "round {round}");
        assert_eq!(check_invariants(&snapshot), Ok(()), "round {round}");
    }
}
