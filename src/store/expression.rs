//! DynamoDB's update and condition expressions for a stage, built piece by piece.
//!
//! Every name goes through a placeholder (`#name`), since `name` and others are reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    item::{REVISION, WRITE_IDS, number, text},
    schema::{SCHEMA, schema_version},
};
use crate::{http::precondition::EntityTag, stage::version::WRITE_IDS_KEPT};

/// Increments the revision and shifts the id into the last ids: every clause reads the item as it
/// was before the update.
const COUNT_AND_SHIFT: &str = "SET #revision = #revision + :one, #write_ids[0] = :write_id, \
                               #write_ids[1] = #write_ids[0], #write_ids[2] = #write_ids[1], \
                               #write_ids[3] = #write_ids[2]";
const _: () = assert!(WRITE_IDS_KEPT == 4, "COUNT_AND_SHIFT shifts four ids");

/// The item exists, with this program's schema version and without this write's id.
const NOT_WRITTEN_YET: &str = "#schema = :schema AND NOT contains(#write_ids, :write_id)";

/// Capacity for the placeholders of every field and of what each write has, so that a map grows
/// only for a list of versions.
const PLACEHOLDERS_USUAL: usize = 15;

/// An update of a stage's item, with its condition.
pub(super) struct StageUpdate {
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
    /// A write with this id: it increments the revision and shifts the id into the last ids, if the
    /// item exists, has this program's schema version, and does not have the id yet.
    pub fn by(write_id: &str) -> Self {
        let mut names = HashMap::with_capacity(PLACEHOLDERS_USUAL);
        names.extend([SCHEMA, REVISION, WRITE_IDS].map(|name| (name_of(name), name.to_owned())));
        let mut values = HashMap::with_capacity(PLACEHOLDERS_USUAL);
        values.insert(":one".to_owned(), number(1));
        values.insert(":schema".to_owned(), schema_version());
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
        self.add_placeholders(attribute, value);
    }

    /// Requires that an attribute already have this value.
    pub fn require(&mut self, attribute: &str, value: AttributeValue) {
        self.condition.extend([" AND #", attribute, " = :", attribute]);
        self.add_placeholders(attribute, value);
    }

    /// Requires that the newest write be this one.
    pub fn require_newest_write(&mut self, write_id: &str) {
        self.values.insert(":seen".to_owned(), text(write_id));
        self.condition.push_str(" AND #write_ids[0] = :seen");
    }

    /// Requires that the version be one of these, if there are any.
    pub fn require_version<'v>(&mut self, versions: impl Iterator<Item = &'v EntityTag>) {
        let alternatives = self.versions("match", versions);
        // DynamoDB refuses redundant parentheses.
        let alternatives = match alternatives.as_slice() {
            [] => return,
            [only] => only.clone(),
            several => format!("({})", several.join(" OR ")),
        };
        self.condition.extend([" AND ", &*alternatives]);
    }

    /// Requires that the version be none of these.
    pub fn refuse_version<'v>(&mut self, versions: impl Iterator<Item = &'v EntityTag>) {
        for version in self.versions("none", versions) {
            self.condition.extend([" AND NOT ", &*version]);
        }
    }

    /// A comparison for each version.
    fn versions<'v>(
        &mut self,
        prefix: &str,
        versions: impl Iterator<Item = &'v EntityTag>,
    ) -> Vec<String> {
        let mut comparisons = Vec::new();
        for (index, version) in versions.enumerate() {
            let (revision, write) =
                (format!(":{prefix}_revision{index}"), format!(":{prefix}_write{index}"));
            comparisons
                .push(format!("(#revision = {revision} AND begins_with(#write_ids[0], {write}))"));
            self.values.insert(revision, number(version.revision));
            self.values.insert(write, text(&version.write_id_prefix));
        }
        comparisons
    }

    fn add_placeholders(&mut self, attribute: &str, value: AttributeValue) {
        self.names.insert(name_of(attribute), attribute.to_owned());
        self.values.insert([":", attribute].concat(), value);
    }
}

/// The placeholder of an attribute's name.
fn name_of(attribute: &str) -> String {
    ["#", attribute].concat()
}
