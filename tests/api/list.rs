//! Lists of the table's stages and flows: the calls that they make, and their order.

mod several_answers;

use serde_json::{Value, json};

use crate::harness::{FIXTURE, Request, TestApp, UNKNOWN, detail, library};

#[tokio::test]
async fn an_invalid_filter_is_refused_before_the_stages_are_read() {
    let app = TestApp::new().await;
    for (query, status, operations) in [
        ("provider=twilio", 200, &["GetItem", "Query"][..]),
        ("provider=unknown", 400, &["GetItem"]),
        ("stage_uuid=1&configure_flow=x", 400, &["GetItem"]),
    ] {
        app.dynamodb.operations();
        let answer = app.send(&Request::list().query(query)).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert_eq!(app.dynamodb.operations(), operations, "{query}");
    }
}

/// A caller who may view no existing stage does not learn that a filter is invalid.
#[tokio::test]
async fn permission_for_single_stages_takes_precedence_over_an_invalid_filter() {
    let app = TestApp::new().await;
    let view = format!("{}:{}", library::VIEW, UNKNOWN);
    library::put_token(&app.table, "a-key", "one-stage", &[&view], None).await;
    let answer = app.send(&Request::list().query("provider=unknown").token("a-key")).await;
    let text = "You do not have permission to perform this action.";
    assert_eq!(answer.status_and_body(), (403, detail("permission_denied", text)));
}

/// A message echoes only the beginning of a value.
#[tokio::test]
async fn no_message_is_longer_than_the_value_that_it_is_about() {
    let app = TestApp::new().await;
    let long = "x".repeat(10_000);
    let flows = Request::get().path("/api/v3/flows/instances/");
    let patch = |field: &str| Request::patch_json(&json!({field: long}));
    for (why, request, status) in [
        ("a designation", flows.query(&format!("designation={long}")), 400),
        ("a provider", Request::list().query(&format!("provider={long}")), 400),
        ("a reference", Request::list().query(&format!("mapping={long}")), 400),
        ("a stage", Request::get().stage(&long), 400),
        ("a method", Request::get().method(&long), 405),
        ("a content type", Request::patch("{}").header("content-type", &*long), 415),
        ("a choice", patch("auth_type"), 400),
        ("a key", patch("configure_flow"), 400),
    ] {
        let answer = app.send(&request).await;
        assert_eq!(answer.status, status, "{why}");
        // The function converts methods to upper case.
        let text = answer.body.to_string().to_lowercase();
        assert!(text.contains(&format!("{}…", &long[..2_000])), "{why}: {text}");
        assert!(text.len() < 2_200, "{why}: {} bytes", text.len());
    }
}

#[tokio::test]
async fn flows_are_sorted_by_the_first_known_term() {
    let app = TestApp::new().await;
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let sorted = |key: &str, is_descending: bool| {
        let mut flows = fixture["flows"].as_array().unwrap().clone();
        flows.sort_by_key(|flow| flow[key].as_str().unwrap().to_owned());
        if is_descending {
            flows.reverse();
        }
        flows.iter().map(|flow| flow["slug"].clone()).collect::<Vec<_>>()
    };
    for (ordering, expected) in [
        ("", sorted("slug", false)),
        ("name", sorted("name", false)),
        ("-name", sorted("name", true)),
        ("slug", sorted("slug", false)),
        ("-slug", sorted("slug", true)),
        ("-unknown", sorted("slug", false)),
        ("--name", sorted("slug", false)),
        ("unknown, -name ,slug", sorted("name", true)),
    ] {
        let request = Request::get().path("/api/v3/flows/instances/");
        let answer = app.send(&request.query(&format!("ordering={ordering}"))).await;
        let results = answer.body["results"].as_array().unwrap();
        let slugs: Vec<_> = results.iter().map(|flow| flow["slug"].clone()).collect();
        assert_eq!(json!(slugs), json!(expected), "{ordering:?}");
    }
}
