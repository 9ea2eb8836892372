//! The log of requests. The harness searches each test's log for secrets as it is written.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::harness::{
    GOOD, Key, LONG, Request, SECRETS, STAGE, TRIGGERS, TestApp, TestSettings, dynamodb,
    invocation_of,
    library::{self, CHANGE, VIEW, sha256_hex},
    logged, write_ids,
};

/// Sends a request with its own request id, and returns its only line.
async fn line_of(app: &TestApp, request: &Request) -> Value {
    line_of_invocation(app, request, Context::default()).await
}

async fn line_of_invocation(app: &TestApp, request: &Request, mut context: Context) -> Value {
    let id = uuid::Uuid::new_v4().to_string();
    let event = request.library_event();
    context.request_id.clone_from(&id);
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned());
    let Ok(_answer) = app.function.handle(LambdaEvent::new(event, context)).await;
    let lines = logged(&id);
    assert_eq!(lines.len(), 1, "one line for each request: {lines:?}");
    lines[0].clone()
}

/// The line without the members that differ from run to run.
fn stable(mut line: Value) -> Value {
    let line = line.as_object_mut().unwrap();
    assert!(line["milliseconds"].as_f64().unwrap() > 0.0);
    for member in ["timestamp", "request_id", "milliseconds"] {
        assert!(line.shift_remove(member).is_some(), "{member} is logged");
    }
    json!(line)
}

#[tokio::test]
async fn an_accepted_patch_logs_one_line_with_its_caller_and_fields() {
    let app = TestApp::new().await;
    let body = json!({"auth": "n3w-auth-secret", "auth_password": "n3w-password", "name": "n"});
    let mut line = line_of(&app, &Request::patch(body.to_string())).await;
    let write_id = line.as_object_mut().unwrap().shift_remove("write_id").unwrap();
    let stored = &app.snapshot().await[&Key::stage(STAGE)];
    assert_eq!(write_id, write_ids(stored)[0], "the line and the item have the same write id");
    let expected = json!({
        "level": "INFO", "message": "answered", "target": "authenticator_sms_stage::telemetry::audit",
        "trace_id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "operation": "stages_authenticator_sms_partial_update", "stage": STAGE,
        "method": "PATCH", "path": format!("/api/v3/stages/authenticator/sms/{STAGE}/"),
        "caller": "editor", "token": &sha256_hex(GOOD)[..12], "certain": true, "status": 200, "fields": "name,auth,auth_password",
        "revision_before": 1, "revision": 2, "store_calls": 3, "cold_start": true,
    });
    assert_eq!(stable(line), expected);
}

