//! DynamoDB's update and condition expressions, built piece by piece.
//!
//! Every name goes through a placeholder (`#name`), since `name` and others are reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{PARTITION_KEY, REVISION, WRITE_IDS, WRITE_IDS_KEPT, number, text};
use crate::precondition::EntityTag;

/// What to set on a stage's item, and on what condition.
#[derive(Debug)]
pub struct StageUpdate {
    sets: Vec<String>,
    conditions: Vec<String>,
    /// Placeholders of attribute names.
    pub names: HashMap<String, String>,
    /// Placeholders of values.
    pub values: HashMap<String, AttributeValue>,
}

impl StageUpdate {
    /// A write with this id: it counts the revision up and shifts the id into the last ids, if the
    /// item exists and the id is not among them yet.
    pub fn by(write_id: &str) -> Self {
        let mut update = Self {
            sets: Vec::new(),
            conditions: Vec::new(),
            names: HashMap::new(),
            values: HashMap::new(),
        };
        let key = update.name(PARTITION_KEY);
        let revision = update.name(REVISION);
        let ids = update.name(WRITE_IDS);
        update.values.insert(":one".to_owned(), number(1));
        update.values.insert(":write_id".to_owned(), text(write_id));
        update.sets.push(format!("{revision} = {revision} + :one"));
        // Every clause reads the item as it was before the update, so this shifts.
        update.sets.push(format!("{ids}[0] = :write_id"));
        for place in 1..WRITE_IDS_KEPT {
            update.sets.push(format!("{ids}[{place}] = {ids}[{}]", place - 1));
        }
        update.conditions.push(format!("attribute_exists({key})"));
        update.conditions.push(format!("NOT contains({ids}, :write_id)"));
        update
    }

    /// Sets an attribute.
    pub fn set(&mut self, attribute: &str, value: AttributeValue) {
        let name = self.name(attribute);
        let placeholder = self.value(attribute, value);
        self.sets.push(format!("{name} = {placeholder}"));
    }

    /// Asks that an attribute already be this.
    pub fn require(&mut self, attribute: &str, value: AttributeValue) {
        let name = self.name(attribute);
        let placeholder = self.value(attribute, value);
        self.conditions.push(format!("{name} = {placeholder}"));
    }

    /// Asks that the newest write be this one.
    pub fn require_newest_write(&mut self, write_id: &str) {
        let ids = self.name(WRITE_IDS);
        self.values.insert(":seen".to_owned(), text(write_id));
        self.conditions.push(format!("{ids}[0] = :seen"));
    }

    /// Asks that the version be one of these.
    pub fn require_version<'v>(&mut self, versions: impl Iterator<Item = &'v EntityTag>) {
        let revision = self.name(REVISION);
        let ids = self.name(WRITE_IDS);
        let mut alternatives = Vec::new();
        for (place, version) in versions.enumerate() {
            self.values.insert(format!(":revision{place}"), number(version.revision));
            self.values.insert(format!(":prefix{place}"), text(&version.write_id_prefix));
            alternatives.push(format!(
                "({revision} = :revision{place} AND begins_with({ids}[0], :prefix{place}))"
            ));
        }
        // DynamoDB refuses redundant parentheses.
        self.conditions.push(match alternatives.as_slice() {
            [only] => only.clone(),
            several => format!("({})", several.join(" OR ")),
        });
    }

    /// The update expression.
    pub fn update_expression(&self) -> String {
        format!("SET {}", self.sets.join(", "))
    }

    /// The condition expression.
    pub fn condition_expression(&self) -> String {
        self.conditions.join(" AND ")
    }

    fn name(&mut self, attribute: &str) -> String {
        let placeholder = format!("#{attribute}");
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    fn value(&mut self, attribute: &str, value: AttributeValue) -> String {
        let placeholder = format!(":{attribute}");
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}
