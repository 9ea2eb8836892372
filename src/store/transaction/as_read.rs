//! Parts for items that this program may not be able to read: each stands on what was read of the
//! item, attribute by attribute, whatever that is.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};

use super::{Role, Transaction};
use crate::store::{
    error::StoreError,
    item::{Item, REVISION, SCHEMA, STAGE_UUID, WRITE_IDS},
    key::{ID, Key},
};

/// The attributes of a stage that change with every write.
const STAGE_VERSION: [&str; 3] = [SCHEMA, REVISION, WRITE_IDS];
/// The attribute that a stage's lock follows from.
const STAGE_NAME: [&str; 1] = ["name"];
/// All attributes of a lock.
const LOCK: [&str; 3] = [SCHEMA, STAGE_UUID, "name"];

/// A condition that some attributes of an item be what was read.
struct AsRead {
    condition: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl AsRead {
    /// `None` for an item that was not there.
    fn new(item: Option<&Item>, attributes: &[&str]) -> Self {
        let mut names = HashMap::from([("#id".to_owned(), ID.to_owned())]);
        let mut values = HashMap::new();
        let Some(item) = item else {
            let condition = "attribute_not_exists(#id)".to_owned();
            return Self { condition, names, values };
        };
        let mut condition = "attribute_exists(#id)".to_owned();
        for name in attributes {
            names.insert(format!("#{name}"), (*name).to_owned());
            match item.get(*name) {
                Some(value) => {
                    condition.push_str(&format!(" AND #{name} = :{name}"));
                    values.insert(format!(":{name}"), value.clone());
                }
                None => condition.push_str(&format!(" AND attribute_not_exists(#{name})")),
            }
        }
        Self { condition, names, values }
    }

    /// DynamoDB refuses an empty map of values.
    fn values(self) -> (String, HashMap<String, String>, Option<HashMap<String, AttributeValue>>) {
        let values = (!self.values.is_empty()).then_some(self.values);
        (self.condition, self.names, values)
    }
}

impl Transaction<'_> {
    /// Deletes a stage's item, if it is still what was read.
    pub(in crate::store) fn delete_stage_item(
        &mut self,
        key: Key,
        seen: &Item,
    ) -> Result<(), StoreError> {
        self.delete_as_read(Role::Stage, key, seen, &STAGE_VERSION)
    }

    /// Deletes a name's lock, if it is still what was read.
    pub(in crate::store) fn delete_lock(
        &mut self,
        key: Key,
        seen: &Item,
    ) -> Result<(), StoreError> {
        self.delete_as_read(Role::BrokenLock, key, seen, &LOCK)
    }

    fn delete_as_read(
        &mut self,
        role: Role,
        key: Key,
        seen: &Item,
        attributes: &[&str],
    ) -> Result<(), StoreError> {
        let (condition, names, values) = AsRead::new(Some(seen), attributes).values();
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(values)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(role, TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Puts a name's lock in the place of what was read, or of nothing.
    pub(in crate::store) fn put_lock(
        &mut self,
        lock: Item,
        seen: Option<&Item>,
    ) -> Result<(), StoreError> {
        let (condition, names, values) = AsRead::new(seen, &LOCK).values();
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(lock))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(values)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(Role::BrokenLock, TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Requires that the stage still have the name that was read, or still be missing.
    pub(in crate::store) fn require_stage_name(
        &mut self,
        key: Key,
        seen: Option<&Item>,
    ) -> Result<(), StoreError> {
        let (condition, names, values) = AsRead::new(seen, &STAGE_NAME).values();
        let check = ConditionCheck::builder()
            .table_name(self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(values)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(Role::Stage, TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }
}
