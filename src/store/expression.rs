//! DynamoDB's update and condition expressions, built piece by piece.
//!
//! Every name goes through a placeholder (`#name`), since `name` and others are reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{PARTITION_KEY, REVISION, WRITE_IDS, WRITE_IDS_KEPT, number, text};
use crate::precondition::EntityTag;

/// Counts the revision up and shifts the id into the last ids: every clause reads the item as it was
/// before the update.
const COUNT_AND_SHIFT: &str = "SET #revision = #revision + :one, #write_ids[0] = :write_id, \
                               #write_ids[1] = #write_ids[0], #write_ids[2] = #write_ids[1], \
                               #write_ids[3] = #write_ids[2]";
const _: () = assert!(WRITE_IDS_KEPT == 4, "as many are shifted");

/// The item exists, and this write has not happened yet.
const NOT_WRITTEN_YET: &str =
    "attribute_exists(#partition_key) AND NOT contains(#write_ids, :write_id)";

/// Room for the placeholders of every field and of what each write has: only a list of versions makes
/// a map grow.
const PLACEHOLDERS_USUAL: usize = 15;

/// What to set on a stage's item, and on what condition.
#[derive(Debug)]
pub struct StageUpdate {
    /// The update expression.
    pub expression: String,
    /// The condition expression.
    pub condition: String,
    /// Placeholders of attribute names.
    pub names: HashMap<String, String>,
    /// Placeholders of values.
    pub values: HashMap<String, AttributeValue>,
}

impl StageUpdate {
    /// A write with this id: it counts the revision up and shifts the id into the last ids, if the
    /// item exists and the id is not among them yet.
    pub fn by(write_id: &str) -> Self {
        let mut names = HashMap::with_capacity(PLACEHOLDERS_USUAL);
        names.extend(
            [PARTITION_KEY, REVISION, WRITE_IDS].map(|name| (name_of(name), name.to_owned())),
        );
        let mut values = HashMap::with_capacity(PLACEHOLDERS_USUAL);
        values.insert(":one".to_owned(), number(1));
        values.insert(":write_id".to_owned(), text(write_id));
        Self {
            expression: COUNT_AND_SHIFT.to_owned(),
            condition: NOT_WRITTEN_YET.to_owned(),
            names,
            values,
        }
    }

    /// Sets an attribute.
    pub fn set(&mut self, attribute: &str, value: AttributeValue) {
        self.expression.extend([", #", attribute, " = :", attribute]);
        self.place(attribute, value);
    }

    /// Asks that an attribute already be this.
    pub fn require(&mut self, attribute: &str, value: AttributeValue) {
        self.condition.extend([" AND #", attribute, " = :", attribute]);
        self.place(attribute, value);
    }

    /// Asks that the newest write be this one.
    pub fn require_newest_write(&mut self, write_id: &str) {
        self.values.insert(":seen".to_owned(), text(write_id));
        self.condition.push_str(" AND #write_ids[0] = :seen");
    }

    /// Asks that the version be one of these.
    pub fn require_version<'v>(&mut self, versions: impl Iterator<Item = &'v EntityTag>) {
        let mut alternatives = Vec::new();
        for (place, version) in versions.enumerate() {
            self.values.insert(format!(":revision{place}"), number(version.revision));
            self.values.insert(format!(":prefix{place}"), text(&version.write_id_prefix));
            alternatives.push(format!(
                "(#revision = :revision{place} AND begins_with(#write_ids[0], :prefix{place}))"
            ));
        }
        // DynamoDB refuses redundant parentheses.
        let alternatives = match alternatives.as_slice() {
            [only] => only.clone(),
            several => format!("({})", several.join(" OR ")),
        };
        self.condition.extend([" AND ", &*alternatives]);
    }

    fn place(&mut self, attribute: &str, value: AttributeValue) {
        self.names.insert(name_of(attribute), attribute.to_owned());
        self.values.insert([":", attribute].concat(), value);
    }
}

/// The placeholder of an attribute's name.
fn name_of(attribute: &str) -> String {
    ["#", attribute].concat()
}
