//! Paths, methods, and the origins whose scripts may read the answers.

use serde_json::{Value, json};

use crate::harness::{
    Request, STAGE, TRIGGERS, TestApp, TestSettings, VIEWER, detail, library::AllowedOrigins,
    stage_with,
};

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

/// A site whose scripts may read the answers.
const ORIGIN: &str = "https://a.example";

async fn app_for_the_origin() -> TestApp {
    let cors = AllowedOrigins::parse(ORIGIN).unwrap();
    TestApp::with_settings(TestSettings { cors, ..TestSettings::default() }).await
}

#[tokio::test]
async fn a_preflight_is_told_the_methods_of_its_route() {
    let app = app_for_the_origin().await;
    let list = Request::list().path;
    for (path, methods) in [
        (Request::get().path, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        (list.clone(), "GET, POST, HEAD, OPTIONS"),
        (format!("{list}{STAGE}/used_by/"), "GET, HEAD, OPTIONS"),
    ] {
        for trigger in TRIGGERS {
            let preflight = Request::get()
                .method("OPTIONS")
                .path(&path)
                .trigger(trigger)
                .header("Authorization", None)
                .header("Origin", ORIGIN)
                .header("Access-Control-Request-Method", "GET");
            let answer = app.send(&preflight).await;
            assert_eq!((answer.status, &answer.body), (200, &Value::Null), "{path} {trigger:?}");
            for (header, value) in [
                ("allow", methods),
                ("access-control-allow-methods", methods),
                ("access-control-allow-origin", ORIGIN),
                ("vary", "Origin"),
            ] {
                assert_eq!(answer.header(header), Some(value), "{path} {trigger:?}: {header}");
            }
        }
    }
    assert_eq!(app.dynamodb.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_allowed_origin_may_read_every_answer() {
    let app = app_for_the_origin().await;
    let tag = app.send(&Request::get()).await.header("etag").unwrap().to_owned();
    let patch = || Request::patch("{}");
    for (request, status) in [
        (Request::get(), 200),
        (Request::get().header("If-None-Match", &*tag), 304),
        (patch(), 200),
        (patch().token(VIEWER), 403),
        (patch().header("Authorization", None), 403),
        (patch().header("If-Match", "\"1-00000000\""), 412),
        (Request::get().path("/elsewhere/"), 404),
    ] {
        for trigger in TRIGGERS {
            for (origin, allowed) in
                [(Some(ORIGIN), Some(ORIGIN)), (Some("https://b.example"), None), (None, None)]
            {
                let request = request.clone().trigger(trigger).header("Origin", origin);
                let answer = app.send(&request).await;
                let why = format!("{status} {trigger:?} {origin:?}");
                assert_eq!(answer.status, status, "{why}");
                assert_eq!(answer.header("access-control-allow-origin"), allowed, "{why}");
                assert_eq!(answer.header("vary"), Some("Origin"), "{why}");
            }
        }
    }
}
