//! The documented schemas compared with the values that the parser accepts.

use authenticator_sms_stage::{
    contract::{Contract, Secrets},
    stage::{
        body::Body,
        patch::{Completeness, Patch},
        rules::Rules,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::document::{Document, FLOW, PARTIAL};
use crate::harness::STAGE;

fn rules() -> Rules {
    Contract::default().rules(Secrets::Editors)
}

fn is_accepted(body: &Value) -> bool {
    let body = Body::from_json(body.to_string().as_bytes()).unwrap();
    Patch::parse(body, &rules(), Completeness::Partial).is_ok()
}

/// Values of every type, some of them at the limits of what a field accepts.
fn probes() -> Vec<Value> {
    let slug_characters_max = rules().slug_characters_max.unwrap();
    let mut probes = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-7),
        json!(1.5),
        json!([]),
        json!({}),
        json!(["x"]),
        json!([null]),
        json!(["x".repeat(slug_characters_max + 1)]),
    ];
    let long = "é".repeat(slug_characters_max);
    let longest = "x".repeat(slug_characters_max);
    let too_long = "x".repeat(slug_characters_max + 1);
    let texts = [
        "",
        " ",
        "x",
        " x ",
        "two words",
        "a-slug_2",
        "tWILIO",
        "yes",
        "off",
        "maybe",
        "1",
        &long,
        &longest,
        &too_long,
        STAGE,
        "5F2D7C1E8A444B0E9C3D6A1BE0F7D2A9",
        "5f2d7c1e",
        "twilio",
        "generic",
        "basic",
        "bearer",
        "recovery",
        "all",
        "any",
        "stacked",
        "sidebar_left_frame_background",
        "message",
    ];
    probes.extend(texts.map(Value::from));
    probes
}

/// The value that is checked against the schema: the sent one, converted as the document's section
/// "Lenient where authentik is" describes.
fn as_read(schema: &Value, value: &Value) -> Value {
    let word = value.as_str().map(str::to_ascii_lowercase);
    match (schema["type"].as_str().unwrap(), value) {
        ("boolean", Value::Number(number)) if number.as_u64() == Some(0) => json!(false),
        ("boolean", Value::Number(number)) if number.as_u64() == Some(1) => json!(true),
        ("boolean", _) => match word.as_deref() {
            Some("t" | "y" | "yes" | "true" | "on" | "1") => json!(true),
            Some("f" | "n" | "no" | "false" | "off" | "0") => json!(false),
            _ => value.clone(),
        },
        ("string", Value::String(text)) if schema["format"] == "uuid" => {
            match Uuid::try_parse(text) {
                Ok(uuid) => json!(uuid),
                Err(_) if text.is_empty() => Value::Null,
                Err(_) => value.clone(),
            }
        }
        ("string", _) if schema["format"] == "uuid" || schema.get("enum").is_some() => {
            value.clone()
        }
        ("string", Value::Number(number)) => json!(number.to_string()),
        ("string", Value::String(text)) => json!(text.trim()),
        _ => value.clone(),
    }
}

#[test]
fn a_field_accepts_exactly_what_its_schema_and_the_documented_leniency_allow() {
    let document = Document::read();
    let good = json!({"name": "n", "slug": "s", "title": "t", "designation": "recovery"});
    assert!(is_accepted(&json!({"flow_set": [good]})));
    for probe in probes() {
        for (name, schema) in document.properties(PARTIAL) {
            let read = as_read(document.resolve(schema), &probe);
            let faults = document.faults(schema, &read);
            let accepted = is_accepted(&json!({ name: probe }));
            assert_eq!(accepted, faults.is_empty(), "{name}: {probe} {faults:?}");
        }
        for (name, schema) in document.properties(FLOW) {
            let read = as_read(document.resolve(schema), &probe);
            let faults = document.faults(schema, &read);
            let mut element = good.clone();
            element[name] = probe.clone();
            let accepted = is_accepted(&json!({"flow_set": [element]}));
            assert_eq!(accepted, faults.is_empty(), "flow_set.{name}: {probe} {faults:?}");
        }
        let schema = document.schema(PARTIAL);
        if !probe.is_object() {
            assert!(!is_accepted(&probe) && !document.allows(schema, &probe), "{probe}");
        }
    }
}
