//! The parts of transactions, each with its condition.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use uuid::Uuid;

use super::{Role, Transaction, condition::Condition};
use crate::{
    stage::{field::Field, stage::Stage, version::Stored},
    store::{
        error::StoreError,
        expression::StageUpdate,
        item::{self, Item, STAGE_UUID, text},
        key::Key,
        verify::row_key,
    },
};

impl Transaction<'_> {
    /// Updates the stage.
    pub(in crate::store) fn update_stage(
        &mut self,
        stage: Uuid,
        update: StageUpdate,
    ) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(self.table)
            .set_key(Some(Key::stage(stage).attributes()))
            .update_expression(update.expression)
            .condition_expression(update.condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(Role::Stage, TransactWriteItem::builder().update(update).build());
        Ok(())
    }

    /// Puts a whole stage: a new one, or a replacement for the one that was read.
    pub(in crate::store) fn put_stage(
        &mut self,
        item: Item,
        seen: Option<&Stored>,
    ) -> Result<(), StoreError> {
        let condition = seen.map_or_else(Condition::is_missing, Condition::is_still);
        self.put(Role::Stage, item, condition.returning_item())
    }

    /// Deletes the stage, if it has not changed since it was read.
    pub(in crate::store) fn delete_stage(&mut self, seen: &Stored) -> Result<(), StoreError> {
        let condition = Condition::is_still(seen).returning_item();
        self.delete(Role::Stage, Key::stage(seen.stage.uuid), condition)
    }

    /// Takes the lock of the stage's name.
    pub(in crate::store) fn take_name(&mut self, stage: &Stage) -> Result<(), StoreError> {
        let owner = AttributeValue::S(stage.uuid.to_string());
        let lock = [("name", text(stage.name())), (STAGE_UUID, owner.clone())];
        let lock = item::item(Key::name(stage.name()), lock);
        self.put(Role::NewName, lock, Condition::is_free_or_own(owner))
    }

    /// Frees the lock of the name that the stage had.
    pub(in crate::store) fn free_name(&mut self, old: &Stage) -> Result<(), StoreError> {
        self.free_lock(old.name(), old.uuid)
    }

    /// Frees the lock of a name, if this stage owns it.
    pub(in crate::store) fn free_lock(
        &mut self,
        name: &str,
        owner: Uuid,
    ) -> Result<(), StoreError> {
        let owner = AttributeValue::S(owner.to_string());
        self.delete(Role::OldName, Key::name(name), Condition::is_free_or_own(owner))
    }

    /// Requires that the row of a field's new reference exist.
    pub(in crate::store) fn require_row(
        &mut self,
        field: Field,
        row: Uuid,
        spelling: String,
    ) -> Result<(), StoreError> {
        match row_key(field, row) {
            Some(key) => self.check(Role::Reference(field, spelling), key, Condition::exists()),
            None => Ok(()),
        }
    }

    /// Requires that the flow to which the stage still refers have a row.
    pub(in crate::store) fn require_kept_flow(&mut self, flow: Uuid) -> Result<(), StoreError> {
        self.check(Role::KeptFlow(flow), Key::flow(flow), Condition::exists())
    }

    /// Requires that the flow to which the stage no longer refers still have no row.
    pub(in crate::store) fn require_no_row(&mut self, flow: Uuid) -> Result<(), StoreError> {
        self.check(Role::ClearedFlow, Key::flow(flow), Condition::is_missing())
    }

    pub(super) fn put(
        &mut self,
        role: Role,
        item: Item,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(item))
            .set_expression_attribute_values(condition.values)
            .set_expression_attribute_names(Some(condition.names))
            .condition_expression(condition.expression)
            .set_return_values_on_condition_check_failure(condition.on_refusal)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(role, TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    pub(super) fn delete(
        &mut self,
        role: Role,
        key: Key,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(key.attributes()))
            .set_expression_attribute_values(condition.values)
            .set_expression_attribute_names(Some(condition.names))
            .condition_expression(condition.expression)
            .set_return_values_on_condition_check_failure(condition.on_refusal)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(role, TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    pub(super) fn check(
        &mut self,
        role: Role,
        key: Key,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let check = ConditionCheck::builder()
            .table_name(self.table)
            .set_key(Some(key.attributes()))
            .set_expression_attribute_values(condition.values)
            .set_expression_attribute_names(Some(condition.names))
            .condition_expression(condition.expression)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(role, TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }
}
