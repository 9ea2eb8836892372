//! Who may, and what those who may not learn: nothing.

use std::time::Duration;

use authenticator_sms_stage::{
    permission::{CHANGE, TokenKey, VIEW},
    request::Event,
};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Door, GOOD, House, OTHER_STAGE, Plan, Request, STAGE, VIEWER, detail, stage_with,
};

const UNKNOWN_STAGE: &str = "00000000-0000-4000-8000-000000000000";

fn denied() -> Value {
    detail("permission_denied", "You do not have permission to perform this action.")
}

fn bad_token() -> Value {
    detail("authentication_failed", "Token invalid/expired")
}

fn not_authenticated() -> Value {
    detail("not_authenticated", "Authentication credentials were not provided.")
}

async fn put_token(house: &House, key: &str, permissions: &[&str], expires: Option<u64>) {
    let permissions: Vec<_> = permissions.iter().map(ToString::to_string).collect();
    let hash = TokenKey::new(key.to_owned()).hash();
    house.table.put_token(&hash, "somebody", &permissions, expires).await.unwrap();
    house.tap.calls();
}

fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

#[tokio::test]
async fn patch_needs_view_and_change_and_get_needs_view() {
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
        let house = House::new().await;
        put_token(&house, "key", &permissions, None).await;
        let patched = house.send(&Request::patch(r#"{"name": "n"}"#).token("key")).await;
        assert_eq!(patched.status, if may_patch { 200 } else { 403 }, "PATCH with {permissions:?}");
        let got = house.send(&Request::get().token("key")).await;
        assert_eq!(got.status, if may_get { 200 } else { 403 }, "GET with {permissions:?}");
    }
}

#[tokio::test]
async fn a_refused_caller_reads_no_stage_writes_nothing_and_learns_nothing() {
    let house = House::new().await;
    put_token(&house, "ended", &[VIEW, CHANGE], Some(now())).await;
    let before = house.snapshot().await;
    for (request, body, why) in [
        (Request::patch("{}").header("Authorization", None), not_authenticated(), "no header"),
        (Request::patch("{}").header("Authorization", "Bearer"), not_authenticated(), "no key"),
        (
            Request::patch("{}").header("Authorization", "Basic Zm9v"),
            detail("authentication_failed", "Unsupported authentication type"),
            "another scheme",
        ),
        (Request::patch("{}").token("nobody's"), bad_token(), "unknown"),
        (Request::patch("{}").token("ended"), bad_token(), "ended this very second"),
        (Request::patch("{}").token("expired-token"), bad_token(), "ended long ago"),
        (Request::patch("{").token(VIEWER), denied(), "may only look; not even the body is read"),
    ] {
        for stage in [STAGE, UNKNOWN_STAGE] {
            let request = request.clone().stage(stage);
            let answer = house.send(&request).await;
            assert_eq!(answer.whole(), (403, body.clone()), "{why}");
            assert_eq!(answer.header("www-authenticate"), None, "as in the reference");
            let calls = house.tap.calls();
            assert!(
                calls.iter().all(|call| {
                    call.operation == "GetItem"
                        && call.body["Key"]["partition_key"]["S"]
                            .as_str()
                            .is_some_and(|key| key.starts_with("TOKEN#"))
                }),
                "{why}: only a token is looked up: {calls:?}"
            );
        }
    }
    assert_eq!(house.snapshot().await, before);
}

#[tokio::test]
async fn a_bad_uuid_is_told_to_those_who_are_known_and_404_to_those_who_may() {
    let house = House::new().await;
    let bad = |request: Request| request.stage("nope");
    let answer = house.send(&bad(Request::patch("{}").token("nobody's"))).await;
    assert_eq!(answer.whole(), (403, bad_token()));
    let answer = house.send(&bad(Request::patch("{}").token(VIEWER))).await;
    let body = json!({"stage_uuid": ["“nope” is not a valid UUID."], "code": "invalid"});
    assert_eq!(answer.whole(), (400, body));
    let answer = house.send(&Request::get().token(VIEWER).stage(UNKNOWN_STAGE)).await;
    let body = detail("not_found", "No AuthenticatorSMSStage matches the given query.");
    assert_eq!(answer.whole(), (404, body));
}

#[tokio::test]
async fn route_and_method_come_before_credentials() {
    let house = House::new().await;
    let stranger = |request: Request| request.header("Authorization", None);
    for path in [
        "/",
        "",
        "/api/v3/stages/authenticator/sms/",
        "/api/v3/stages/authenticator/sms//",
        "/api/v3/stages/authenticator/totp/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/",
        "/api/v3/stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/used_by/",
        "stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9",
        "/xstages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/",
        "/stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9//",
    ] {
        let answer = house.send(&stranger(Request::patch("{}").path(path))).await;
        assert_eq!(answer.whole(), (404, detail("not_found", "Not found.")), "{path:?}");
    }
    for method in ["POST", "DELETE", "patch", "TRACE", ""] {
        let answer = house.send(&stranger(Request::patch("{}").method(method))).await;
        let text = format!("Method \"{method}\" not allowed.");
        assert_eq!(answer.whole(), (405, detail("method_not_allowed", &text)), "{method:?}");
        assert_eq!(answer.header("allow"), Some("GET, PUT, PATCH, HEAD, OPTIONS"));
    }
    assert_eq!(house.tap.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn any_prefix_leads_to_the_stage_with_and_without_a_slash() {
    let house = House::new().await;
    for prefix in ["", "/api/v3", "/prod", "/prod/api/v3", "/base/path/of/a/custom/domain"] {
        for end in ["", "/"] {
            let path = format!("{prefix}/stages/authenticator/sms/{STAGE}{end}");
            for door in [Door::HttpApi, Door::RestApi] {
                let answer = house.send(&Request::get().path(&path).door(door)).await;
                assert_eq!(answer.whole(), (200, stage_with(json!({}))), "{path} {door:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_remembered_token_is_not_asked_for_again_but_never_past_its_end() {
    let plan = Plan { token_memory: Duration::from_secs(60), ..Plan::default() };
    let house = House::build(plan).await;
    assert_eq!(house.send(&Request::get()).await.status, 200);
    assert_eq!(house.tap.operations(), ["GetItem", "GetItem"], "the token, the stage");
    assert_eq!(house.send(&Request::get()).await.status, 200);
    assert_eq!(house.tap.operations(), ["GetItem"], "the stage");

    // A refusal is not remembered: a token made a moment later works at once.
    assert_eq!(house.send(&Request::get().token("late")).await.status, 403);
    put_token(&house, "late", &[VIEW], Some(now() + 2)).await;
    assert_eq!(house.send(&Request::get().token("late")).await.status, 200);
    // It ends while it is remembered, and with it the answers.
    let ended = async {
        while house.send(&Request::get().token("late")).await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    let answer = house.send(&Request::get().token("late")).await;
    assert_eq!(answer.whole(), (403, bad_token()));
}

/// A PATCH event for the HTTP API, whose authorizer says this.
fn http_api_event(authorizer: &Value) -> Value {
    let mut event = Request::patch(r#"{"friendly_name": "x"}"#).event();
    event["requestContext"]["authorizer"] = authorizer.clone();
    event
}

/// The same for a REST API.
fn rest_api_event(authorizer: &Value) -> Value {
    let mut event = Request::patch(r#"{"friendly_name": "x"}"#).door(Door::RestApi).event();
    event["requestContext"]["authorizer"] = authorizer.clone();
    event
}

async fn handle(house: &House, event: &Value) -> Answer {
    let event: Event = serde_json::from_str(&event.to_string()).unwrap();
    house.handle(event).await
}

#[tokio::test]
async fn an_authorizers_word_counts_and_the_token_beside_it_does_not() {
    let house = House::new().await;
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
        (http_api_event(&json!({"lambda": {}})), 403, "vouched for, without permissions"),
        (http_api_event(&json!({"lambda": null})), 403, "vouched for, without permissions"),
        (http_api_event(&json!({})), 200, "no authorizer: the token counts"),
        (http_api_event(&Value::Null), 200, "no authorizer: the token counts"),
        (rest_api_event(&json!({"principalId": "u", "permissions": both})), 200, "context"),
        (rest_api_event(&json!({"principalId": "u"})), 403, "none"),
        (rest_api_event(&json!({"claims": {"sub": "s", "scope": both}})), 200, "Cognito"),
        (rest_api_event(&json!({"claims": {"sub": "s"}, "permissions": both})), 403, "only claims"),
        (rest_api_event(&json!({})), 200, "no authorizer: the token counts"),
    ] {
        let answer = handle(&house, &event).await;
        assert_eq!(answer.status, status, "{why}: {}", event["requestContext"]["authorizer"]);
        if status == 403 {
            assert_eq!(answer.body, denied(), "{why}");
        }
    }
}

#[tokio::test]
async fn headers_that_play_the_authorizer_are_nothing() {
    let house = House::new().await;
    let both = format!("{VIEW} {CHANGE}");
    for door in [Door::HttpApi, Door::RestApi] {
        let mut request = Request::patch("{}").door(door).header("Authorization", None);
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
        assert_eq!(house.send(&request).await.whole(), (403, not_authenticated()), "{door:?}");
        let body = json!({"requestContext": {"authorizer": {"lambda": {"permissions": both}}}});
        let request = Request::patch(body.to_string()).door(door).header("Authorization", None);
        assert_eq!(house.send(&request).await.whole(), (403, not_authenticated()), "{door:?}");
    }
}

#[tokio::test]
async fn two_authorization_values_are_refused_on_every_door() {
    let house = House::new().await;
    let good = format!("Bearer {GOOD}");
    let mut rest = Request::patch("{}").door(Door::RestApi).event();
    rest["multiValueHeaders"]["Authorization"] = json!([good, good]);
    let mut cases = Request::patch("{}").door(Door::RestApi).event();
    cases["headers"]["authorization"] = json!("Bearer other");
    let mut http = Request::patch("{}").event();
    http["headers"]["authorization"] = json!(format!("{good},{good}"));
    for event in [rest, cases, http] {
        let answer = handle(&house, &event).await;
        assert_eq!(answer.whole(), (403, bad_token()), "{event}");
    }
}
