//! Reads items without the library, so that the library's own reader is not used to check itself.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};

use super::{Key, key, stage_with};

/// An item's attributes, by name.
pub type Item = HashMap<String, AttributeValue>;

/// An attribute as plain JSON.
fn plain(attribute: &AttributeValue) -> Value {
    match attribute {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(digits) => digits.parse::<u64>().unwrap().into(),
        AttributeValue::Bool(boolean) => json!(boolean),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::L(elements) => elements.iter().map(plain).collect(),
        AttributeValue::M(item) => plain_item(item).into(),
        other => panic!("unexpected attribute: {other:?}"),
    }
}

/// An item as plain JSON.
pub fn plain_item(item: &Item) -> Map<String, Value> {
    item.iter().map(|(name, attribute)| (name.clone(), plain(attribute))).collect()
}

/// The document in a stage's item, with the members that are the same for every stage.
pub fn document(item: &Item) -> Value {
    let mut document = plain_item(item);
    for attribute in key::ATTRIBUTES.into_iter().chain(["schema", "revision", "write_ids"]) {
        document.shift_remove(attribute).unwrap();
    }
    document.insert("pk".to_owned(), Key::of_item(item).id.into());
    let fixture = stage_with(json!({}));
    for same in ["component", "verbose_name", "verbose_name_plural", "meta_model_name"] {
        document.insert(same.to_owned(), fixture[same].clone());
    }
    for flow in document["flow_set"].as_array_mut().unwrap() {
        let slug = flow["slug"].as_str().unwrap();
        flow["export_url"] = format!("/api/v3/flows/instances/{slug}/export/").into();
    }
    document.into()
}

/// The number of times that the stage was written.
pub fn revision(item: &Item) -> u64 {
    item["revision"].as_n().unwrap().parse().unwrap()
}

/// The ids of the last writes, newest first.
pub fn write_ids(item: &Item) -> Vec<String> {
    let ids = item["write_ids"].as_l().unwrap();
    ids.iter().map(|id| id.as_s().unwrap().clone()).collect()
}

/// The entity tag of the stored version.
pub fn entity_tag(item: &Item) -> String {
    format!("\"{}-{}\"", revision(item), &write_ids(item)[0][..8])
}
