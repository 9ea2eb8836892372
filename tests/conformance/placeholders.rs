//! Placeholders in recorded sequences, and the comparison of values with them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::harness::{FIXTURE, stage_with, with};

/// The values of the placeholders.
pub struct Placeholders {
    /// The fixture's stages as the release shows them, by UUID.
    stages: BTreeMap<String, Value>,
    /// The generated UUIDs, by placeholder.
    pub generated: BTreeMap<String, String>,
}

impl Placeholders {
    /// Creates placeholders for a fixture; `view` is how the release shows its stages.
    pub fn new(view: fn(Value) -> Value, fixture: &str) -> Self {
        let fixture: Value = serde_json::from_str(fixture).unwrap();
        let stages = fixture["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| (stage["pk"].as_str().unwrap().to_owned(), view(stage.clone())));
        Self { stages: stages.collect(), generated: BTreeMap::new() }
    }

    /// Returns a text with the bound placeholders replaced.
    pub fn resolve_text(&self, text: &str) -> String {
        let replace = |text: String, (name, value): (&String, &String)| text.replace(name, value);
        self.generated.iter().fold(text.to_owned(), replace)
    }

    /// The stage that an object with `$stage` stands for.
    pub fn stage(&self, object: &Map<String, Value>) -> Option<Value> {
        let uuid = object.get("$stage")?.as_str().unwrap();
        let mut changes = object.clone();
        changes.shift_remove("$stage");
        let stage = self.stages.get(uuid);
        Some(with(stage.unwrap_or_else(|| panic!("no stage {uuid}")).clone(), changes.into()))
    }

    /// Compares a value with the recorded one at the same place in the body.
    pub fn compare(&mut self, recorded: &Value, value: &Value, place: &str) -> Result<(), String> {
        match (recorded, value) {
            (Value::String(text), _) if text.starts_with("$pk") => {
                self.compare_generated(text, value, place)
            }
            (Value::Object(object), _) if object.contains_key("$stage") => {
                self.compare(&self.stage(object).unwrap(), value, place)
            }
            (Value::Object(recorded), Value::Object(members)) => {
                let names: BTreeSet<_> = recorded.keys().chain(members.keys()).collect();
                for name in names {
                    let place = format!("{place}/{name}");
                    let (Some(recorded), Some(value)) = (recorded.get(name), members.get(name))
                    else {
                        let problem =
                            if members.contains_key(name) { "unexpected" } else { "missing" };
                        return Err(format!("{place} is {problem}"));
                    };
                    self.compare(recorded, value, &place)?;
                }
                Ok(())
            }
            (Value::Array(recorded), Value::Array(elements)) => {
                if recorded.len() != elements.len() {
                    return Err(format!("{place} has {} elements: {value}", elements.len()));
                }
                let mut pairs = recorded.iter().zip(elements).enumerate();
                pairs.try_for_each(|(n, (recorded, element))| {
                    self.compare(recorded, element, &format!("{place}/{n}"))
                })
            }
            (Value::String(text), Value::String(value)) if self.resolve_text(text) == *value => {
                Ok(())
            }
            _ if recorded == value => Ok(()),
            _ => Err(format!("{place} is {value}, not {recorded}")),
        }
    }

    fn compare_generated(&mut self, name: &str, value: &Value, place: &str) -> Result<(), String> {
        let text = value.as_str().unwrap_or_default();
        if let Some(bound) = self.generated.get(name) {
            return if bound == text {
                Ok(())
            } else {
                Err(format!("{place} is {text}, not {bound}"))
            };
        }
        let is_canonical = Uuid::try_parse(text).is_ok_and(|uuid| uuid.to_string() == text);
        let is_new = !self.stages.contains_key(text) && !self.generated.values().any(|v| v == text);
        if !is_canonical || !is_new {
            return Err(format!("{place} is not a new UUID: {value}"));
        }
        self.generated.insert(name.to_owned(), text.to_owned());
        Ok(())
    }
}

fn same(stage: Value) -> Value {
    stage
}

fn without_auth(mut stage: Value) -> Value {
    stage.as_object_mut().unwrap().shift_remove("auth");
    stage
}

#[test]
fn a_stage_placeholder_stands_for_the_fixtures_stage_with_changes() {
    let uuid = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";
    let recorded = json!([{"$stage": uuid, "name": "renamed"}]);
    let stage = |changes| with(stage_with(json!({"name": "renamed"})), changes);
    let mut values = Placeholders::new(same, FIXTURE);
    assert_eq!(values.compare(&recorded, &json!([stage(json!({}))]), ""), Ok(()));
    for (changes, problem) in [
        (json!({"name": "other"}), "/0/name is \"other\", not \"renamed\""),
        (json!({"auth": null}), "/0/auth is null, not \"s3cr3t-token\""),
        (json!({"more": 1}), "/0/more is unexpected"),
        (json!({"flow_set": []}), "/0/flow_set has 0 elements: []"),
    ] {
        let result = values.compare(&recorded, &json!([stage(changes)]), "");
        assert_eq!(result, Err(problem.to_owned()));
    }
    let mut values = Placeholders::new(without_auth, FIXTURE);
    let result = values.compare(&recorded, &json!([stage(json!({}))]), "");
    assert_eq!(result, Err("/0/auth is unexpected".to_owned()));
    let shown = json!([without_auth(stage(json!({})))]);
    assert_eq!(values.compare(&recorded, &shown, ""), Ok(()));
}

#[test]
fn a_generated_uuid_is_new_and_the_same_in_later_steps() {
    let mut values = Placeholders::new(same, FIXTURE);
    let recorded = json!({"pk": "$pk1"});
    let not_new = |uuid: &str| Err(format!("/pk is not a new UUID: {:?}", uuid));
    for uuid in
        ["", "x", "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9", "0B9F6D52-3C1A-4E77-8F0D-2A6C5BE41D90"]
    {
        assert_eq!(values.compare(&recorded, &json!({"pk": uuid}), ""), not_new(uuid));
    }
    let (first, second) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    assert_eq!(values.compare(&recorded, &json!({"pk": first}), ""), Ok(()));
    assert_eq!(values.compare(&recorded, &json!({"pk": first}), ""), Ok(()));
    let other = values.compare(&recorded, &json!({"pk": second}), "");
    assert_eq!(other, Err(format!("/pk is {second}, not {first}")));
    assert_eq!(values.compare(&json!({"pk": "$pk2"}), &json!({"pk": first}), ""), not_new(&first));
    assert_eq!(values.compare(&json!({"pk": "$pk2"}), &json!({"pk": second}), ""), Ok(()));
}
