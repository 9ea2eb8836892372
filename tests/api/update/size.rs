//! The limit of 400 KB for an item.

use serde_json::{Value, json};

use crate::harness::{
    MAPPING, OTHER_STAGE, Request, STAGE, THIRD_STAGE, TOO_LARGE, TRIGGERS, TestApp, Trigger,
    assert_refused, assert_updated, flow, invalid, stage_with, with,
};

/// Flows that take this many kilobytes in a body, and somewhat more in an item.
fn flows_of(kilobytes: usize) -> Value {
    (0..kilobytes).map(|n| with(flow(&format!("flow-{n}")), json!({"title": kilobyte()}))).collect()
}

fn kilobyte() -> String {
    "t".repeat(1024)
}

#[tokio::test]
async fn an_item_over_400_kb_is_refused_with_an_error_on_the_field() {
    let app = TestApp::new().await;
    let stored = Request::patch_json(&json!({"from_number": "n".repeat(150 * 1024)}));
    assert_eq!(app.send(&stored).await.status, 200);
    let text = |kilobytes: usize| "t".repeat(kilobytes * 1024);
    for (body, field, why) in [
        (json!({"friendly_name": text(300)}), "friendly_name", "together with the stored item"),
        (json!({"auth": text(401)}), "auth", "too large alone"),
        (json!({"auth_password": text(399)}), "auth_password", "nearly too large alone"),
        (
            json!({"auth": text(120), "account_sid": text(140)}),
            "account_sid",
            "two texts: the error is on the longer",
        ),
        (json!({"name": text(300)}), "name", "a rename, together with the stored item"),
        (json!({"name": text(401)}), "name", "a rename, too large alone"),
        (json!({"name": text(300), "mapping": MAPPING}), "name", "a rename and a reference"),
        (json!({"flow_set": flows_of(300)}), "flow_set", "many flows"),
        (
            json!({"flow_set": flows_of(300), "name": "renamed"}),
            "flow_set",
            "many flows and a rename",
        ),
        (json!({"flow_set": flows_of(300), "auth": text(401)}), "auth", "a text that never fits"),
    ] {
        assert_refused(
            &app,
            &Request::patch_json(&body),
            invalid(json!({field: [TOO_LARGE]})),
            why,
        )
        .await;
    }
}

/// A control character takes one byte in the table, and six in an answer.
#[tokio::test]
async fn a_stage_that_is_too_large_for_a_load_balancer_is_refused_through_every_trigger() {
    let app = TestApp::new().await;
    let controls = |count: usize| "\u{1}".repeat(count);
    for trigger in TRIGGERS {
        let body = json!({"auth": controls(150_000)});
        let request = Request::patch_json(&body).trigger(trigger);
        assert_refused(&app, &request, invalid(json!({"auth": [TOO_LARGE]})), "over the limit")
            .await;
    }
    let largest = json!({"name": controls(110_000)});
    assert_eq!(app.send(&Request::patch_json(&largest)).await.status, 200);
    for field in ["friendly_name", "from_number", "account_sid", "auth", "auth_password"] {
        // The most that is written without reading the stage.
        let body = json!({field: controls(3_400)});
        assert_eq!(app.send(&Request::patch_json(&body)).await.status, 200, "{field}");
    }
    for trigger in TRIGGERS {
        let answer = app.send(&Request::get().trigger(trigger)).await;
        assert_eq!(answer.status, 200, "{trigger:?} can return the stage");
    }
}

#[tokio::test]
async fn a_list_that_is_too_large_for_a_load_balancer_is_refused_by_get_and_head_alike() {
    let app = TestApp::new().await;
    for stage in [STAGE, OTHER_STAGE, THIRD_STAGE] {
        let body = json!({"auth": "t".repeat(380 * 1024)});
        let request = Request::patch_json(&body).stage(stage);
        assert_eq!(app.send(&request).await.status, 200);
    }
    let list = Request::list().trigger(Trigger::LoadBalancer);
    let answer = app.send(&list).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("answer_too_large")));
    let head = app.send(&list.clone().method("HEAD")).await;
    assert_eq!((head.status, head.body), (400, Value::Null), "HEAD has the status of GET");
    let one = app.send(&list.query("page_size=1")).await;
    assert_eq!(one.status, 200, "one stage at a time is not too large");
}

/// The lock also contains the name, and is checked before the stage.
#[tokio::test]
async fn a_name_whose_lock_alone_is_over_400_kb_is_refused() {
    let app = TestApp::new().await;
    let body = json!({"name": "n".repeat(409_550)});
    assert_refused(&app, &Request::patch_json(&body), invalid(json!({"name": [TOO_LARGE]})), "")
        .await;
}

#[tokio::test]
async fn an_item_just_under_400_kb_is_stored() {
    // The stage takes about two kilobytes without this text.
    let text = "t".repeat(396 * 1024);
    for field in ["from_number", "name"] {
        let app = TestApp::new().await;
        let body = json!({field: text});
        assert_updated(&app, &Request::patch_json(&body), stage_with(body), field).await;
    }
    let app = TestApp::new().await;
    let answer = app.send(&Request::patch_json(&json!({"flow_set": flows_of(250)}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["flow_set"].as_array().unwrap().len(), 250);
}
