//! What is logged, and what is not: every test's log is searched for secrets as it is written.

use std::{sync::Mutex, time::Duration};

use authenticator_sms_stage::{
    handler::App,
    permission::{CHANGE, TokenKey, VIEW},
    request::Event,
    store::Secrets,
};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::harness::{House, Request, SECRETS, STAGE, logged};

/// Sends a request under a request id of its own, and returns its one line.
async fn line_of(house: &House, request: &Request) -> Value {
    let id = uuid::Uuid::new_v4().to_string();
    let event: Event = serde_json::from_str(&request.event().to_string()).unwrap();
    let mut context = Context::default();
    context.request_id.clone_from(&id);
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned());
    let Ok(_answer) = house.app.handle(LambdaEvent::new(event, context)).await;
    let lines = logged(&id);
    assert_eq!(lines.len(), 1, "one line for each request: {lines:?}");
    lines[0].clone()
}

/// The line without what differs from run to run.
fn steady(mut line: Value) -> Value {
    let line = line.as_object_mut().unwrap();
    assert!(line["milliseconds"].as_f64().unwrap() > 0.0);
    for member in ["timestamp", "request_id", "milliseconds"] {
        assert!(line.shift_remove(member).is_some(), "{member} is there");
    }
    json!(line)
}

#[tokio::test]
async fn an_accepted_patch_is_one_line_that_says_who_changed_what() {
    let house = House::new().await;
    let body = json!({"auth": "n3w-auth-secret", "auth_password": "n3w-password", "name": "n"});
    let line = line_of(&house, &Request::patch(body.to_string())).await;
    let expected = json!({
        "level": "INFO", "message": "answered", "target": "authenticator_sms_stage::record",
        "trace_id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "operation": "stages_authenticator_sms_partial_update", "stage": STAGE,
        "caller": "editor", "status": 200, "fields": "name,auth,auth_password",
        "revision_before": 1, "revision": 2, "store_calls": 3, "cold_start": true,
    });
    assert_eq!(steady(line), expected);
}

#[tokio::test]
async fn a_refusal_says_its_code_and_names_nobody_it_does_not_know() {
    let house = House::new().await;
    let line = line_of(&house, &Request::patch("{}").token("n3w-auth-secret")).await;
    let expected = json!({
        "level": "INFO", "message": "answered", "target": "authenticator_sms_stage::record",
        "trace_id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "operation": "stages_authenticator_sms_partial_update", "status": 403,
        "code": "authentication_failed", "fields": "", "store_calls": 1, "cold_start": true,
    });
    assert_eq!(steady(line), expected);
    let line = line_of(&house, &Request::patch(r#"{"auth": {"n3w-auth-secret": 1}}"#)).await;
    assert_eq!((&line["code"], &line["cold_start"]), (&json!("invalid"), &json!(false)));
}

#[tokio::test]
async fn a_broken_table_is_logged_with_its_cause_and_without_any_item() {
    let house = House::new().await;
    house.client.delete_table().table_name(&house.table_name).send().await.unwrap();
    let line = line_of(&house, &Request::patch("{}")).await;
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.starts_with("GetItem failed: ResourceNotFoundException"), "{cause}");
    assert_eq!((&line["level"], &line["status"]), (&json!("WARN"), &json!(503)));
}

#[tokio::test]
async fn a_request_has_its_line_of_metrics() {
    static METRICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let house = House::new().await;
    let app = App::new(house.table.clone(), Secrets::Echo, Duration::ZERO)
        .with_metrics(|line| METRICS.lock().unwrap().push(line.to_owned()));
    for request in [Request::patch(r#"{"name": "n"}"#), Request::patch("{}").token("nobody's")] {
        let event: Event = serde_json::from_str(&request.event().to_string()).unwrap();
        let Ok(_answer) = app.handle(LambdaEvent::new(event, Context::default())).await;
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
async fn the_watchman_would_have_seen_a_secret() {
    let house = House::new().await;
    let caller = TokenKey::new("a-key".to_owned()).hash();
    let permissions = [VIEW.to_owned(), CHANGE.to_owned()];
    // A user of this name is logged as the caller, and so must be noticed.
    house.table.put_token(&caller, SECRETS[4], &permissions, None).await.unwrap();
    let request = Request::patch("{}").token("a-key");
    let watched = tokio::spawn(async move { house.send(&request).await }).await;
    assert!(watched.unwrap_err().is_panic(), "whoever logs a secret fails");
}
