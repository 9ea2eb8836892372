//! The documented answers compared with the real ones: statuses, headers, bodies, codes.

use std::collections::BTreeSet;

use authenticator_sms_stage::{
    error::{Error, Remedy, StoreError},
    patch::{Completeness, parse},
    response::respond,
    validation::{Field, FieldError, Problem, ValidationError},
};
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use lambda_http::Body;
use serde_json::{Value, json};

use super::document::Document;
use crate::harness::{
    Answer, Request, TestApp, UNKNOWN, VIEWER, dynamodb,
    library::{ALLOW, BODY_BYTES_MAX, Event, Secrets},
};

/// The error after this one. A new error does not compile until it is in this chain. Values that a
/// client sent are those of the document's examples.
fn next(error: &Error) -> Option<Error> {
    let store = |remedy| Error::Store(StoreError { remedy, operation: "x", cause: "x".to_owned() });
    Some(match error {
        Error::NoRoute => Error::MethodNotAllowed("POST".to_owned()),
        Error::MethodNotAllowed(_) => Error::BadRequest("The request cannot be read."),
        Error::BadRequest(_) => Error::NotAuthenticated,
        Error::NotAuthenticated => Error::UnsupportedAuthentication,
        Error::UnsupportedAuthentication => Error::BadToken,
        Error::BadToken => Error::BadStageUuid("x".to_owned()),
        Error::BadStageUuid(_) => Error::Denied,
        Error::Denied => Error::BodyTooLarge,
        Error::BodyTooLarge => Error::UnsupportedMediaType("text/plain".to_owned()),
        Error::UnsupportedMediaType(_) => Error::BadEntityTags,
        Error::BadEntityTags => {
            Error::Parse(serde_json::from_str::<Value>("{").unwrap_err().to_string())
        }
        Error::Parse(_) => Error::Missing,
        Error::Missing => Error::PreconditionFailed,
        Error::PreconditionFailed => Error::Outrun,
        Error::Outrun => store(Remedy::TryLater),
        Error::Store(StoreError { remedy: Remedy::TryLater, .. }) => store(Remedy::Repair),
        Error::Store(StoreError { remedy: Remedy::Repair, .. }) => {
            Error::Invalid(refused(json!(null)))
        }
        Error::Invalid(ValidationError::Body(_)) => Error::Invalid(refused(json!({"flow_set": [
            {"name": "n", "slug": "s", "title": "t", "designation": "recovery"},
            {"name": "n", "title": "t", "designation": "recovery"},
        ]}))),
        Error::Invalid(ValidationError::Fields(fields)) if fields.contains_key(&Field::FlowSet) => {
            let mut errors = refused(json!({"provider": "x"}));
            if let ValidationError::Fields(fields) = &mut errors {
                fields.insert(Field::Name, FieldError::Field(vec![Problem::NameTaken]));
            }
            Error::Invalid(errors)
        }
        Error::Invalid(ValidationError::Fields(_)) => return None,
    })
}

fn refused(body: Value) -> ValidationError {
    parse(body, Completeness::Partial).unwrap_err().errors
}

/// Every error's status and body.
fn refusals() -> BTreeSet<(u16, String)> {
    let mut refusals = BTreeSet::new();
    let mut error = Some(Error::NoRoute);
    while let Some(this) = error {
        error = next(&this);
        let (response, summary) = respond(&Err(this), false, Secrets::Echo);
        let Body::Text(body) = response.body() else { panic!("{response:?}") };
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["code"].as_str(), summary.code);
        refusals.insert((summary.status, body.to_string()));
    }
    refusals
}

/// The examples of a documented answer.
fn examples(response: &Value) -> Vec<&Value> {
    let content = &response["content"]["application/json"];
    let named = content["examples"].as_object().into_iter().flatten();
    named.map(|(_, example)| &example["value"]).chain(content.get("example")).collect()
}

#[test]
fn every_error_has_an_example_and_every_example_is_an_error() {
    let document = Document::read();
    let mut documented = BTreeSet::new();
    for (status, response) in document.operation("PATCH")["responses"].as_object().unwrap() {
        let response = document.resolve(response);
        for example in examples(response) {
            let schema = &response["content"]["application/json"]["schema"];
            assert_eq!(document.faults(schema, example), Vec::<String>::new(), "{status}");
            documented.insert((status.parse::<u16>().unwrap(), example.to_string()));
        }
    }
    let refused = documented.iter().filter(|(status, _)| *status >= 400).cloned().collect();
    let refusals = refusals();
    let missing: Vec<_> = refusals.difference(&refused).collect();
    assert!(missing.is_empty(), "without an example: {missing:#?}");
    let unused: Vec<_> = refused.difference(&refusals).collect();
    assert!(unused.is_empty(), "never answered: {unused:#?}");
}

/// Fails unless the document has the answer for the method.
fn assert_documented(document: &Document, method: &str, answer: &Answer) {
    let place = format!("{method} {}", answer.status);
    let response = &document.operation(method)["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{place} is not documented: {answer:?}");
    let response = document.resolve(response);
    let content = &response["content"]["application/json"];
    if content.is_null() {
        assert_eq!(answer.body, Value::Null, "{place} has no body");
    } else {
        assert_eq!(
            document.faults(&content["schema"], &answer.body),
            Vec::<String>::new(),
            "{place}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{place}");
        if let Some(code) = answer.body.get("code") {
            let mut codes = examples(response).into_iter().map(|example| &example["code"]);
            assert!(codes.any(|known| known == code), "{place}: {code} is in no example");
        }
    }
    let mut undocumented: BTreeSet<_> = answer.headers.keys().map(String::as_str).collect();
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let header = document.resolve(header);
        assert_eq!(header["required"], true, "{place}: {name} always comes");
        let value = answer.header(&name.to_lowercase());
        let value = value.unwrap_or_else(|| panic!("{place} has no {name}"));
        let value = match header["schema"]["type"].as_str() {
            Some("integer") => serde_json::from_str(value).unwrap(),
            _ => json!(value),
        };
        assert_eq!(document.faults(&header["schema"], &value), Vec::<String>::new(), "{place}");
        undocumented.remove(&*name.to_lowercase());
    }
    // OpenAPI documents it in `content`, not in `headers`; and a HEAD has the headers of the GET.
    undocumented.remove("content-type");
    assert!(undocumented.is_empty(), "{place}: {undocumented:?}");
}

