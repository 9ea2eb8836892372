//! The parser of request bodies, with arbitrary input.

use authenticator_sms_stage::{
    choice::Choice,
    flow::FlowChange,
    patch::{Change, Completeness, StagePatch, parse},
    validation::{Field, ValidationError},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

/// Any JSON value, often one that a field takes.
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

/// Any key, most often a known one.
fn key() -> impl Strategy<Value = String> {
    let of_a_flow = [
        "slug",
        "title",
        "designation",
        "policy_engine_mode",
        "compatibility_mode",
        "layout",
        "denied_action",
        "pk",
    ];
    let known: Vec<_> = Field::ALL.map(Field::as_str).into_iter().chain(of_a_flow).collect();
    prop_oneof![
        9 => prop::sample::select(known).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_body() -> impl Strategy<Value = Value> {
    vec((key(), any_json()), 0..10)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
}

/// A body that leads to this patch.
fn body_of(patch: &StagePatch) -> Value {
    let mut body = Map::new();
    let mut put = |field: Field, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(field.as_str().to_owned(), value);
        }
    };
    let secret = |secret: &authenticator_sms_stage::stage::Secret| json!(secret.reveal());
    put(Field::Name, patch.name.as_ref().map(|name| json!(name)));
    put(
        Field::FlowSet,
        patch.flow_set.as_ref().map(|flows| flows.iter().map(element_of).collect()),
    );
    put(Field::ConfigureFlow, nullable(&patch.configure_flow, |key| json!(key.sent)));
    put(Field::FriendlyName, nullable(&patch.friendly_name, |name| json!(name)));
    put(Field::Provider, patch.provider.map(|word| json!(word.as_str())));
    put(Field::FromNumber, patch.from_number.as_ref().map(|number| json!(number)));
    put(Field::AccountSid, patch.account_sid.as_ref().map(|sid| json!(sid)));
    put(Field::Auth, patch.auth.as_ref().map(secret));
    put(Field::AuthPassword, patch.auth_password.as_ref().map(secret));
    put(Field::AuthType, patch.auth_type.map(|word| json!(word.as_str())));
    put(Field::VerifyOnly, patch.verify_only.map(Value::from));
    put(Field::Mapping, nullable(&patch.mapping, |key| json!(key.sent)));
    body.into()
}

fn nullable<T>(change: &Change<T>, value: impl FnOnce(&T) -> Value) -> Option<Value> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(Value::Null),
        Change::Set(set) => Some(value(set)),
    }
}

fn element_of(flow: &FlowChange) -> Value {
    let mut element = json!({
        "name": flow.name, "slug": flow.slug, "title": flow.title,
        "designation": flow.designation.as_str(),
    });
    let optional = [
        ("policy_engine_mode", flow.policy_engine_mode.map(|word| json!(word.as_str()))),
        ("compatibility_mode", flow.compatibility_mode.map(Value::from)),
        ("layout", flow.layout.map(|word| json!(word.as_str()))),
        ("denied_action", flow.denied_action.map(|word| json!(word.as_str()))),
    ];
    for (field, value) in optional {
        if let Some(value) = value {
            element[field] = value;
        }
    }
    element
}

proptest! {
    #[test]
    fn an_accepted_body_is_accepted_again_and_a_refused_one_has_errors(body in any_body()) {
        match parse(body.clone(), Completeness::Partial) {
            Ok(patch) => {
                let again = parse(body_of(&patch), Completeness::Partial);
                prop_assert_eq!(again.as_ref().ok(), Some(&patch));
            }
            Err(rejected) => {
                let ValidationError::Fields(fields) = rejected.errors else {
                    return Err(TestCaseError::fail("the errors of an object are those of its fields"));
                };
                prop_assert!(!fields.is_empty());
                for field in fields.keys() {
                    prop_assert!(body.get(field.as_str()).is_some(), "{:?} was not sent", field);
                    prop_assert!(!rejected.accepted.names(*field), "{:?} was accepted too", field);
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(body) = serde_json::from_slice::<Value>(&bytes) {
            let _ = parse(body, Completeness::Full);
        }
    }

    #[test]
    fn put_requires_fields_and_patch_requires_none(body in any_body()) {
        let full = parse(body.clone(), Completeness::Full);
        let partial = parse(body.clone(), Completeness::Partial);
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
        (json!({"friendly_name": " x "}), Change::Set("x".to_owned()), "a value is set, trimmed"),
        (json!({"Friendly_Name": "x"}), Change::Keep, "another key is another key"),
    ] {
        let patch = parse(body, Completeness::Partial).unwrap();
        assert_eq!(patch.friendly_name, expected, "{why}");
    }
}

#[test]
fn no_debug_form_shows_a_secret() {
    let body = json!({"auth": "s3cr3t", "auth_password": "hunter2"});
    let patch = parse(body, Completeness::Partial).unwrap();
    let shown = format!("{patch:?}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("[redacted]"), "{shown}");
}
