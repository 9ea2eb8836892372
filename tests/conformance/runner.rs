//! The recorded answers of the reference to PATCH requests, compared with the function's answers.
//!
//! `cases.json` was recorded from Django REST framework 3.16 with the orjson parser, and adapted to
//! the deliberate differences in docs/differences.md. Every case starts from `fixture.json`.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::harness::{Answer, Request, TestApp, Trigger, policy};

const CASES: &str = include_str!("cases.json");

#[derive(Deserialize)]
struct Case {
    id: String,
    group: String,
    note: String,
    body: Option<String>,
    body_b64: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: Map<String, Value>,
    status: u16,
    response: Option<Value>,
    detail_prefix: Option<String>,
    #[serde(default)]
    valid: bool,
    flow_set_normalized: Option<Vec<Map<String, Value>>>,
    response_without_flow_set: Option<Map<String, Value>>,
}

impl Case {
    fn request(&self, trigger: Trigger) -> Request {
        let body = match (&self.body, &self.body_b64) {
            (_, Some(base64)) => STANDARD.decode(base64).unwrap(),
            (Some(text), None) => text.clone().into_bytes(),
            (None, None) => Vec::new(),
        };
        let mut request = Request::patch(body).trigger(trigger);
        if let Some(path) = &self.path {
            request = request.path(path);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value.as_str());
        }
        request
    }

    /// Compares the answer with the recorded one.
    fn check(&self, answer: &Answer) -> Result<(), String> {
        if answer.status != self.status {
            return Err(format!("status {}, not {}: {}", answer.status, self.status, answer.body));
        }
        if let Some(prefix) = &self.detail_prefix {
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            let code = &self.response.as_ref().unwrap()["code"];
            let is_so = detail.starts_with(prefix) && answer.body["code"] == *code;
            return if is_so { Ok(()) } else { Err(answer.body.to_string()) };
        }
        if self.valid {
            return self.check_flows(answer);
        }
        let expected = self.response.as_ref().unwrap();
        if answer.body == *expected { Ok(()) } else { Err(answer.body.to_string()) }
    }

    /// Checks an accepted `flow_set`: the fields as they were sent, the model's defaults for the
    /// others, and the members that the server generates.
    fn check_flows(&self, answer: &Answer) -> Result<(), String> {
        let mut body = answer.body.as_object().cloned().unwrap_or_default();
        let flows = body.shift_remove("flow_set").unwrap_or_default();
        if body != *self.response_without_flow_set.as_ref().unwrap() {
            return Err(answer.body.to_string());
        }
        let flows = flows.as_array().cloned().unwrap_or_default();
        let sent = self.flow_set_normalized.as_ref().unwrap();
        if flows.len() != sent.len() {
            return Err(format!("{} flows, not {}", flows.len(), sent.len()));
        }
        let mut keys = HashSet::new();
        for (flow, sent) in flows.iter().zip(sent) {
            let mut expected = serde_json::json!({
                "policy_engine_mode": "any",
                "compatibility_mode": false,
                "layout": "stacked",
                "denied_action": "message_continue",
                "background": "/static/dist/assets/images/flow_background.jpg",
            });
            for (field, value) in sent {
                expected[field] = value.clone();
            }
            let slug = sent["slug"].as_str().unwrap();
            expected["export_url"] = format!("/api/v3/flows/instances/{slug}/export/").into();
            for key in ["pk", "policybindingmodel_ptr_id"] {
                let uuid = flow[key].as_str().and_then(|key| Uuid::try_parse(key).ok());
                if !uuid.is_some_and(|uuid| keys.insert(uuid)) {
                    return Err(format!("{key} is not a new UUID: {flow}"));
                }
                expected[key] = flow[key].clone();
            }
            if *flow != expected {
                return Err(format!("{flow}, not {expected}"));
            }
        }
        Ok(())
    }
}

async fn run_all(trigger: Trigger) {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let mut failures = Vec::new();
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    for case in &cases {
        let answer = app.send(&case.request(trigger)).await;
        policy::assert_allowed(&app.dynamodb.calls());
        let after = app.snapshot().await;
        if let Err(failure) = case.check(&answer) {
            failures.push(format!("{} ({}, {}): {failure}", case.id, case.group, case.note));
        }
        let is_same = after == before;
        if case.status != 200 && !is_same {
            failures.push(format!("{} was refused and changed the table", case.id));
        }
        if !is_same {
            // The next case starts from the fixture again.
            app.restore(&before).await;
        }
    }
    assert_eq!(cases.len(), 456, "the number of recorded cases");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test]
async fn all_cases_are_answered_as_recorded_through_the_http_api() {
    run_all(Trigger::HttpApi).await;
}

#[tokio::test]
async fn all_cases_are_answered_as_recorded_through_the_rest_api() {
    run_all(Trigger::RestApi).await;
}
