//! How many calls to DynamoDB each kind of update makes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Key, MAPPING, RECOVERY_FLOW, Request, SETUP_FLOW, TestApp, TestSettings, flow, form,
    whole_document, with,
};

/// A kind of update, and its calls to DynamoDB when no other client writes.
struct Case {
    name: &'static str,
    body: Value,
    /// The operations after the lookup of the token.
    operations: &'static [&'static str],
}

/// Every kind of update.
fn cases() -> Vec<Case> {
    let case = |name, body, operations| Case { name, body, operations };
    let edit = json!({"friendly_name": "SMS", "verify_only": true});
    vec![
        case("plain", json!({"from_number": "+15005550001"}), &["UpdateItem"]),
        case("form", with(form(), edit.clone()), &["UpdateItem"]),
        case("cleared reference", json!({"configure_flow": null}), &["UpdateItem"]),
        case("empty", json!({}), &["GetItem"]),
        case("whole document", with(whole_document(), edit), &["GetItem", "UpdateItem"]),
        case("flow_set", json!({"flow_set": [flow("new")]}), &["GetItem", "UpdateItem"]),
        case("rename", json!({"name": "renamed"}), &["UpdateItem", "TransactWriteItems"]),
        case("mapping", json!({"mapping": MAPPING}), &["UpdateItem", "TransactWriteItems"]),
        case(
            "configure_flow",
            json!({"configure_flow": RECOVERY_FLOW}),
            &["UpdateItem", "TransactWriteItems"],
        ),
        case(
            "own flow as configure_flow",
            json!({"configure_flow": SETUP_FLOW}),
            &["UpdateItem", "UpdateItem"],
        ),
        case(
            "everything",
            json!({"name": "renamed", "mapping": MAPPING, "configure_flow": RECOVERY_FLOW,
                "flow_set": [flow("new")], "auth": "n3w-auth-secret"}),
            &["GetItem", "TransactWriteItems"],
        ),
    ]
}

#[tokio::test]
async fn every_kind_of_update_makes_the_promised_calls() {
    let token_memory = Duration::from_secs(60);
    for Case { name, body, operations } in cases() {
        let app = TestApp::new().await;
        assert_eq!(app.send(&Request::patch_json(&body)).await.status, 200, "{name}");
        let asked = app.dynamodb.operations();
        assert_eq!(asked[0], "GetItem", "{name}: the lookup of the token");
        assert_eq!(asked[1..], *operations, "{name}: with a token that is not remembered");

        let app =
            TestApp::with_settings(TestSettings { token_memory, ..TestSettings::default() }).await;
        assert_eq!(app.send(&Request::get()).await.status, 200);
        app.dynamodb.operations();
        assert_eq!(app.send(&Request::patch_json(&body)).await.status, 200, "{name}");
        assert_eq!(app.dynamodb.operations(), operations, "{name}: with a remembered token");
    }
}

/// The transaction that would keep the reference to a removed flow shows whether the flow has a
/// row. If it has none, another one clears the reference, on the condition that there still is none.
#[tokio::test]
async fn removing_a_flow_without_a_row_takes_one_more_call() {
    for (has_row, operations) in [
        (true, &["GetItem", "GetItem", "TransactWriteItems"][..]),
        (false, &["GetItem", "GetItem", "TransactWriteItems", "TransactWriteItems"]),
    ] {
        let app = TestApp::new().await;
        app.configure_by_own_flow().await;
        if !has_row {
            app.delete_item(&Key::flow(SETUP_FLOW)).await;
        }
        let answer = app.send(&Request::patch_json(&json!({"flow_set": []}))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(app.dynamodb.operations(), operations);
    }
}
