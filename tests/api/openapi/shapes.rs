//! The documented forms of answers compared with real ones, key by key.

use serde_json::{Map, Value, json};

use super::{
    document::{COMMON_STAGE, Document, FLOW_ANSWER, LISTED_FLOW, STAGE_ANSWER, keys, words},
    every_release::{OPERATOR, app},
};
use crate::harness::{Request, STAGE, TestApp, VIEWER, library::Secrets, stage_with};

async fn body(app: &TestApp, request: Request) -> Value {
    let answer = app.send(&request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Asserts that an object conforms to its schema, with exactly the schema's keys, in their order.
fn assert_shape(document: &Document, schema: &str, value: &Value) {
    let properties: Vec<_> = document.properties(schema).keys().collect();
    assert_eq!(keys(value), properties, "{schema}");
    assert_eq!(words(&document.schema(schema)["required"]), keys(value), "{schema}");
    let faults = document.faults(document.schema(schema), value);
    assert_eq!(faults, Vec::<String>::new(), "{schema}");
}

#[tokio::test]
async fn a_stage_has_the_documented_keys_for_every_caller() {
    let document = Document::read();
    for secrets in [None, Some(Secrets::Editors), Some(Secrets::Echo), Some(Secrets::WriteOnly)] {
        let app = app(secrets).await;
        for (request, may_change) in [
            (Request::get(), true),
            (Request::patch("{}"), true),
            (Request::get().token(VIEWER), false),
        ] {
            let stage = body(&app, request).await;
            assert_shape(&document, STAGE_ANSWER, &stage);
            assert_shape(&document, FLOW_ANSWER, &stage["flow_set"][0]);
            let is_shown = match secrets {
                None | Some(Secrets::Editors) => may_change,
                Some(Secrets::Echo) => true,
                Some(Secrets::WriteOnly) => false,
            };
            let whole = stage_with(json!({}));
            for secret in ["auth", "auth_password"] {
                let expected = if is_shown { whole[secret].clone() } else { json!("") };
                assert_eq!(stage[secret], expected, "{secrets:?}");
            }
        }
    }
}

#[tokio::test]
async fn lists_and_lookups_have_the_documented_keys() {
    let document = Document::read();
    let app = app(None).await;
    let get = |path: &str| Request::get().path(&format!("/api/v3{path}")).token(OPERATOR);
    for (path, list, entry) in [
        ("/stages/authenticator/sms/", "PaginatedAuthenticatorSMSStageList", STAGE_ANSWER),
        ("/stages/all/", "PaginatedStageList", COMMON_STAGE),
        ("/flows/instances/", "PaginatedFlowList", LISTED_FLOW),
    ] {
        for query in ["", "page_size=1", "search=nothing-has-this"] {
            let page = body(&app, get(path).query(query)).await;
            assert_shape(&document, list, &page);
            assert_shape(&document, "Pagination", &page["pagination"]);
            assert_eq!(page["autocomplete"], json!({}));
            let results = page["results"].as_array().unwrap();
            assert_eq!(results.is_empty(), query.starts_with("search"), "{path}?{query}");
            results.iter().for_each(|result| assert_shape(&document, entry, result));
        }
    }
    let used_by = body(&app, get(&format!("/stages/authenticator/sms/{STAGE}/used_by/"))).await;
    assert_eq!(used_by.as_array().unwrap().len(), 2);
    used_by.as_array().unwrap().iter().for_each(|entry| assert_shape(&document, "UsedBy", entry));
    let config = body(&app, get("/root/config/")).await;
    assert_shape(&document, "Config", &config);
    assert_shape(&document, "ErrorReportingConfig", &config["error_reporting"]);
}

#[tokio::test]
async fn read_only_members_of_a_request_change_nothing() {
    let document = Document::read();
    let app = app(None).await;
    let before = body(&app, Request::get()).await;
    let read_only = |schema: &str| -> Map<String, Value> {
        let properties = document.properties(schema).iter();
        let read_only = properties.filter(|(_, schema)| schema["readOnly"] == true);
        read_only
            .map(|(name, _)| (name.clone(), json!("00000000-0000-4000-8000-000000000000")))
            .collect()
    };
    let mut change = read_only(STAGE_ANSWER);
    let mut flows = before["flow_set"].clone();
    for (name, value) in read_only(FLOW_ANSWER) {
        flows[0][name] = value;
    }
    change.insert("flow_set".to_owned(), flows);
    let answer = app.send(&Request::patch(Value::from(change).to_string())).await;
    assert_eq!(answer.status_and_body(), (200, before));
}
