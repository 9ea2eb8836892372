//! Credentials and permissions. A refused caller learns nothing.

mod authorizer;
mod many_stages;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Answer, GOOD, Kind, OTHER_STAGE, Request, STAGE, TRIGGERS, TestApp, TestSettings, Trigger,
    UNKNOWN, VIEWER, detail,
    library::{self, CHANGE, Event, Revocation, TokenKey, VIEW},
    not_found,
};

/// Maximum time until a token that lasts for a few seconds has ended.
const END_TIME: Duration = Duration::from_secs(30);

fn denied() -> Value {
    detail("permission_denied", "You do not have permission to perform this action.")
}

fn bad_token() -> Value {
    detail("authentication_failed", "Token invalid/expired")
}

fn not_authenticated() -> Value {
    detail("not_authenticated", "Authentication credentials were not provided.")
}

async fn put_token(app: &TestApp, key: &str, permissions: &[&str], expires: Option<u64>) {
    library::put_token(&app.table, key, "caller", permissions, expires).await;
    app.dynamodb.calls();
}

fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

#[tokio::test]
async fn patch_needs_view_and_change_but_get_only_view() {
    let view_here = format!("{VIEW}:{STAGE}");
    let change_here = format!("{CHANGE}:{STAGE}");
    let change_there = format!("{CHANGE}:{OTHER_STAGE}");
    let change_in_capitals = format!("{CHANGE}:{}", STAGE.to_uppercase());
    for (permissions, may_patch, may_get) in [
        (vec![VIEW, CHANGE], true, true),
        (vec![&*view_here, &*change_here], true, true),
        (vec![VIEW, &*change_here], true, true),
        (vec![VIEW, &*change_in_capitals], true, true),
        (vec![VIEW], false, true),
        (vec![CHANGE], false, false),
        (vec![VIEW, &*change_there], false, true),
        (vec![&*view_here, "another.permission"], false, true),
        (vec!["view_authenticatorsmsstage", "change_authenticatorsmsstage"], false, false),
        (vec![], false, false),
    ] {
        let app = TestApp::new().await;
        put_token(&app, "key", &permissions, None).await;
        let patched = app.send(&Request::patch(r#"{"name": "n"}"#).token("key")).await;
        assert_eq!(patched.status, if may_patch { 200 } else { 403 }, "PATCH with {permissions:?}");
        let got = app.send(&Request::get().token("key")).await;
        assert_eq!(got.status, if may_get { 200 } else { 403 }, "GET with {permissions:?}");
    }
}

#[tokio::test]
async fn a_refused_caller_learns_nothing_and_changes_nothing() {
    let app = TestApp::new().await;
    put_token(&app, "expired", &[VIEW, CHANGE], Some(now())).await;
    let before = app.snapshot().await;
    for (request, body, why) in [
        (Request::patch("{}").header("Authorization", None), not_authenticated(), "no header"),
        (Request::patch("{}").header("Authorization", "Bearer"), not_authenticated(), "no key"),
        (
            Request::patch("{}").header("Authorization", "Basic Zm9v"),
            detail("authentication_failed", "Unsupported authentication type"),
            "another scheme",
        ),
        (Request::patch("{}").token("unknown"), bad_token(), "unknown"),
        (Request::patch("{}").token("expired"), bad_token(), "expired this second"),
        (Request::patch("{}").token("expired-token"), bad_token(), "expired long ago"),
        (Request::patch("{").token(VIEWER), denied(), "may only view: the body is not read"),
    ] {
        for stage in [STAGE, UNKNOWN] {
            let request = request.clone().stage(stage);
            let answer = app.send(&request).await;
            assert_eq!(answer.status_and_body(), (403, body.clone()), "{why}");
            assert_eq!(answer.header("www-authenticate"), None, "as in authentik");
            let calls = app.dynamodb.calls();
            let is_token = |kind: Option<Kind>| kind == Some(Kind::Token);
            assert!(
                calls.iter().all(|call| is_token(call.key().map(|key| key.kind))),
                "{why}: only a token is read: {calls:?}"
            );
        }
    }
    assert_eq!(app.snapshot().await, before);
}

#[tokio::test]
async fn a_malformed_uuid_needs_credentials_and_404_needs_permission() {
    let app = TestApp::new().await;
    let bad = |request: Request| request.stage("nope");
    let answer = app.send(&bad(Request::patch("{}").token("unknown"))).await;
    assert_eq!(answer.status_and_body(), (403, bad_token()));
    let answer = app.send(&bad(Request::patch("{}").token(VIEWER))).await;
    let body = json!({"stage_uuid": ["“nope” is not a valid UUID."], "code": "invalid"});
    assert_eq!(answer.status_and_body(), (400, body));
    let answer = app.send(&Request::get().token(VIEWER).stage(UNKNOWN)).await;
    assert_eq!(answer.status_and_body(), not_found());
    // Without the permission to change or delete, nothing but the token is read.
    for method in ["PATCH", "PUT", "DELETE"] {
        app.dynamodb.calls();
        let request = Request::patch("{}").method(method).token(VIEWER).stage(UNKNOWN);
        assert_eq!(app.send(&request).await.status_and_body(), (403, denied()), "{method}");
        assert_eq!(app.dynamodb.operations(), ["GetItem"], "{method}: the token");
    }
}

#[tokio::test]
async fn a_remembered_token_is_not_read_again_until_it_expires() {
    let settings =
        TestSettings { token_memory: Duration::from_secs(60), ..TestSettings::default() };
    let app = TestApp::with_settings(settings).await;
    assert_eq!(app.send(&Request::get()).await.status, 200);
    assert_eq!(app.dynamodb.operations(), ["GetItem", "GetItem"], "the token, the stage");
    assert_eq!(app.send(&Request::get()).await.status, 200);
    assert_eq!(app.dynamodb.operations(), ["GetItem"], "the stage");

    // An unknown token is not remembered: once created, it works at once.
    assert_eq!(app.send(&Request::get().token("late")).await.status, 403);
    put_token(&app, "late", &[VIEW], Some(now() + 5)).await;
    assert_eq!(app.send(&Request::get().token("late")).await.status, 200);
    // It expires while it is remembered.
    let expiry = async {
        while app.send(&Request::get().token("late")).await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(END_TIME, expiry).await.unwrap();
    let answer = app.send(&Request::get().token("late")).await;
    assert_eq!(answer.status_and_body(), (403, bad_token()));
}

/// The kinds of the items that were read since the calls were last taken.
fn kinds_read(app: &TestApp) -> Vec<Kind> {
    app.dynamodb.calls().iter().map(|call| call.key().unwrap().kind).collect()
}

#[tokio::test]
async fn a_token_is_read_again_when_it_is_no_longer_remembered() {
    let settings = TestSettings { token_memory: Duration::from_secs(2), ..TestSettings::default() };
    let app = TestApp::with_settings(settings).await;
    let viewer = Request::get().token(VIEWER);
    for request in [&viewer, &Request::get()] {
        assert_eq!(app.send(request).await.status, 200);
        assert_eq!(kinds_read(&app), [Kind::Token, Kind::Stage]);
    }
    let revoked = app.table.session().revoke_token(&TokenKey::new(GOOD.to_owned()).hash()).await;
    assert_eq!(revoked.unwrap(), Revocation::Done);
    app.dynamodb.calls();

    let end = async {
        loop {
            let answer = app.send(&Request::get()).await;
            if answer.status != 200 {
                break answer;
            }
            assert_eq!(kinds_read(&app), [Kind::Stage], "the token is remembered");
        }
    };
    let answer = tokio::time::timeout(END_TIME, end).await.unwrap();
    assert_eq!(answer.status_and_body(), (403, bad_token()));
    assert_eq!(kinds_read(&app), [Kind::Token]);
    // This token was remembered before the other one, and is still valid.
    assert_eq!(app.send(&viewer).await.status, 200);
    assert_eq!(kinds_read(&app), [Kind::Token, Kind::Stage]);
}

/// A PATCH event of an HTTP API with this authorizer context.
fn http_api_event(authorizer: &Value) -> Value {
    let mut event = Request::patch(r#"{"friendly_name": "x"}"#).event();
    event["requestContext"]["authorizer"] = authorizer.clone();
    event
}

/// The same for a REST API.
fn rest_api_event(authorizer: &Value) -> Value {
    let mut event = Request::patch(r#"{"friendly_name": "x"}"#).trigger(Trigger::RestApi).event();
    event["requestContext"]["authorizer"] = authorizer.clone();
    event
}

async fn handle(app: &TestApp, event: &Value) -> Answer {
    let event: Event = serde_json::from_str(&event.to_string()).unwrap();
    app.handle(event).await
}

#[tokio::test]
async fn a_token_is_ignored_if_there_is_an_authorizer() {
    let app = TestApp::new().await;
    let both = format!("{VIEW} {CHANGE}");
    let one = format!("{VIEW}:{STAGE} {CHANGE}:{STAGE}");
    let other = format!("{VIEW} {CHANGE}:{OTHER_STAGE}");
    for (event, status, why) in [
        (http_api_event(&json!({"jwt": {"claims": {"sub": "s", "scope": both}}})), 200, "scope"),
        (http_api_event(&json!({"jwt": {"claims": {"sub": "s", "scope": one}}})), 200, "one stage"),
        (http_api_event(&json!({"jwt": {"claims": {"sub": "s", "scope": other}}})), 403, "another"),
        (
            http_api_event(&json!({"jwt": {"claims": {"permissions": format!("[{both}]")}}})),
            200,
            "a list, as API Gateway writes one",
        ),
        (http_api_event(&json!({"jwt": {"claims": {"sub": "s"}, "scopes": null}})), 403, "none"),
        (http_api_event(&json!({"lambda": {"permissions": [VIEW, CHANGE]}})), 200, "a list"),
        (http_api_event(&json!({"lambda": {"permissions": both}})), 200, "a text"),
        (http_api_event(&json!({"lambda": {"user": "u"}})), 403, "none"),
        (
            http_api_event(&json!({"iam": {"userArn": "arn:aws:iam::1:user/u"}})),
            403,
            "no codenames",
        ),
        (http_api_event(&json!({"lambda": {}})), 403, "authorized, without permissions"),
        (http_api_event(&json!({"lambda": null})), 200, "no authorizer: the token is used"),
        (http_api_event(&json!({})), 200, "no authorizer: the token is used"),
        (http_api_event(&Value::Null), 200, "no authorizer: the token is used"),
        (rest_api_event(&json!({"principalId": "u", "permissions": both})), 200, "context"),
        (rest_api_event(&json!({"principalId": "u"})), 403, "none"),
        (rest_api_event(&json!({"claims": {"sub": "s", "scope": both}})), 200, "Cognito"),
        (rest_api_event(&json!({"claims": {"sub": "s"}, "permissions": both})), 403, "only claims"),
        (rest_api_event(&json!({})), 200, "no authorizer: the token is used"),
    ] {
        let answer = handle(&app, &event).await;
        assert_eq!(answer.status, status, "{why}: {}", event["requestContext"]["authorizer"]);
        if status == 403 {
            assert_eq!(answer.body, denied(), "{why}");
        }
    }
}

#[tokio::test]
async fn headers_cannot_imitate_an_authorizer() {
    let app = TestApp::new().await;
    let both = format!("{VIEW} {CHANGE}");
    for trigger in TRIGGERS {
        let mut request = Request::patch("{}").trigger(trigger).header("Authorization", None);
        for name in [
            "x-amzn-oidc-data",
            "x-amzn-oidc-identity",
            "x-amzn-request-context",
            "x-forwarded-user",
            "permissions",
            "scope",
            "authorizer",
        ] {
            request = request.header(name, &*both);
        }
        assert_eq!(
            app.send(&request).await.status_and_body(),
            (403, not_authenticated()),
            "{trigger:?}"
        );
        let body = json!({"requestContext": {"authorizer": {"lambda": {"permissions": both}}}});
        let request =
            Request::patch(body.to_string()).trigger(trigger).header("Authorization", None);
        assert_eq!(
            app.send(&request).await.status_and_body(),
            (403, not_authenticated()),
            "{trigger:?}"
        );
    }
}

#[tokio::test]
async fn two_authorization_values_are_refused_by_every_trigger() {
    let app = TestApp::new().await;
    let good = format!("Bearer {GOOD}");
    let mut rest = Request::patch("{}").trigger(Trigger::RestApi).event();
    rest["multiValueHeaders"]["Authorization"] = json!([good, good]);
    let mut cases = Request::patch("{}").trigger(Trigger::RestApi).event();
    cases["headers"]["authorization"] = json!("Bearer other");
    let mut http = Request::patch("{}").event();
    http["headers"]["authorization"] = json!(format!("{good},{good}"));
    for event in [rest, cases, http] {
        let answer = handle(&app, &event).await;
        assert_eq!(answer.status_and_body(), (403, bad_token()), "{event}");
    }
}
