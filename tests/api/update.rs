//! PUT and PATCH: the answer and the stored item of every kind of update.

mod calls;
mod flow_set;
mod name;
mod references;
mod size;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};

use crate::harness::{
    CONFIGURE_FLOW, FIXTURE, Key, MAPPING, NAME_TAKEN, Request, SETUP_FLOW, STAGE, TestApp,
    UNKNOWN, assert_refused, assert_updated, document, does_not_exist, entity_tag, form, invalid,
    key, not_found, revision, stage_with, whole_document, with, write_ids,
};

#[tokio::test]
async fn a_patch_changes_only_the_fields_that_it_contains() {
    for (body, why) in [
        (json!({"from_number": "+15005550001"}), "one text"),
        (json!({"friendly_name": "SMS"}), "a text that may be null"),
        (json!({"friendly_name": null}), "null clears it"),
        (json!({"auth": "n3w-auth-secret", "auth_password": ""}), "credentials"),
        (json!({"provider": "generic", "auth_type": "bearer"}), "choices"),
        (json!({"verify_only": true}), "a boolean"),
        (json!({"account_sid": "https://sms.example.com/", "from_number": "é☎"}), "any script"),
        (json!({"configure_flow": null, "mapping": null}), "clearing a reference needs no row"),
        (json!({"from_number": "+15005550006"}), "an equal value is written again"),
    ] {
        let app = TestApp::new().await;
        assert_updated(&app, &Request::patch_json(&body), stage_with(body), why).await;
    }
}

#[tokio::test]
async fn a_document_sent_back_changes_the_fields_that_differ() {
    let edit = json!({"friendly_name": "SMS", "verify_only": true});
    for (body, why) in [
        (with(form(), edit.clone()), "the form"),
        (with(whole_document(), edit.clone()), "the whole document"),
    ] {
        let app = TestApp::new().await;
        assert_updated(&app, &Request::patch_json(&body), stage_with(edit.clone()), why).await;
        let put = Request::patch_json(&body).method("PUT");
        assert_updated(&app, &put, stage_with(edit.clone()), "a PUT of the same").await;
    }
}

#[tokio::test]
async fn all_errors_from_the_table_are_reported_at_once() {
    let app = TestApp::new().await;
    let body = json!({"mapping": UNKNOWN, "configure_flow": UNKNOWN, "name": "backup-sms"});
    let errors = json!({
        "name": [NAME_TAKEN],
        "configure_flow": [does_not_exist(UNKNOWN)],
        "mapping": [does_not_exist(UNKNOWN)],
    });
    assert_refused(&app, &Request::patch_json(&body), invalid(errors.clone()), "one transaction")
        .await;
    let body = with(body, json!({"flow_set": []}));
    assert_refused(&app, &Request::patch_json(&body), invalid(errors), "with a flow_set").await;
}

#[tokio::test]
async fn errors_from_the_body_and_from_the_table_are_reported_together_in_the_contracts_order() {
    let app = TestApp::new().await;
    let body = json!({
        "verify_only": "maybe",
        "mapping": UNKNOWN,
        "provider": "x",
        "name": "backup-sms",
        "configure_flow": UNKNOWN,
        "flow_set": [{}],
    });
    let answer = app.send(&Request::patch_json(&body)).await;
    assert_eq!(answer.status, 400);
    let keys: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    let order =
        ["name", "flow_set", "configure_flow", "provider", "verify_only", "mapping", "code"];
    assert_eq!(keys, order);
    assert_eq!(answer.body["name"], json!([NAME_TAKEN]));
    assert_eq!(answer.body["configure_flow"], json!([does_not_exist(UNKNOWN)]));
    assert_eq!(answer.body["provider"], json!(["\"x\" is not a valid choice."]));

    let only_body = invalid(json!({"provider": ["\"x\" is not a valid choice."]}));
    for (body, why) in [
        (json!({"provider": "x", "name": "sms-setup"}), "its own name"),
        (json!({"provider": "x", "name": "free"}), "a free name"),
        (json!({"provider": "x", "configure_flow": CONFIGURE_FLOW}), "its own reference"),
        (json!({"provider": "x", "configure_flow": SETUP_FLOW}), "a flow of its own flow_set"),
        (json!({"provider": "x", "mapping": MAPPING}), "an existing mapping"),
        (json!({"provider": "x", "mapping": null, "configure_flow": null}), "cleared references"),
    ] {
        assert_refused(&app, &Request::patch_json(&body), only_body.clone(), why).await;
    }
}

#[tokio::test]
async fn a_missing_stage_is_answered_404_unless_the_body_is_invalid() {
    let app = TestApp::new().await;
    let missing = not_found();
    let bad = invalid(json!({"provider": ["\"x\" is not a valid choice."]}));
    for (body, expected, why) in [
        (json!({"from_number": "1"}), &missing, "plain"),
        (json!({}), &missing, "empty"),
        (json!({"name": "backup-sms"}), &missing, "a name that is taken"),
        (json!({"mapping": UNKNOWN, "configure_flow": UNKNOWN}), &missing, "unknown references"),
        (json!({"flow_set": []}), &missing, "flow_set"),
        (json!({"auth": "t".repeat(409_590)}), &missing, "a text too large for any stage"),
        (json!({"auth": "t".repeat(500_000)}), &missing, "a text larger than an item"),
        (json!({"provider": "x"}), &bad, "the body is checked first"),
    ] {
        assert_refused(&app, &Request::patch_json(&body).stage(UNKNOWN), expected.clone(), why)
            .await;
    }
}

