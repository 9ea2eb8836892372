//! `openapi.yaml`, and a check of values against its schemas.
//!
//! The document uses a dozen keywords. To check those takes fewer lines than the crates that know all
//! keywords take seconds to build. An unknown keyword fails the test that meets it.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The schema of a stage in answers.
pub const STAGE_ANSWER: &str = "AuthenticatorSMSStage";
/// The schema of a flow in answers.
pub const FLOW_ANSWER: &str = "FlowSet";
/// The schema of the body of a PUT.
pub const FULL: &str = "AuthenticatorSMSStageRequest";
/// The schema of the body of a PATCH.
pub const PARTIAL: &str = "PatchedAuthenticatorSMSStageRequest";
/// The schema of a flow in requests.
pub const FLOW: &str = "FlowSetRequest";

/// The document.
pub struct Document(Value);

impl Document {
    /// Reads it.
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml");
        Self(serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// The node at this JSON pointer, or the one that it refers to.
    pub fn at(&self, pointer: &str) -> &Value {
        let found = self.0.pointer(pointer);
        self.resolve(found.unwrap_or_else(|| panic!("nothing is at {pointer}")))
    }

    /// The schema of this name.
    pub fn schema(&self, name: &str) -> &Value {
        self.at(&format!("/components/schemas/{name}"))
    }

    /// The only path, and its description.
    pub fn path(&self) -> (&str, &Map<String, Value>) {
        let mut paths = self.at("/paths").as_object().unwrap().iter();
        let (path, item) = paths.next().unwrap();
        assert_eq!(paths.next(), None, "one path is served");
        (path, item.as_object().unwrap())
    }

    /// The description of a method.
    pub fn operation(&self, method: &str) -> &Value {
        let method = method.to_ascii_lowercase();
        self.path().1.get(&method).unwrap_or_else(|| panic!("{method} is not described"))
    }

    /// The node itself, or the one that it refers to.
    pub fn resolve<'d>(&'d self, node: &'d Value) -> &'d Value {
        match node["$ref"].as_str() {
            Some(reference) => self.at(reference.strip_prefix('#').unwrap()),
            None => node,
        }
    }

    /// Every reference in the document.
    pub fn references(&self) -> BTreeSet<&str> {
        let mut references = BTreeSet::new();
        let mut nodes = vec![&self.0];
        while let Some(node) = nodes.pop() {
            match node {
                Value::Object(members) => {
                    references.extend(members.get("$ref").and_then(Value::as_str));
                    nodes.extend(members.values());
                }
                Value::Array(elements) => nodes.extend(elements),
                _ => {}
            }
        }
        references
    }

    /// Whether the value conforms to the schema.
    pub fn allows(&self, schema: &Value, value: &Value) -> bool {
        self.faults(schema, value).is_empty()
    }

    /// Where the value does not conform to the schema.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        if value.is_null() && schema["nullable"] == true {
            return Vec::new();
        }
        let mut faults = Vec::new();
        for (keyword, rule) in schema.as_object().unwrap() {
            match &**keyword {
                "properties" => faults.extend(self.member_faults(rule, value)),
                "items" => {
                    let elements = value.as_array().into_iter().flatten();
                    faults.extend(elements.flat_map(|element| self.faults(rule, element)));
                }
                "anyOf" => {
                    let mut schemas = rule.as_array().unwrap().iter();
                    if !schemas.any(|schema| self.allows(schema, value)) {
                        faults.push(format!("{value} is none of {rule}"));
                    }
                }
                _ if holds(keyword, rule, value) => {}
                _ => faults.push(format!("{value} breaks {keyword}: {rule}")),
            }
        }
        faults
    }

    fn member_faults(&self, schemas: &Value, value: &Value) -> Vec<String> {
        let schemas = schemas.as_object().unwrap().iter();
        let known = schemas.filter_map(|(key, schema)| Some((key, schema, value.get(key)?)));
        known
            .flat_map(|(key, schema, value)| {
                self.faults(schema, value).into_iter().map(move |fault| format!("{key}: {fault}"))
            })
            .collect()
    }
}

/// Whether one keyword's rule holds. A rule for another type than the value's holds always.
fn holds(keyword: &str, rule: &Value, value: &Value) -> bool {
    let length = || value.as_str().map(|text| text.chars().count() as u64);
    match keyword {
        "type" => match rule.as_str().unwrap() {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("an unknown type: {other}"),
        },
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "minLength" => length().is_none_or(|length| length >= rule.as_u64().unwrap()),
        "maxLength" => length().is_none_or(|length| length <= rule.as_u64().unwrap()),
        "pattern" => {
            let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
            value.as_str().is_none_or(|text| pattern.is_match(text))
        }
        "format" => {
            assert_eq!(rule, "uuid", "an unknown format");
            let is_canonical = |text| Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text);
            value.as_str().is_none_or(is_canonical)
        }
        "required" => {
            let mut keys = rule.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
            value.as_object().is_none_or(|members| keys.all(|key| members.contains_key(key)))
        }
        "nullable" | "readOnly" | "description" | "example" => true,
        "additionalProperties" => {
            assert_eq!(rule, &Value::Object(Map::new()), "anything is let in");
            true
        }
        other => panic!("an unknown keyword: {other}"),
    }
}

/// The properties of a schema.
pub fn properties<'d>(document: &'d Document, schema: &str) -> &'d Map<String, Value> {
    document.schema(schema)["properties"].as_object().unwrap()
}
