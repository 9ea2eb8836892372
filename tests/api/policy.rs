//! The function's policy in `template.yaml`, compared with the calls that the function makes.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{
    CONFIGURE_FLOW, MANAGER, MAPPING, Request, TestApp, VIEWER,
    policy::{allowed, assert_allowed, needed},
};

#[tokio::test]
async fn the_policy_allows_the_calls_of_the_function_and_no_others() {
    let app = TestApp::new().await;
    for body in [
        json!({"from_number": "1"}),
        json!({"name": "n", "mapping": "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9"}),
        json!({"configure_flow": "ffeeddcc-bbaa-4998-8776-655443322110"}),
        json!({"flow_set": []}),
        json!({
            "provider": "x", "name": "backup-sms",
            "configure_flow": "00000000-0000-0000-0000-000000000000",
            "mapping": "00000000-0000-0000-0000-000000000000",
        }),
    ] {
        app.send(&Request::patch(body.to_string())).await;
    }
    app.send(&Request::get().token(VIEWER)).await;
    let new = json!({
        "name": "new", "provider": "generic", "from_number": "1", "account_sid": "x", "auth": "y",
        "configure_flow": CONFIGURE_FLOW, "mapping": MAPPING,
    });
    let created = app.send(&Request::post(new.to_string()).token(MANAGER)).await;
    let pk = created.body["pk"].as_str().unwrap();
    app.send(&Request::list()).await;
    app.send(&Request::list().query(&format!("mapping={MAPPING}"))).await;
    app.send(&Request::list().path("/flows/instances/")).await;
    app.send(&Request::get().stage(pk).method("DELETE").token(MANAGER)).await;
    let done: BTreeSet<_> = app.dynamodb.calls().iter().flat_map(needed).collect();
    assert_eq!(done, allowed());
}

#[tokio::test]
async fn opening_the_connection_is_allowed() {
    let app = TestApp::new().await;
    app.table.open_connection().await;
    let calls = app.dynamodb.calls();
    assert_eq!(calls.len(), 1);
    assert_allowed(&calls);
}
