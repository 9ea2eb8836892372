//! `openapi.yaml` compared with the code: a change of one alone fails a test.

mod answers;
mod document;
mod leniency;

use std::{collections::BTreeSet, fmt::Debug};

use authenticator_sms_stage::{
    choice::Choice,
    flow::{DeniedAction, Designation, Layout, PolicyEngineMode},
    patch::{Completeness, parse},
    precondition::Tags,
    request::ALLOW,
    stage::{AuthType, Provider},
    validation::{
        ElementError, Field, FieldError, FlowField, Problem, SLUG_CHARACTERS_MAX, SLUG_PATTERN,
        ValidationError,
    },
};
use serde_json::{Map, Value, json};

use self::document::{Document, FLOW, FLOW_ANSWER, FULL, PARTIAL, STAGE_ANSWER, properties};
use crate::harness::{Request, STAGE, TestApp, TestSettings, library::Secrets, stage_with};

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

fn property_names<'d>(document: &'d Document, schema: &str) -> Vec<&'d str> {
    properties(document, schema).keys().map(String::as_str).collect()
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(Document::read().at("/info/version"), env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_reference_and_every_component_is_used() {
    let document = Document::read();
    let references = document.references();
    for reference in &references {
        document.at(reference.strip_prefix('#').unwrap());
    }
    for kind in ["parameters", "headers", "responses", "schemas"] {
        for name in keys(document.at(&format!("/components/{kind}"))) {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&*reference), "nothing refers to {reference}");
        }
    }
}

#[test]
fn an_enum_has_the_values_of_its_choice() {
    fn all<C: Choice>() -> Vec<&'static str> {
        C::ALL.iter().map(|choice| choice.as_str()).collect()
    }
    let document = Document::read();
    let choices = [
        ("ProviderEnum", all::<Provider>()),
        ("AuthTypeEnum", all::<AuthType>()),
        ("FlowDesignationEnum", all::<Designation>()),
        ("PolicyEngineMode", all::<PolicyEngineMode>()),
        ("FlowLayoutEnum", all::<Layout>()),
        ("DeniedActionEnum", all::<DeniedAction>()),
    ];
    for (name, expected) in &choices {
        assert_eq!(words(&document.schema(name)["enum"]), *expected, "{name}");
    }
    let schemas = document.at("/components/schemas").as_object().unwrap().iter();
    let enums: BTreeSet<_> = schemas
        .filter(|(_, schema)| schema.get("enum").is_some())
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(enums, choices.iter().map(|(name, _)| *name).collect());
}

#[test]
fn a_slug_has_the_length_and_the_pattern_of_the_parser() {
    let document = Document::read();
    // JSON Schema's `$` lets no newline through (ECMA-262), but Rust's `\z` is not known to it.
    let pattern = SLUG_PATTERN.replace(r"\A", "^").replace(r"\z", "$");
    for schema in [FLOW_ANSWER, FLOW] {
        let slug = &properties(&document, schema)["slug"];
        assert_eq!(
            (&slug["maxLength"], &slug["pattern"]),
            (&json!(SLUG_CHARACTERS_MAX), &json!(pattern))
        );
    }
}

#[test]
fn the_writable_fields_are_in_the_contracts_order() {
    let document = Document::read();
    let fields = Field::ALL.map(Field::as_str);
    assert_eq!(property_names(&document, PARTIAL), fields);
    assert_eq!(properties(&document, FULL), properties(&document, PARTIAL));
    // Every field that the parser knows refuses null, in the order of the error's keys; and it has
    // errors for no other.
    let names = property_names(&document, FLOW);
    let nulls: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let errors = flow_errors(nulls.into());
    assert_eq!(errors.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), names);
}

