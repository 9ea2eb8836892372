//! The conditions of a transaction's parts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

#[cfg(feature = "local")]
use crate::store::item::Item;
use crate::{
    stage::version::Stored,
    store::{
        item::{STAGE_UUID, WRITE_IDS, text},
        key::ID,
        schema::{SCHEMA, schema_version},
    },
};

/// The condition on which an item is written, or only checked.
pub(super) struct Condition {
    pub expression: String,
    pub names: HashMap<String, String>,
    /// DynamoDB refuses an empty map.
    pub values: Option<HashMap<String, AttributeValue>>,
    /// What a refusal returns.
    pub on_refusal: Option<ReturnValuesOnConditionCheckFailure>,
}

impl Condition {
    fn new(expression: &str, name: &str) -> Self {
        let names = HashMap::from([(format!("#{name}"), name.to_owned())]);
        Self { expression: expression.to_owned(), names, values: None, on_refusal: None }
    }

    /// The item exists.
    pub fn exists() -> Self {
        Self::new("attribute_exists(#id)", ID)
    }

    /// The item does not exist.
    pub fn is_missing() -> Self {
        Self::new("attribute_not_exists(#id)", ID)
    }

    /// The stage has not changed since it was read.
    pub fn is_still(seen: &Stored) -> Self {
        Self::new("#write_ids[0] = :seen AND #schema = :schema", WRITE_IDS)
            .with(":seen", text(seen.version.newest_write_id()))
            .with_schema()
    }

    /// The lock is free, or this stage already owns it.
    pub fn is_free_or_own(owner: AttributeValue) -> Self {
        let mut condition = Self::is_missing();
        condition.expression.push_str(" OR (#owner = :owner AND #schema = :schema)");
        condition.names.insert("#owner".to_owned(), STAGE_UUID.to_owned());
        condition.with(":owner", owner).with_schema()
    }

    /// These attributes of the item are as they were read; or there is still no item, if none was
    /// read. This program need not be able to parse the item.
    #[cfg(feature = "local")]
    pub fn is_as_read(seen: Option<&Item>, attributes: &[&str]) -> Self {
        let Some(item) = seen else {
            return Self::is_missing();
        };
        let mut condition = Self::exists();
        for name in attributes {
            condition.names.insert(format!("#{name}"), (*name).to_owned());
            match item.get(*name) {
                Some(value) => {
                    condition.expression.push_str(&format!(" AND #{name} = :{name}"));
                    condition = condition.with(&format!(":{name}"), value.clone());
                }
                None => {
                    condition.expression.push_str(&format!(" AND attribute_not_exists(#{name})"));
                }
            }
        }
        condition
    }

    fn with_schema(mut self) -> Self {
        self.names.insert("#schema".to_owned(), SCHEMA.to_owned());
        self.with(":schema", schema_version())
    }

    fn with(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.get_or_insert_default().insert(placeholder.to_owned(), value);
        self
    }

    /// The same condition, but its refusal returns the item.
    pub fn returning_item(self) -> Self {
        Self { on_refusal: Some(ReturnValuesOnConditionCheckFailure::AllOld), ..self }
    }
}
