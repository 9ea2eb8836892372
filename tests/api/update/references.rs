//! `configure_flow` and `mapping`: references to rows, or to a flow of the stage's own `flow_set`.

use serde_json::json;

use crate::harness::{
    CONFIGURE_FLOW, Key, MAPPING, RECOVERY_FLOW, Request, SETUP_FLOW, TestApp, UNKNOWN,
    assert_refused, assert_updated, does_not_exist, flow, form, invalid, own_flow, stage_with,
    whole_document, with,
};

#[tokio::test]
async fn references_are_set_and_cleared() {
    let app = TestApp::new().await;
    let mut state = json!({});
    for (body, why) in [
        (json!({"mapping": MAPPING}), "a mapping"),
        (json!({"configure_flow": RECOVERY_FLOW}), "a flow"),
        (json!({"configure_flow": null}), "cleared"),
        (json!({"configure_flow": CONFIGURE_FLOW, "mapping": null}), "one set, one cleared"),
        (json!({"configure_flow": RECOVERY_FLOW, "mapping": MAPPING}), "both set"),
    ] {
        state = with(state, body.clone());
        assert_updated(&app, &Request::patch_json(&body), stage_with(state.clone()), why).await;
    }
    let upper_case = json!({"configure_flow": CONFIGURE_FLOW.to_uppercase()});
    state = with(state, json!({"configure_flow": CONFIGURE_FLOW}));
    assert_updated(
        &app,
        &Request::patch_json(&upper_case),
        stage_with(state),
        "stored in lower case",
    )
    .await;
}

#[tokio::test]
async fn an_unknown_reference_is_refused() {
    let app = TestApp::new().await;
    let bare = UNKNOWN.replace('-', "");
    for (body, errors, why) in [
        (json!({"mapping": UNKNOWN}), json!({"mapping": [does_not_exist(UNKNOWN)]}), "no mapping"),
        (
            json!({"configure_flow": UNKNOWN, "verify_only": true}),
            json!({"configure_flow": [does_not_exist(UNKNOWN)]}),
            "no flow",
        ),
        (
            json!({"mapping": bare}),
            json!({"mapping": [does_not_exist(&bare)]}),
            "echoed as it was sent",
        ),
        (
            json!({"mapping": RECOVERY_FLOW}),
            json!({"mapping": [does_not_exist(RECOVERY_FLOW)]}),
            "a flow is not a mapping",
        ),
        (
            json!({"configure_flow": UNKNOWN, "mapping": UNKNOWN, "flow_set": []}),
            json!({"configure_flow": [does_not_exist(UNKNOWN)], "mapping": [does_not_exist(UNKNOWN)]}),
            "both, with a flow_set",
        ),
    ] {
        assert_refused(&app, &Request::patch_json(&body), invalid(errors), why).await;
    }
}

#[tokio::test]
async fn a_reference_that_does_not_change_is_not_checked() {
    let app = TestApp::new().await;
    app.delete_item(&Key::flow(CONFIGURE_FLOW)).await;
    for (body, why) in [
        (with(form(), json!({"friendly_name": "1"})), "in a form"),
        (json!({"configure_flow": CONFIGURE_FLOW, "friendly_name": "2"}), "alone"),
        (with(whole_document(), json!({"friendly_name": "3"})), "with a flow_set"),
        (json!({"friendly_name": "4", "mapping": MAPPING}), "when another reference is set"),
    ] {
        let answer = app.send(&Request::patch_json(&body)).await;
        assert_eq!(answer.status, 200, "{why}: {}", answer.body);
        assert_eq!(answer.body["friendly_name"], body["friendly_name"], "{why}");
        assert_eq!(answer.body["configure_flow"], CONFIGURE_FLOW, "{why}");
    }
    let cleared = json!({"configure_flow": null, "mapping": null});
    assert_eq!(app.send(&Request::patch_json(&cleared)).await.status, 200);
    let back = json!({"configure_flow": CONFIGURE_FLOW});
    let errors = json!({"configure_flow": [does_not_exist(CONFIGURE_FLOW)]});
    assert_refused(
        &app,
        &Request::patch_json(&back),
        invalid(errors),
        "once cleared, it cannot be set again",
    )
    .await;
}

#[tokio::test]
async fn configure_flow_may_refer_to_a_flow_of_the_new_flow_set() {
    let app = TestApp::new().await;
    app.delete_item(&Key::flow(SETUP_FLOW)).await;
    let slug = "default-authenticator-sms-setup";
    let removed = json!({"configure_flow": SETUP_FLOW, "flow_set": [flow("another")]});
    let errors = invalid(json!({"configure_flow": [does_not_exist(SETUP_FLOW)]}));
    assert_refused(&app, &Request::patch_json(&removed), errors, "this write removes it").await;

    let expected = stage_with(json!({"configure_flow": SETUP_FLOW}));
    let body = json!({"configure_flow": SETUP_FLOW});
    assert_updated(
        &app,
        &Request::patch_json(&body),
        expected,
        "it is in flow_set, and needs no row",
    )
    .await;

    let kept = with(own_flow(0), flow(slug));
    let body = json!({"configure_flow": SETUP_FLOW, "flow_set": [flow(slug)]});
    let expected = stage_with(json!({"configure_flow": SETUP_FLOW, "flow_set": [kept]}));
    assert_updated(&app, &Request::patch_json(&body), expected, "it stays, with changes").await;
}

/// A body that refers to a flow and removes the same flow contradicts itself; a body that only
/// removes the flow clears the reference.
#[tokio::test]
async fn configure_flow_may_not_refer_to_a_flow_that_the_same_body_removes() {
    let app = TestApp::new().await;
    app.configure_by_own_flow().await;
    let body = json!({"configure_flow": SETUP_FLOW, "flow_set": []});
    let with_row = stage_with(body.clone());
    let before = app.snapshot().await;
    assert_updated(&app, &Request::patch_json(&body), with_row, "the flow has a row").await;
    app.restore(&before).await;

    app.delete_item(&Key::flow(SETUP_FLOW)).await;
    let error = json!([does_not_exist(SETUP_FLOW)]);
    for flows in [json!([]), json!([flow("another")])] {
        let body = json!({"configure_flow": SETUP_FLOW, "flow_set": flows});
        let errors = invalid(json!({"configure_flow": error}));
        assert_refused(&app, &Request::patch_json(&body), errors, "it has no row").await;
        let bad = with(body, json!({"provider": "pigeon"}));
        let errors = json!({
            "configure_flow": error,
            "provider": ["\"pigeon\" is not a valid choice."],
        });
        assert_refused(&app, &Request::patch_json(&bad), invalid(errors), "both at once").await;
    }
    let body = json!({"flow_set": []});
    let cleared = stage_with(json!({"flow_set": [], "configure_flow": null}));
    assert_updated(&app, &Request::patch_json(&body), cleared, "not in the body").await;
}