/// The parser's errors of a `flow_set` with one element.
fn flow_errors(element: Value) -> Vec<(FlowField, Vec<Problem>)> {
    let rejected = parse(json!({"flow_set": [element]}), Completeness::Partial).unwrap_err();
    let ValidationError::Fields(mut fields) = rejected.errors else {
        panic!("the body is an object")
    };
    match fields.remove(&Field::FlowSet) {
        Some(FieldError::Elements(mut elements)) => match elements.remove(0) {
            ElementError::Fields(fields) => fields.into_iter().collect(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_required_fields_are_those_that_the_parser_requires() {
    let document = Document::read();
    let rejected = parse(json!({}), Completeness::Full).unwrap_err();
    let ValidationError::Fields(fields) = rejected.errors else { panic!("the body is an object") };
    for error in fields.values() {
        assert_eq!(*error, FieldError::Field(vec![Problem::Required]));
    }
    let missed: Vec<_> = fields.keys().map(|field| field.as_str()).collect();
    assert_eq!(words(&document.schema(FULL)["required"]), missed);

    parse(json!({}), Completeness::Partial).unwrap();
    assert_eq!(document.schema(PARTIAL).get("required"), None);

    let missed: Vec<_> = flow_errors(json!({})).iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(words(&document.schema(FLOW)["required"]), missed);

    for (method, is_required) in [("PUT", true), ("PATCH", false)] {
        let body = &document.operation(method)["requestBody"];
        assert_eq!(body["required"].as_bool().unwrap_or_default(), is_required, "{method}");
    }
}

#[tokio::test]
async fn the_answer_has_the_documented_keys_in_their_order() {
    let document = Document::read();
    let stage = TestApp::new().await.send(&Request::get()).await.body;
    assert_eq!(keys(&stage), property_names(&document, STAGE_ANSWER));
    assert_eq!(keys(&stage["flow_set"][0]), property_names(&document, FLOW_ANSWER));

    // As in Django, an answer always has its read-only members and those that a request must have.
    for (answer, request) in [(STAGE_ANSWER, FULL), (FLOW_ANSWER, FLOW)] {
        let required = words(&document.schema(request)["required"]);
        let always: Vec<_> = properties(&document, answer)
            .iter()
            .filter(|(name, schema)| schema["readOnly"] == true || required.contains(&&***name))
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(words(&document.schema(answer)["required"]), always, "{answer}");
    }

    let settings = TestSettings { secrets: Secrets::WriteOnly, ..TestSettings::default() };
    let stage = TestApp::with_settings(settings).await.send(&Request::get()).await.body;
    let is_shown = |(name, schema): &(&String, &Value)| {
        let words = schema["description"].as_str().unwrap_or_default();
        assert_eq!(words.contains("write-only"), ["auth", "auth_password"].contains(&&***name));
        !words.contains("write-only")
    };
    let shown: Vec<_> = properties(&document, STAGE_ANSWER)
        .iter()
        .filter(is_shown)
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(keys(&stage), shown, "with write-only secrets");
}

#[tokio::test]
async fn exactly_the_members_that_are_not_read_only_can_be_written() {
    let document = Document::read();
    for (answer, request) in [(STAGE_ANSWER, PARTIAL), (FLOW_ANSWER, FLOW)] {
        for (name, schema) in properties(&document, answer) {
            let is_writable = properties(&document, request).contains_key(name);
            assert_eq!(schema["readOnly"] == true, !is_writable, "{answer}.{name}");
        }
    }
    let app = TestApp::new().await;
    let read_only = |schema: &str| -> Vec<String> {
        let properties = properties(&document, schema).iter();
        properties
            .filter(|(_, schema)| schema["readOnly"] == true)
            .map(|(n, _)| n.clone())
            .collect()
    };
    let mut body = Map::new();
    let mut stage = stage_with(json!({}));
    for name in read_only(STAGE_ANSWER) {
        body.insert(name, json!("00000000-0000-4000-8000-000000000000"));
    }
    for name in read_only(FLOW_ANSWER) {
        stage["flow_set"][0][name] = json!("00000000-0000-4000-8000-000000000000");
    }
    body.insert("flow_set".to_owned(), stage["flow_set"].clone());
    let answer = app.send(&Request::patch(Value::from(body).to_string())).await;
    assert_eq!(answer.status_and_body(), (200, stage_with(json!({}))));
}

#[tokio::test]
async fn the_methods_and_the_path_are_served() {
    let document = Document::read();
    let app = TestApp::new().await;
    let (path, item) = document.path();
    let methods: BTreeSet<_> =
        item.keys().filter(|key| *key != "parameters").map(|key| key.to_uppercase()).collect();
    assert_eq!(methods, ALLOW.split(", ").map(str::to_owned).collect());
    assert_eq!(document.at("/components/headers/Allow/example"), ALLOW);

    for server in document.at("/servers").as_array().unwrap() {
        let prefix = server["url"].as_str().unwrap().trim_end_matches('/');
        let path = format!("{prefix}{path}").replace("{stage_uuid}", STAGE);
        assert_eq!(app.send(&Request::get().path(&path)).await.status, 200, "{path}");
    }
    // An empty list of credentials means that none are needed.
    for method in methods {
        let anonymous = Request::patch("").method(&method).header("Authorization", None);
        let needs_none = document.operation(&method).get("security") == Some(&json!([]));
        assert_eq!(app.send(&anonymous).await.status != 403, needs_none, "{method}");
    }
    let scheme = document.at("/components/securitySchemes/authentik");
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document.at("/security"), &json!([{"authentik": []}]));
}

#[tokio::test]
async fn preconditions_are_checked_where_they_are_documented() {
    let document = Document::read();
    let app = TestApp::new().await;
    for method in ALLOW.split(", ") {
        for header in ["If-Match", "If-None-Match"] {
            let parameters = document.operation(method)["parameters"].as_array();
            let mut names =
                parameters.into_iter().flatten().map(|it| &document.resolve(it)["name"]);
            let request = Request::patch("{}").method(method).header(header, "no tag");
            let answer = app.send(&request).await;
            let is_read = answer.status == 400 && answer.body["code"] != "invalid";
            let is_documented = names.any(|name| name == header);
            // An empty PUT is refused as well, but its header is checked first.
            assert_eq!(is_read, is_documented, "{method} {header}");
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

#[test]
fn every_example_of_a_body_is_accepted() {
    let document = Document::read();
    for (method, completeness) in [("PUT", Completeness::Full), ("PATCH", Completeness::Partial)] {
        let content = &document.operation(method)["requestBody"]["content"]["application/json"];
        for (name, example) in content["examples"].as_object().unwrap() {
            let faults = document.faults(&content["schema"], &example["value"]);
            assert_eq!(faults, Vec::<String>::new(), "{method} {name}");
            assert_accepted(parse(example["value"].clone(), completeness), name);
        }
    }
}

fn assert_accepted<T, E: Debug>(outcome: Result<T, E>, name: &str) {
    assert!(outcome.is_ok(), "{name}: {:?}", outcome.err());
}
