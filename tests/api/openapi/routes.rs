//! The documented paths and methods compared with the table of routes.

use std::collections::BTreeSet;

use authenticator_sms_stage::{
    api::route::{ROUTES, Route},
    http::precondition::Tags,
};
use serde_json::{Value, json};

use super::{
    document::{Described, Document, words},
    every_release::{OPERATOR, POWERLESS, app, request},
};
use crate::harness::{Request, STAGE, TRIGGERS, UNKNOWN};

/// The only path whose HEAD and OPTIONS are documented, as an example for all paths.
const STAGE_PATH: &str = "/stages/authenticator/sms/{stage_uuid}/";

fn template(route: &Route) -> String {
    format!("/{}/", route.path.join("/"))
}

#[test]
fn the_documented_operations_are_those_of_the_routes() {
    let document = Document::read();
    let mut served = BTreeSet::new();
    for route in &ROUTES {
        let path = template(route);
        let methods = route.methods.iter();
        let methods = methods.map(|(method, _, id)| (path.clone(), (*method).to_owned(), *id));
        served.extend(methods);
    }
    for (method, id) in
        [("HEAD", "stages_authenticator_sms_head"), ("OPTIONS", "stages_authenticator_sms_options")]
    {
        served.insert((STAGE_PATH.to_owned(), method.to_owned(), id));
    }
    let operations = document.operations();
    let described: BTreeSet<_> = operations
        .iter()
        .map(|operation| {
            (operation.path.to_owned(), operation.method.to_uppercase(), operation.id())
        })
        .collect();
    assert_eq!(described, served);
    assert_eq!(described.len(), operations.len(), "each once");
    // The browser page expands the first.
    assert_eq!(operations[0].id(), "stages_authenticator_sms_partial_update");
}

#[tokio::test]
async fn every_path_answers_with_a_documented_allow() {
    let document = Document::read();
    let app = app(None).await;
    let mut allowed = BTreeSet::new();
    for route in &ROUTES {
        let path = template(route).replace("{stage_uuid}", STAGE);
        for method in ["OPTIONS", "TRACE"] {
            let answer = app.send(&Request::get().method(method).path(&path)).await;
            assert_eq!(answer.status, if method == "TRACE" { 405 } else { 200 }, "{path}");
            assert_eq!(answer.header("allow"), Some(&*route.allow()), "{path}");
        }
        let mut methods: Vec<_> = route.methods.iter().map(|(method, _, _)| *method).collect();
        methods.extend(["HEAD", "OPTIONS"]);
        assert_eq!(route.allow(), methods.join(", "));
        allowed.insert(route.allow());
    }
    let documented = words(&document.at("/components/headers/Allow")["schema"]["enum"]);
    assert_eq!(documented.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), allowed);
}

#[tokio::test]
async fn every_operation_is_served_at_every_server_to_the_documented_callers() {
    let document = Document::read();
    let app = app(None).await;
    for operation in document.operations() {
        let path = operation.path.replace("{stage_uuid}", STAGE);
        let request = Request::patch("{").method(&operation.method.to_uppercase());
        for server in document.at("/servers").as_array().unwrap() {
            let prefix = server["url"].as_str().unwrap().trim_end_matches('/');
            for path in
                [format!("{prefix}{path}"), format!("{prefix}{}", path.trim_end_matches('/'))]
            {
                let answer = app.send(&request.clone().path(&path)).await;
                let is_served = ![404, 405, 501].contains(&answer.status);
                assert!(is_served, "{path}: {answer:?}");
            }
        }
        let anonymous = request.path(&path).header("Authorization", None);
        let is_refused = app.send(&anonymous).await.status == 403;
        assert_eq!(is_refused, operation.needs_credentials(), "{}", operation.id());
    }
    let scheme = document.at("/components/securitySchemes/authentik");
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document.at("/security"), &json!([{"authentik": []}]));
}

#[tokio::test]
async fn other_paths_are_answered_as_the_introduction_says() {
    let app = app(None).await;
    for (path, status) in
        [("/api/v3/core/users/", 501), ("/api/v3/", 501), ("/core/users/", 404), ("/", 404)]
    {
        assert_eq!(app.send(&Request::get().path(path)).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn head_has_the_status_and_the_headers_of_get_on_every_path() {
    let app = app(None).await;
    for route in &ROUTES {
        let template = template(route);
        for (stage, token) in [(STAGE, OPERATOR), (UNKNOWN, OPERATOR), (STAGE, POWERLESS)] {
            let path = template.replace("{stage_uuid}", stage);
            let status = match (&*template, token, stage) {
                ("/root/config/", _, _) => 200,
                (_, POWERLESS, _) => 403,
                (template, _, UNKNOWN) if template.contains("{stage_uuid}") => 404,
                _ => 200,
            };
            for trigger in TRIGGERS {
                let request = Request::get().path(&path).token(token).trigger(trigger);
                let get = app.send(&request).await;
                let head = app.send(&request.method("HEAD")).await;
                let why = format!("{path} {token} {trigger:?}");
                assert_eq!((get.status, get.body.is_null()), (status, false), "{why}");
                assert_eq!((head.status, head.headers), (status, get.headers), "{why}");
                assert_eq!(head.body, Value::Null, "{why}");
            }
        }
    }
}

/// The documented precondition headers of an operation.
fn preconditions<'d>(document: &'d Document, operation: &Described<'d>) -> Vec<&'d str> {
    let parameters = operation.parameters(document).into_iter();
    let headers = parameters.filter(|parameter| parameter["in"] == "header");
    headers.map(|parameter| parameter["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn preconditions_are_checked_where_they_are_documented() {
    let document = Document::read();
    let app = app(None).await;
    for operation in document.operations() {
        let documented = preconditions(&document, &operation);
        // The introduction says that both apply to every method of a stage, and what they mean for
        // a POST; each is listed where it is useful.
        let expected: &[&str] = match operation.method {
            "get" | "head" if operation.path == STAGE_PATH => &["If-None-Match"],
            "put" | "patch" | "delete" => &["If-Match"],
            _ => &[],
        };
        assert_eq!(documented, expected, "{}", operation.id());
        let counts = (operation.path == STAGE_PATH && operation.method != "options")
            || operation.method == "post";
        for header in ["If-Match", "If-None-Match"] {
            let answer = app.send(&request(&operation, "{}").header(header, "no tag")).await;
            let is_read = answer.status == 400 && answer.body["code"] != "invalid";
            assert_eq!(is_read, counts, "{} {header} {answer:?}", operation.id());
        }
    }
    let schema = document.schema("EntityTags");
    for (text, is_good) in [
        ("*", true),
        ("\"12-9f86d081\"", true),
        ("W/\"12-9f86d081\"", true),
        ("\"12-9f86d081\", W/\"x\"", true),
        ("\"\"", true),
        ("", false),
        ("12-9f86d081", false),
        ("\"12", false),
        ("*, \"x\"", false),
        ("\"a b\"", false),
    ] {
        assert_eq!(document.allows(schema, &json!(text)), is_good, "{text}");
        assert_eq!(Tags::parse(std::iter::once(text)).is_ok(), is_good, "{text}");
    }
}
