//! Paths and methods.

use serde_json::{Value, json};

use crate::harness::{Request, STAGE, TRIGGERS, TestApp, detail, stage_with};

#[tokio::test]
async fn route_and_method_are_checked_before_credentials() {
    let app = TestApp::new().await;
    let anonymous = |request: Request| request.header("Authorization", None);
    for path in [
        "/",
        "",
        "/stages/authenticator/sms//",
        "/stages/authenticator/totp/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/",
        "/stages/authenticator/sms/A/stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/",
        "stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9",
        "/xstages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/",
        "/stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9//",
    ] {
        let answer = app.send(&anonymous(Request::patch("{}").path(path))).await;
        assert_eq!(answer.status_and_body(), (404, detail("not_found", "Not found.")), "{path:?}");
    }
    for method in ["POST", "TRACE", ""] {
        let answer = app.send(&anonymous(Request::patch("{}").method(method))).await;
        let text = format!("Method \"{method}\" not allowed.");
        assert_eq!(
            answer.status_and_body(),
            (405, detail("method_not_allowed", &text)),
            "{method:?}"
        );
        assert_eq!(answer.header("allow"), Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS"));
    }
    assert_eq!(app.dynamodb.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stage_is_found_under_any_prefix_with_or_without_the_last_slash() {
    let app = TestApp::new().await;
    for prefix in ["", "/api/v3", "/prod", "/prod/api/v3", "/base/path/of/a/custom/domain"] {
        for end in ["", "/"] {
            let path = format!("{prefix}/stages/authenticator/sms/{STAGE}{end}");
            for trigger in TRIGGERS {
                let answer = app.send(&Request::get().path(&path).trigger(trigger)).await;
                assert_eq!(
                    answer.status_and_body(),
                    (200, stage_with(json!({}))),
                    "{path} {trigger:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn options_lists_the_methods_and_makes_no_call() {
    let app = TestApp::new().await;
    let request = Request::patch("").method("OPTIONS").header("Authorization", None);
    let answer = app.send(&request).await;
    assert_eq!((answer.status, answer.body.clone()), (200, Value::Null));
    assert_eq!(answer.header("allow"), Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS"));
    assert_eq!(app.dynamodb.operations(), Vec::<String>::new());
}
