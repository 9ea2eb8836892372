//! The parser of request bodies, with arbitrary input.

use authenticator_sms_stage::{
    contract::{Contract, Secrets},
    stage::{
        body::{Body, BodyError, VALUES_MAX},
        field::{FIELDS, FLOW_FIELDS, Field},
        flow::{FLOWS_MAX, FlowPatch},
        patch::{Completeness, Patch, Rejected},
        problem::{FieldProblems, Problem, Problems},
        value::{Change, Value as FieldValue},
    },
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

/// Parses a body by the rules of the default contract.
fn parse(body: &Value, needs: Completeness) -> Result<Patch, Box<Rejected>> {
    let body = Body::from_json(body.to_string().as_bytes()).unwrap();
    Patch::parse(body, &Contract::default().rules(Secrets::Editors), needs)
}

/// Any JSON value, often one that a field accepts.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            " ",
            "\0",
            "a-slug",
            "twilio",
            "generic",
            "basic",
            "bearer",
            "recovery",
            "all",
            "stacked",
            "message",
            "yes",
            "0",
            "ffeeddcc-bbaa-4998-8776-655443322110",
            "{FFEEDDCC-BBAA-4998-8776-655443322110}",
            "\u{3000}x\u{2003}",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((key(), inner), 0..8)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Any key, usually a known one.
fn key() -> impl Strategy<Value = String> {
    let tables = FIELDS.iter().chain(&FLOW_FIELDS);
    let known: Vec<_> = tables.map(|spec| spec.name).chain(["pk"]).collect();
    prop_oneof![
        9 => prop::sample::select(known).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_body() -> impl Strategy<Value = Value> {
    vec((key(), any_json()), 0..10)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
}

/// A body that is parsed as this patch.
fn body_of(patch: &Patch) -> Value {
    let mut body = Map::new();
    for field in Field::all() {
        let value = match patch.change(field) {
            Change::Keep => continue,
            Change::Clear => Value::Null,
            Change::Set(value) => json_of(value),
        };
        body.insert(field.as_str().to_owned(), value);
    }
    if let Some(flows) = &patch.flow_set {
        body.insert("flow_set".to_owned(), flows.iter().map(element_of).collect());
    }
    body.into()
}

fn element_of(flow: &FlowPatch) -> Value {
    let named = FLOW_FIELDS.iter().zip(&flow.values);
    let named =
        named.filter_map(|(spec, value)| Some((spec.name.to_owned(), json_of(value.as_ref()?))));
    named.collect::<Map<_, _>>().into()
}

fn json_of(value: &FieldValue) -> Value {
    match value {
        FieldValue::Boolean(boolean) => json!(boolean),
        FieldValue::Key(key) => json!(key.to_string()),
        other => json!(other.as_str().unwrap()),
    }
}

/// The changes in a patch, without the spelling of its keys.
fn changes(patch: &Patch) -> (Vec<Change<FieldValue>>, Option<Vec<FlowPatch>>) {
    (Field::all().map(|field| patch.change(field).clone()).collect(), patch.flow_set.clone())
}

proptest! {
    #[test]
    fn an_accepted_body_is_accepted_again_and_a_refused_one_has_problems(body in any_body()) {
        match parse(&body, Completeness::Partial) {
            Ok(patch) => {
                let again = parse(&body_of(&patch), Completeness::Partial);
                prop_assert_eq!(again.as_ref().ok().map(changes), Some(changes(&patch)));
            }
            Err(rejected) => {
                let Problems::Fields(fields) = rejected.problems else {
                    return Err(TestCaseError::fail("the problems of an object are its fields'"));
                };
                prop_assert!(!fields.is_empty());
                for field in fields.keys() {
                    prop_assert!(body.get(field.as_str()).is_some(), "{:?} was not sent", field);
                    prop_assert!(!rejected.accepted.contains(*field), "{:?} was accepted too", field);
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert_eq!(Body::from_json(&bytes).is_ok(), is_json);
    }

    #[test]
    fn put_requires_fields_and_patch_requires_none(body in any_body()) {
        let full = parse(&body, Completeness::Full);
        let partial = parse(&body, Completeness::Partial);
        let required = ["name", "provider", "from_number", "account_sid", "auth"];
        if required.iter().all(|field| body.get(field).is_some()) {
            prop_assert_eq!(full, partial);
        } else {
            prop_assert!(full.is_err());
        }
    }
}

#[test]
fn an_absent_field_a_null_and_a_value_differ() {
    for (body, expected, why) in [
        (json!({}), Change::Keep, "absent keeps"),
        (json!({"friendly_name": null}), Change::Clear, "null clears"),
        (
            json!({"friendly_name": " x "}),
            Change::Set(FieldValue::Text("x".to_owned())),
            "a value is set, trimmed",
        ),
        (json!({"Friendly_Name": "x"}), Change::Keep, "keys are case-sensitive"),
    ] {
        let patch = parse(&body, Completeness::Partial).unwrap();
        assert_eq!(*patch.change(Field::FRIENDLY_NAME), expected, "{why}");
    }
}

#[test]
fn no_debug_output_shows_a_secret() {
    let body = json!({"auth": "s3cr3t", "auth_password": "hunter2"});
    let patch = parse(&body, Completeness::Partial).unwrap();
    let shown = format!("{patch:?}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("secret"), "{shown}");
}

#[test]
fn a_list_that_is_too_long_for_an_item_is_refused_with_one_message() {
    for element in ["{}", "null", "[]"] {
        let list = vec![element; FLOWS_MAX + 1].join(",");
        let body = Body::from_json(format!("{{\"flow_set\": [{list}]}}").as_bytes()).unwrap();
        let rules = Contract::default().rules(Secrets::Editors);
        let rejected = Patch::parse(body, &rules, Completeness::Partial).unwrap_err();
        let Problems::Fields(fields) = rejected.problems else { panic!("not about a field") };
        let expected = FieldProblems::List(Problem::TooManyElements(FLOWS_MAX));
        assert_eq!(fields[&Field::FLOW_SET], expected, "{element}");
    }
}

#[test]
fn values_that_no_field_can_use_are_not_kept() {
    let many = vec!["0"; 2 * VALUES_MAX].join(",");
    for (body, is_read, why) in [
        (format!("{{\"unknown\": [{many}]}}"), true, "an unknown key is checked but not kept"),
        (format!("[{many}]"), true, "of a list as the body, only its type is kept"),
        (format!("{{\"provider\": [{many}]}}"), false, "a field has more values than any stage"),
        (format!("{{\"unknown\": [{many}, 1e400]}}"), false, "values not kept must be JSON"),
    ] {
        let read = Body::from_json(body.as_bytes());
        assert_eq!(read.is_ok(), is_read, "{why}");
        let is_too_much = matches!(read, Err(BodyError::TooManyValues));
        assert_eq!(is_too_much, body.starts_with("{\"provider"), "{why}");
    }
}
