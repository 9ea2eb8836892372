//! Permissions to create and to delete stages, from every kind of authorizer.

use serde_json::{Value, json};

use super::{denied, handle};
use crate::harness::{
    Answer, Key, OTHER_STAGE, Request, STAGE, Snapshot, TestApp, Trigger, UNKNOWN,
    check_invariants, document, form,
    library::{ADD, CHANGE, DELETE, VIEW},
    not_found, stage_with, with,
};

/// The name of the stage that is created.
const CREATED: &str = "created";

/// A caller with these permissions, according to each kind of authorizer.
fn authorizers(permissions: &[&str]) -> Vec<(Trigger, Value)> {
    let text = permissions.join(" ");
    let cognito: Vec<_> = permissions.iter().map(|held| format!("sms-api/{held}")).collect();
    let cognito = cognito.join(" ");
    let http_api = [
        json!({"jwt": {"claims": {"sub": "caller", "scope": text}, "scopes": null}}),
        json!({"jwt": {"claims": {"sub": "caller", "scp": format!("[{text}]")}, "scopes": null}}),
        json!({"jwt": {"claims": {"sub": "caller"}, "scopes": permissions}}),
        json!({"lambda": {"user": "caller", "permissions": permissions}}),
        json!({"lambda": {"principalId": "caller", "permissions": text}}),
    ];
    let rest_api = [
        json!({"principalId": "caller", "permissions": text}),
        json!({"claims": {"sub": "caller", "scope": cognito}}),
    ];
    let http_api = http_api.into_iter().map(|authorizer| (Trigger::HttpApi, authorizer));
    let rest_api = rest_api.into_iter().map(|authorizer| (Trigger::RestApi, authorizer));
    http_api.chain(rest_api).collect()
}

fn create() -> Request {
    Request::post(with(form(), json!({"name": CREATED})).to_string())
}

fn destroy(stage: &str) -> Request {
    Request::get().method("DELETE").stage(stage)
}

/// Sends a request without a token, by a caller whom an authorizer has let in.
async fn send(app: &TestApp, request: Request, (trigger, authorizer): &(Trigger, Value)) -> Answer {
    let mut event = request.trigger(*trigger).header("Authorization", None).event();
    event["requestContext"]["authorizer"] = authorizer.clone();
    handle(app, &event).await
}

/// Checks that the request is refused, and that nothing has changed, with these permissions from
/// every kind of authorizer.
async fn assert_refused(
    app: &TestApp,
    request: &Request,
    permissions: &[&str],
    expected: (u16, Value),
) {
    let before = app.snapshot().await;
    for caller in &authorizers(permissions) {
        let answer = send(app, request.clone(), caller).await;
        assert_eq!(answer.status_and_body(), expected, "{} {caller:?}", request.method);
        assert_eq!(app.snapshot().await, before, "{} {caller:?}", request.method);
    }
}

/// Checks that the caller creates a stage. Returns its UUID.
async fn assert_creates(app: &TestApp, caller: &(Trigger, Value)) -> String {
    let before = app.snapshot().await;
    let answer = send(app, create(), caller).await;
    let uuid = answer.body["pk"].as_str().unwrap_or_default().to_owned();
    let shown = stage_with(json!({"pk": uuid, "name": CREATED, "flow_set": []}));
    assert_eq!(answer.status_and_body(), (201, shown.clone()), "{caller:?}");
    let mut after = app.snapshot().await;
    assert_eq!(check_invariants(&after), Ok(()), "{caller:?}");
    let created = after.remove(&Key::stage(&uuid)).unwrap();
    assert_eq!(document(&created), shown, "{caller:?}: the answer is stored");
    assert!(after.remove(&Key::name(CREATED)).is_some(), "{caller:?}: the name is locked");
    assert_eq!(after, before, "{caller:?}: other items have not changed");
    uuid
}

#[tokio::test]
async fn permissions_for_all_stages_allow_create_and_destroy() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    for caller in &authorizers(&[VIEW, ADD, DELETE]) {
        let created = assert_creates(&app, caller).await;
        let answer = send(&app, destroy(&created), caller).await;
        assert_eq!(answer.status_and_body(), (204, Value::Null), "{caller:?}");
        assert_eq!(app.snapshot().await, before, "{caller:?}: the stage and its name are gone");
    }
}

#[tokio::test]
async fn create_needs_only_add_but_for_all_stages() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let add_here = format!("{ADD}:{STAGE}");
    let add_there = format!("{ADD}:{UNKNOWN}");
    for permissions in
        [&[VIEW, CHANGE, DELETE][..], &[VIEW, &*add_here], &[VIEW, &*add_there], &[&*add_here], &[]]
    {
        assert_refused(&app, &create(), permissions, (403, denied())).await;
    }
    for caller in &authorizers(&[ADD]) {
        assert_creates(&app, caller).await;
        app.restore(&before).await;
    }
}

#[tokio::test]
async fn destroy_needs_view_and_delete() {
    let app = TestApp::new().await;
    let view_here = format!("{VIEW}:{STAGE}");
    let delete_here = format!("{DELETE}:{STAGE}");
    for permissions in
        [&[VIEW, ADD, CHANGE][..], &[DELETE], &[&*delete_here], &[&*view_here, CHANGE], &[]]
    {
        assert_refused(&app, &destroy(STAGE), permissions, (403, denied())).await;
    }
}

/// The items without the first stage and the lock of its name.
fn without_first(before: &Snapshot) -> Snapshot {
    let mut others = before.clone();
    for key in [Key::stage(STAGE), Key::name("sms-setup")] {
        assert!(others.remove(&key).is_some(), "{key}");
    }
    others
}

#[tokio::test]
async fn delete_for_one_stage_allows_to_destroy_only_that_one() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let view_here = format!("{VIEW}:{STAGE}");
    let delete_here = format!("{DELETE}:{STAGE}");
    for (view, refusal) in [(VIEW, (403, denied())), (&*view_here, not_found())] {
        let permissions = [view, &*delete_here];
        assert_refused(&app, &destroy(OTHER_STAGE), &permissions, refusal).await;
        for caller in &authorizers(&permissions) {
            let answer = send(&app, destroy(STAGE), caller).await;
            assert_eq!(answer.status_and_body(), (204, Value::Null), "{caller:?}");
            assert_eq!(app.snapshot().await, without_first(&before), "{caller:?}");
            app.restore(&before).await;
        }
    }
}
