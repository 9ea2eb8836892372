//! The documented errors compared with the table of errors: each has an example, word for word.

use std::collections::{BTreeMap, BTreeSet};

use authenticator_sms_stage::{
    api::{answer::respond, error::Error, route::ROUTES},
    contract::{Contract, Secrets},
    stage::{
        body::Body,
        echo::Echo,
        field::Field,
        patch::{Completeness, Patch},
        problem::{FieldProblems, Problem, Problems},
    },
    store::error::{Retry, StoreError},
};
use serde_json::{Value, json};

use super::document::Document;

/// The error after this one. A new error does not compile until it is in this chain. Values that a
/// client sent are the ones in the document's examples.
fn next(error: &Error) -> Option<Error> {
    Some(match error {
        Error::NoRoute => Error::NotImplemented,
        Error::NotImplemented => {
            Error::MethodNotAllowed { method: Echo::of("TRACE"), allow: ROUTES[0].allow() }
        }
        Error::MethodNotAllowed { .. } => Error::BadRequest("The request cannot be read."),
        Error::BadRequest(_) => Error::NotAuthenticated,
        Error::NotAuthenticated => Error::UnsupportedAuthentication,
        Error::UnsupportedAuthentication => Error::BadToken,
        Error::BadToken => Error::BadStageUuid(Echo::of("x")),
        Error::BadStageUuid(_) => Error::Denied,
        Error::Denied => Error::NotFound,
        Error::NotFound => Error::BodyTooLarge,
        Error::BodyTooLarge => Error::UnsupportedMediaType(Echo::of("text/plain")),
        Error::UnsupportedMediaType(_) => {
            Error::NotJson(serde_json::from_str::<Value>("{").unwrap_err().to_string())
        }
        Error::NotJson(_) => Error::TooManyValues,
        Error::TooManyValues => Error::BadEntityTags,
        Error::BadEntityTags => {
            Error::BadParameters(vec![("provider", Problem::NotAnOption(Echo::of("x")))])
        }
        Error::BadParameters(_) => Error::InvalidPage,
        Error::InvalidPage => Error::PreconditionFailed,
        Error::PreconditionFailed => Error::Conflict,
        Error::Conflict => Error::AnswerTooLarge,
        Error::AnswerTooLarge => Error::Store(StoreError::retryable("x", "x")),
        Error::Store(StoreError { retry: Retry::Retryable, .. }) => {
            Error::Store(StoreError::permanent("x", "x"))
        }
        Error::Store(StoreError { retry: Retry::Permanent, .. }) => refused("null"),
        Error::Invalid(Problems::Body(_)) => refused(
            r#"{"flow_set": [
                {"name": "n", "slug": "s", "title": "t", "designation": "recovery"},
                {"name": "n", "title": "t", "designation": "recovery"}
            ]}"#,
        ),
        Error::Invalid(Problems::Fields(fields)) if fields.contains_key(&Field::FLOW_SET) => {
            let Error::Invalid(problems) = refused(r#"{"provider": "x"}"#) else { return None };
            let taken = FieldProblems::Field(vec![Problem::NameTaken]);
            Error::Invalid(problems.with(BTreeMap::from([(Field::NAME, taken)])))
        }
        Error::Invalid(Problems::Fields(_)) => return None,
    })
}

fn refused(body: &str) -> Error {
    let body = Body::from_json(body.as_bytes()).unwrap();
    let rules = Contract::default().rules(Secrets::Editors);
    Error::Invalid(Patch::parse(body, &rules, Completeness::Partial).unwrap_err().problems)
}

/// Every error's status and body.
fn errors() -> BTreeSet<(u16, String)> {
    let mut errors = BTreeSet::new();
    let mut error = Some(Error::NoRoute);
    while let Some(this) = error {
        error = next(&this);
        let (response, code) = respond(&mut Err(this), Contract::default());
        let body: Value = serde_json::from_str(&response.body.unwrap()).unwrap();
        assert_eq!(body["code"].as_str(), code);
        errors.insert((response.status.as_u16(), body.to_string()));
    }
    errors
}

#[test]
fn every_error_has_an_example_and_every_example_is_an_error() {
    let document = Document::read();
    let mut examples = BTreeSet::new();
    for operation in document.operations() {
        for (status, response) in operation.responses(&document) {
            let schema = &response["content"]["application/json"]["schema"];
            for example in document.examples(response) {
                let faults = document.faults(schema, example);
                assert_eq!(faults, Vec::<String>::new(), "{} {status}", operation.id());
                if status >= 400 {
                    examples.insert((status, example.to_string()));
                }
            }
        }
    }
    let errors = errors();
    let missing: Vec<_> = errors.difference(&examples).collect();
    assert!(missing.is_empty(), "without an example: {missing:#?}");
    let unused: Vec<_> = examples.difference(&errors).collect();
    assert!(unused.is_empty(), "never returned: {unused:#?}");
}

#[test]
fn every_code_of_an_answer_has_an_example() {
    let document = Document::read();
    for operation in document.operations() {
        for (status, response) in operation.responses(&document) {
            let content = &response["content"]["application/json"];
            if status < 400 || content.is_null() {
                continue;
            }
            let examples = document.examples(response);
            let codes: BTreeSet<_> =
                examples.iter().map(|example| example["code"].as_str().unwrap()).collect();
            assert_eq!(document.codes(&content["schema"]), codes, "{} {status}", operation.id());
            // No other code conforms.
            let other = json!({"detail": "x", "code": "other"});
            assert!(!document.allows(&content["schema"], &other), "{} {status}", operation.id());
        }
    }
}
