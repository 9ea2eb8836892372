//! `flow_set`: a list that is replaced as a whole, whose flows keep their keys.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    Key, MAPPING, NAME_TAKEN, OtherClient, RECOVERY_FLOW, Request, SETUP_FLOW, STAGE, TestApp,
    UNKNOWN, assert_refused, assert_updated, document, does_not_exist, flow, invalid, own_flow,
    stage_with, with,
};

/// A flow with a new slug as the API shows it: with authentik's defaults, and the keys that the
/// server generated, taken from the answer.
fn new_flow(slug: &str, shown: &Value) -> Value {
    let generated = json!({
        "pk": shown["pk"],
        "policybindingmodel_ptr_id": shown["policybindingmodel_ptr_id"],
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "export_url": format!("/api/v3/flows/instances/{slug}/export/"),
        "layout": "stacked",
        "denied_action": "message_continue",
    });
    with(flow(slug), generated)
}

#[tokio::test]
async fn a_new_flow_set_replaces_the_whole_list() {
    let app = TestApp::new().await;
    let members = json!({
        "name": "Members", "slug": "enroll-members", "title": "Hello", "designation": "recovery",
    });
    let sent = json!([flow("new"), members, flow("newer")]);
    let answer = app.send(&Request::patch_json(&json!({"flow_set": sent}))).await;
    let stored = &app.snapshot().await[&Key::stage(STAGE)];
    assert_eq!(document(stored), answer.body, "the answer shows the stored document");
    let shown = answer.body["flow_set"].clone();
    let expected = json!([
        new_flow("new", &shown[0]),
        // Fields that it does not contain stay: keys, background, and the four optional ones.
        with(own_flow(1), members),
        new_flow("newer", &shown[2]),
    ]);
    assert_eq!(answer.status_and_body(), (200, stage_with(json!({"flow_set": expected}))));
    let keys: BTreeSet<Uuid> = [&shown[0], &shown[2]]
        .iter()
        .flat_map(|flow| [&flow["pk"], &flow["policybindingmodel_ptr_id"]])
        .map(|key| key.as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(keys.len(), 4, "every key is new");

    let reversed = json!([flow("newer"), flow("new")]);
    let expected = json!([shown[2], shown[0]]);
    let expected = stage_with(json!({"flow_set": expected}));
    let body = json!({"flow_set": reversed});
    assert_updated(
        &app,
        &Request::patch_json(&body),
        expected,
        "reversed: keys stay with their slugs",
    )
    .await;
    let empty = json!({"flow_set": []});
    assert_updated(&app, &Request::patch_json(&empty), stage_with(empty.clone()), "empty").await;
    assert_updated(&app, &Request::patch_json(&empty), stage_with(empty), "empty again").await;
    let again = app.send(&Request::patch_json(&json!({"flow_set": [flow("new")]}))).await;
    assert_ne!(
        again.body["flow_set"][0]["pk"], shown[0]["pk"],
        "a flow that returns gets a new key"
    );
}

#[tokio::test]
async fn flow_set_sets_the_optional_fields_that_an_element_contains() {
    let app = TestApp::new().await;
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
    assert_updated(&app, &Request::patch_json(&body), expected, "together with a rename").await;
}

#[tokio::test]
async fn removing_a_flow_clears_configure_flow_unless_the_flow_has_a_row() {
    for (has_row, body, expected, why) in [
        (false, json!({"flow_set": []}), Value::Null, "cleared with the list"),
        (true, json!({"flow_set": []}), json!(SETUP_FLOW), "its row still exists"),
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
            "replaced by another flow",
        ),
        (false, json!({"flow_set": [], "configure_flow": null}), Value::Null, "cleared"),
    ] {
        let app = TestApp::new().await;
        app.configure_by_own_flow().await;
        if !has_row {
            app.delete_item(&Key::flow(SETUP_FLOW)).await;
        }
        let state = with(body.clone(), json!({"configure_flow": expected}));
        assert_updated(&app, &Request::patch_json(&body), stage_with(state), why).await;
    }
}

/// The update reads that the flow has no row, and so would clear the reference to it. Before that is
/// written, the flow gets a row, and possibly the stage is changed as well.
#[tokio::test]
async fn a_reference_is_kept_if_its_flow_gets_a_row_before_the_write() {
    for (change, expected, why) in [
        (None, json!({}), "the stage is unchanged"),
        (Some(json!({"friendly_name": "new"})), json!({"friendly_name": "new"}), "it is changed"),
        (Some(json!({"configure_flow": SETUP_FLOW})), json!({}), "the same reference is set again"),
    ] {
        let app = Arc::new(TestApp::new().await);
        app.configure_by_own_flow().await;
        let row = app.snapshot().await[&Key::flow(SETUP_FLOW)].clone();
        app.delete_item(&Key::flow(SETUP_FLOW)).await;
        let others = Mutex::new(Some((OtherClient::of(&app), change)));
        let (interfered, transactions) = (Arc::clone(&app), AtomicUsize::new(0));
        app.dynamodb.intercept(move |recorded, call, connector| {
            // The second one follows the one that found no row.
            let is_second = recorded.operation == "TransactWriteItems"
                && transactions.fetch_add(1, Ordering::SeqCst) == 1;
            let (other, change) = others.lock().unwrap().take_if(|_| is_second)?;
            let (app, row, connector) = (interfered.clone(), row.clone(), connector.clone());
            Some(HttpConnectorFuture::new(async move {
                let put = app.client.put_item().table_name(&app.table_name);
                put.set_item(Some(row)).send().await.unwrap();
                other.write(change.as_slice()).await;
                connector.call(call).await
            }))
        });
        let answer = app.send(&Request::patch(r#"{"flow_set": []}"#)).await;
        let state = with(json!({"flow_set": [], "configure_flow": SETUP_FLOW}), expected);
        assert_eq!(answer.status_and_body(), (200, stage_with(state.clone())), "{why}");
        let stored = app.snapshot().await[&Key::stage(STAGE)].clone();
        assert_eq!(document(&stored), stage_with(state), "{why}");
    }
}

#[tokio::test]
async fn removing_a_flow_does_not_hide_other_errors() {
    let app = TestApp::new().await;
    app.configure_by_own_flow().await;
    app.delete_item(&Key::flow(SETUP_FLOW)).await;
    let body = json!({"flow_set": [], "name": "backup-sms", "mapping": UNKNOWN});
    let errors = json!({"name": [NAME_TAKEN], "mapping": [does_not_exist(UNKNOWN)]});
    assert_refused(&app, &Request::patch_json(&body), invalid(errors), "").await;
}
