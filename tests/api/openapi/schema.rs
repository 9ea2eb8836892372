//! Checks values against the document's schemas.
//!
//! The document uses a dozen keywords, which few lines can check; a crate that knows all keywords
//! takes long to build. An unknown keyword fails the test that encounters it.

use regex::Regex;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::document::Document;

impl Document {
    /// Whether the value conforms to the schema.
    pub fn allows(&self, schema: &Value, value: &Value) -> bool {
        self.faults(schema, value).is_empty()
    }

    /// The places where the value does not conform to the schema.
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
                "allOf" => {
                    let schemas = rule.as_array().unwrap().iter();
                    faults.extend(schemas.flat_map(|schema| self.faults(schema, value)));
                }
                "anyOf" => {
                    let mut schemas = rule.as_array().unwrap().iter();
                    if !schemas.any(|schema| self.allows(schema, value)) {
                        faults.push(format!("{value} matches none of {rule}"));
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

/// Whether one keyword's rule holds. A rule for another type than the value's always holds.
fn holds(keyword: &str, rule: &Value, value: &Value) -> bool {
    let length = || value.as_str().map(|text| text.chars().count() as u64);
    match keyword {
        "type" => match rule.as_str().unwrap() {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
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
        "nullable" | "readOnly" | "description" | "example" | "default" => true,
        "additionalProperties" => {
            assert_eq!(rule, &Value::Object(Map::new()), "anything is allowed");
            true
        }
        other => panic!("an unknown keyword: {other}"),
    }
}