#[tokio::test]
async fn a_refusal_logs_its_code_but_no_unknown_caller() {
    let app = TestApp::new().await;
    let line = line_of(&app, &Request::patch("{}").token("n3w-auth-secret")).await;
    let expected = json!({
        "level": "INFO", "message": "answered", "target": "authenticator_sms_stage::telemetry::audit",
        "trace_id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "operation": "stages_authenticator_sms_partial_update", "status": 403,
        "method": "PATCH", "path": format!("/api/v3/stages/authenticator/sms/{STAGE}/"),
        "code": "authentication_failed", "store_calls": 1, "cold_start": true,
    });
    assert_eq!(stable(line), expected);
    let line = line_of(&app, &Request::patch(r#"{"auth": {"n3w-auth-secret": 1}}"#)).await;
    assert_eq!((&line["code"], &line["cold_start"]), (&json!("invalid"), &json!(false)));
}

#[tokio::test]
async fn a_failing_table_is_logged_with_its_cause_and_without_any_item() {
    let app = TestApp::new().await;
    app.client.delete_table().table_name(&app.table_name).send().await.unwrap();
    let line = line_of(&app, &Request::patch("{}")).await;
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.starts_with("GetItem failed: ResourceNotFoundException"), "{cause}");
    assert_eq!((&line["level"], &line["status"]), (&json!("ERROR"), &json!(500)));
}

/// The number of bytes of a path that are logged.
const PATH_BYTES: usize = 256;

#[tokio::test]
async fn only_the_beginning_of_a_very_long_path_is_logged() {
    let app = TestApp::new().await;
    let path = |bytes: usize, end: &str| format!("/{}{end}", "p".repeat(bytes - 1));
    for (sent, logged_bytes, why) in [
        (path(PATH_BYTES - 1, ""), PATH_BYTES - 1, "one less than the most"),
        (path(PATH_BYTES, ""), PATH_BYTES, "the most"),
        (path(PATH_BYTES + 1, ""), PATH_BYTES, "one more"),
        (path(100_000, ""), PATH_BYTES, "many more"),
        (path(PATH_BYTES - 2, "é"), PATH_BYTES, "a character that just fits"),
        (path(PATH_BYTES - 1, "é"), PATH_BYTES - 1, "a character is not cut: two bytes"),
        (path(PATH_BYTES - 1, "😀/end"), PATH_BYTES - 1, "four bytes, after the first"),
        (path(PATH_BYTES - 3, "😀/end"), PATH_BYTES - 3, "four bytes, before the last"),
    ] {
        for trigger in TRIGGERS {
            let request = Request::get().path(&sent).trigger(trigger);
            let line = line_of(&app, &request).await;
            let expected = &sent[..logged_bytes];
            assert_eq!(line["path"].as_str(), Some(expected), "{why}, {trigger:?}");
            assert_eq!(
                [&line["method"], &line["status"], &line["code"]],
                [&json!("GET"), &json!(404), &json!("not_found")],
                "{why}, {trigger:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_runs_out_of_time_logs_its_fields() {
    let app = TestApp::new().await;
    app.dynamodb.intercept(|call, _, _| {
        (call.operation == "UpdateItem").then(|| HttpConnectorFuture::new(std::future::pending()))
    });
    let request = Request::patch(r#"{"friendly_name": "n", "verify_only": true}"#);
    let mut time = Duration::from_secs(1);
    let line = loop {
        let line = line_of_invocation(&app, &request, invocation_of(time)).await;
        if app.dynamodb.operations().iter().any(|operation| operation == "UpdateItem") {
            break line;
        }
        // On a busy machine, the time may end before the call.
        time *= 2;
        assert!(time < LONG, "the call was never made: {line}");
    };
    assert_eq!(
        [&line["level"], &line["status"], &line["fields"], &line["certain"], &line["cause"]],
        [
            &json!("WARN"),
            &json!(503),
            &json!("friendly_name,verify_only"),
            &json!(false),
            &json!("the request failed: the invocation ran out of time"),
        ],
    );
}

#[tokio::test]
async fn every_request_has_one_line_of_metrics() {
    static METRICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let app = TestApp::new().await;
    let function = library::app(&app.table, &TestSettings::default())
        .with_metrics(|line| METRICS.lock().unwrap().push(line.to_owned()));
    for request in [Request::patch(r#"{"name": "n"}"#), Request::patch("{}").token("unknown")] {
        let event = LambdaEvent::new(request.library_event(), Context::default());
        let Ok(_answer) = function.handle(event).await;
    }
    let lines = METRICS.lock().unwrap();
    let counts = |line: &str| -> Value {
        let line: Value = serde_json::from_str(line).unwrap();
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().clone();
        for metric in declared {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} in {line}");
        }
        json!([line["Route"], line["StoreCalls"], line["StoreErrors"], line["Denied"]])
    };
    let counted: Vec<_> = lines.iter().map(|line| counts(line)).collect();
    let route = "stages_authenticator_sms";
    assert_eq!(counted, [json!([route, 3, 0, 0]), json!([route, 1, 0, 1])]);
}

#[tokio::test]
async fn a_logged_secret_fails_the_test() {
    let app = TestApp::new().await;
    // The user's name is logged as the caller.
    library::put_token(&app.table, "a-key", SECRETS[0], &[VIEW, CHANGE], None).await;
    let request = Request::patch("{}").token("a-key");
    let sending = tokio::spawn(async move { app.send(&request).await }).await;
    assert!(sending.unwrap_err().is_panic(), "the secret was not found");
}

#[tokio::test]
async fn a_change_that_was_found_to_be_made_is_logged_as_certain() {
    let app = TestApp::new().await;
    let is_lost = AtomicBool::new(false);
    app.dynamodb.intercept(move |call, request, engine| {
        let is_first = call.operation == "UpdateItem" && !is_lost.swap(true, Ordering::Relaxed);
        let engine = engine.clone();
        is_first.then(|| {
            HttpConnectorFuture::new(async move {
                engine.call(request).await?;
                Err(dynamodb::reset())
            })
        })
    });
    let line = line_of(&app, &Request::patch(r#"{"friendly_name": "n"}"#)).await;
    assert_eq!(
        [&line["status"], &line["certain"], &line["revision_before"], &line["revision"]],
        [&json!(200), &json!(true), &json!(1), &json!(2)],
    );
}