/// A failure of the table.
#[derive(Clone, Copy)]
enum Failure {
    None,
    /// Every condition fails, as if another writer had always been faster.
    Conflict,
    /// The function has no permission for the table.
    Forbidden,
    /// DynamoDB fails.
    Failing,
}

impl Failure {
    fn answer(self, operation: &str) -> Option<HttpConnectorFuture> {
        let (status, kind) = match self {
            Self::Conflict if operation == "UpdateItem" => (400, "ConditionalCheckFailedException"),
            Self::Conflict | Self::None => return None,
            Self::Forbidden => (400, "AccessDeniedException"),
            Self::Failing => (500, "InternalServerError"),
        };
        Some(dynamodb::error(status, kind, "of the test"))
    }
}

/// Every status of a method, with a request and a failure that lead to it.
fn statuses(method: &str) -> Vec<(u16, Request, Failure)> {
    let good = |body: &str| Request::patch(body).method(method);
    if method == "OPTIONS" {
        return vec![
            (204, good(""), Failure::None),
            (404, good("").path("/api/v3/stages/"), Failure::None),
        ];
    }
    let mut statuses = vec![
        (400, good("{}").stage("x"), Failure::None),
        (403, good("{}").header("Authorization", None), Failure::None),
        (403, good("{}").header("Authorization", "Basic eDp5"), Failure::None),
        (403, good("{}").token("unknown"), Failure::None),
        (404, good("{}").path("/api/v3/stages/"), Failure::None),
        (500, good("{}"), Failure::Forbidden),
        (503, good("{}"), Failure::Failing),
    ];
    let body = json!({
        "name": "n", "provider": "generic", "from_number": "1", "account_sid": "https://x",
        "auth": "a", "flow_set": [],
    });
    let body = body.to_string();
    if ["GET", "HEAD"].contains(&method) {
        statuses.extend([
            (200, good("").token(VIEWER), Failure::None),
            (304, good("").header("If-None-Match", "*"), Failure::None),
            (400, good("").header("If-None-Match", "x"), Failure::None),
            (404, good("").stage(UNKNOWN), Failure::None),
        ]);
    } else {
        let full = json!({"name": "n", "flow_set": [], "auth": "x".repeat(BODY_BYTES_MAX)});
        statuses.extend([
            (200, good(&body), Failure::None),
            (400, good(r#"{"name": null, "flow_set": [{}], "auth": 7}"#), Failure::None),
            (400, good("null"), Failure::None),
            (400, good("{"), Failure::None),
            (400, good(&body).header("If-Match", "x"), Failure::None),
            (403, good(&body).token(VIEWER), Failure::None),
            (404, good(&body).stage(UNKNOWN), Failure::None),
            (409, good(&body), Failure::Conflict),
            (412, good(&body).header("If-Match", "\"0-00000000\""), Failure::None),
            (413, good(&full.to_string()), Failure::None),
            (415, good(&body).header("Content-Type", "text/plain"), Failure::None),
        ]);
    }
    statuses
}

#[tokio::test]
async fn every_documented_status_is_answered_as_documented() {
    let document = Document::read();
    let app = TestApp::new().await;
    for method in ALLOW.split(", ") {
        let mut reached = BTreeSet::new();
        for (status, request, failure) in statuses(method) {
            app.dynamodb.intercept(move |seen, _, _| failure.answer(&seen.operation));
            let answer = app.send(&request).await;
            app.dynamodb.stop_intercepting();
            assert_eq!(answer.status, status, "{request:?} {answer:?}");
            assert_documented(&document, method, &answer);
            reached.insert(status.to_string());
        }
        reached.extend(unreadable(&document, &app, method).await);
        let documented = document.operation(method)["responses"].as_object().unwrap();
        // 405 is for the methods that the path does not have. OpenAPI has no other place for it.
        let documented: BTreeSet<_> =
            documented.keys().filter(|status| *status != "405").cloned().collect();
        assert_eq!(reached, documented, "{method}");
    }
}

/// Sends an event whose headers cannot be read.
async fn unreadable(document: &Document, app: &TestApp, method: &str) -> Option<String> {
    let mut event = Request::get().method(method).event();
    event["headers"] = json!(["x"]);
    let event: Event = serde_json::from_str(&event.to_string()).unwrap();
    let answer = app.handle(event).await;
    // The method is not known either, so that a HEAD is answered with a body.
    if method != "HEAD" {
        assert_documented(document, method, &answer);
    }
    Some(answer.status.to_string())
}

#[tokio::test]
async fn another_method_is_refused_as_documented() {
    let document = Document::read();
    let app = TestApp::new().await;
    for method in ["POST", "DELETE", "TRACE", "patch"] {
        let answer = app.send(&Request::patch("{}").method(method)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(ALLOW)));
        for documented in ["GET", "PUT", "PATCH"] {
            assert_documented(&document, documented, &answer);
        }
    }
}
