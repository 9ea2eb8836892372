//! The example requests, and the requests that a new stage links to, sent to the function.

use serde_json::{Value, json};

use super::{
    document::{Described, Document},
    every_release::{app, request},
};
use crate::harness::library::Secrets;

#[tokio::test]
async fn every_example_request_is_accepted() {
    let document = Document::read();
    for secrets in [Secrets::Editors, Secrets::WriteOnly] {
        for operation in document.operations() {
            let Some(content) = operation.body() else { continue };
            for (name, example) in content["examples"].as_object().unwrap() {
                // The browser page shows the summary.
                assert!(example["summary"].is_string(), "{name}");
                let body = &example["value"];
                let faults = document.faults(&content["schema"], body);
                assert_eq!(faults, Vec::<String>::new(), "{} {name}", operation.id());
                let app = app(Some(secrets)).await;
                let answer = app.send(&request(&operation, &body.to_string())).await;
                let expected = if operation.method == "post" { 201 } else { 200 };
                assert_eq!(answer.status, expected, "{} {name}: {answer:?}", operation.id());
            }
        }
    }
}

#[tokio::test]
async fn every_link_from_a_new_stage_leads_to_it() {
    let document = Document::read();
    let app = app(None).await;
    let create = document.operation("stages_authenticator_sms_create");
    let body = create.body().unwrap()["examples"]["twilio"]["value"].to_string();
    let created = app.send(&request(&create, &body)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let links = create.text["responses"]["201"]["links"].as_object().unwrap();
    let mut followed: Vec<_> = Vec::new();
    for link in links.values() {
        let operation = document.operation(link["operationId"].as_str().unwrap());
        assert_eq!(link["parameters"], json!({"stage_uuid": "$response.body#/pk"}));
        let pk = created.body.pointer("/pk").and_then(Value::as_str).unwrap();
        let path = format!("/api/v3{}", operation.path.replace("{stage_uuid}", pk));
        let answer = app.send(&request(&operation, &body).path(&path)).await;
        let expected = if operation.method == "delete" { 204 } else { 200 };
        assert_eq!(answer.status, expected, "{}: {answer:?}", operation.id());
        followed.push(operation.id());
    }
    let mut expected: Vec<_> = (document.operations().iter())
        .filter(|operation| operation.names_a_stage())
        .filter(|operation| !["head", "options"].contains(&operation.method))
        .map(Described::id)
        .collect();
    followed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(followed, expected, "a link to each operation of one stage");
}