#[tokio::test]
async fn an_empty_patch_writes_nothing() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    app.dynamodb.operations();
    for body in ["", "{}", r#"{"pk": "x", "component": 1, "unheard_of": null}"#] {
        let answer = app.send(&Request::patch(body)).await;
        assert_eq!(answer.status_and_body(), (200, whole_document()), "{body}");
        assert_eq!(answer.header("etag"), Some(&*entity_tag(&before[&Key::stage(STAGE)])));
        assert_eq!(app.dynamodb.operations(), ["GetItem", "GetItem"], "{body}");
    }
    assert_eq!(app.snapshot().await, before);
}

#[tokio::test]
async fn a_put_requires_the_fields_without_a_default() {
    let app = TestApp::new().await;
    let required = ["name", "provider", "from_number", "account_sid", "auth"];
    let errors: Map<String, Value> = required
        .into_iter()
        .map(|field| (field.to_owned(), json!(["This field is required."])))
        .collect();
    let put = |body: Value| Request::patch_json(&body).method("PUT");
    assert_refused(&app, &put(json!({})), invalid(errors.into()), "all five").await;
    let body = json!({
        "name": "renamed", "provider": "generic", "from_number": "1", "account_sid": "2",
        "auth": "n3w-auth-secret",
    });
    let expected = stage_with(body.clone());
    assert_updated(&app, &put(body), expected, "these are enough; others are kept").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_that_patch_different_fields_both_succeed() {
    let app = TestApp::new().await;
    for round in 0..50 {
        let (number, name) = (format!("+{round}"), format!("name {round}"));
        // A form also contains the other client's fields; for those, the last write wins.
        let is_form = round % 2 == 1;
        let rest = if is_form { form() } else { json!({}) };
        let one = Request::patch_json(&with(rest, json!({"from_number": number})));
        let other =
            Request::patch_json(&json!({"friendly_name": name, "verify_only": round % 3 == 0}));
        let (one, other) = tokio::join!(app.send(&one), app.send(&other));
        assert_eq!((one.status, other.status), (200, 200));
        let snapshot = app.snapshot().await;
        let stage = document(&snapshot[&Key::stage(STAGE)]);
        assert_eq!(stage["from_number"], number);
        if !is_form {
            assert_eq!(stage["friendly_name"], name);
        }
        assert_eq!(revision(&snapshot[&Key::stage(STAGE)]), 1 + 2 * (round + 1));
        assert_ne!(one.header("etag"), other.header("etag"), "each answer shows its own write");
    }
}

#[tokio::test]
async fn a_stages_item_has_the_expected_attributes() {
    let app = TestApp::new().await;
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let loaded = app.snapshot().await;
    assert_eq!(document(&loaded[&Key::stage(STAGE)]), fixture["stages"][0]);
    assert_eq!(app.send(&Request::patch_json(&json!({"name": "renamed"}))).await.status, 200);
    let item = &app.snapshot().await[&Key::stage(STAGE)];
    let attributes: BTreeSet<_> = item.keys().map(String::as_str).collect();
    let mut expected = BTreeSet::from([
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
        "schema",
    ]);
    expected.extend(key::ATTRIBUTES);
    assert_eq!(attributes, expected);
    assert_eq!(item["revision"], AttributeValue::N("2".to_owned()));
    assert_eq!(item["mapping"], AttributeValue::Null(true), "null is stored as null");
    assert_eq!(item["verify_only"], AttributeValue::Bool(false));
    let ids = write_ids(item);
    assert_eq!(ids.len(), 4);
    for id in ids {
        let is_id = id.len() == 32 && id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        assert!(is_id, "{id} is 32 hex digits");
    }
}

#[tokio::test]
async fn a_put_reports_missing_fields_together_with_the_other_errors() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let required = "This field is required.";
    let answer = app.send(&Request::patch("").method("PUT")).await;
    let body = json!({
        "name": [required], "provider": [required], "from_number": [required],
        "account_sid": [required], "auth": [required], "code": "invalid",
    });
    assert_eq!(answer.status_and_body(), (400, body));
    let some = json!({"name": "backup-sms", "provider": "generic", "verify_only": "maybe"});
    let answer = app.send(&Request::patch(some.to_string()).method("PUT")).await;
    let body = json!({
        "name": ["stage with this name already exists."], "from_number": [required],
        "account_sid": [required], "auth": [required],
        "verify_only": ["Must be a valid boolean."], "code": "invalid",
    });
    assert_eq!(answer.status_and_body(), (400, body));
    assert_eq!(app.snapshot().await, before);

    let whole = json!({
        "name": "put", "provider": "generic", "from_number": "1", "account_sid": "https://x",
        "auth": "a",
    });
    let answer = app.send(&Request::patch(whole.to_string()).method("PUT")).await;
    assert_eq!(answer.status_and_body(), (200, stage_with(whole)));
}
