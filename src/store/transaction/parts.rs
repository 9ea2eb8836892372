//! The parts of transactions, each on its condition.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use uuid::Uuid;

use super::{Role, Transaction};
use crate::{
    stage::{field::Field, stage::Stage, version::Stored},
    store::{
        error::StoreError,
        expression::StageUpdate,
        item::{self, Item, STAGE_UUID, WRITE_IDS, text},
        key::{ID, Key},
        verify::row_key,
    },
};

/// A lock is free, or it is the stage's own already.
const FREE_OR_OWN: &str = "attribute_not_exists(#id) OR #owner = :owner";

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

    /// Puts a whole stage: a new one, or in the place of what was read.
    pub(in crate::store) fn put_stage(
        &mut self,
        item: Item,
        seen: Option<&Stored>,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match seen {
            None => put
                .condition_expression("attribute_not_exists(#id)")
                .expression_attribute_names("#id", ID),
            Some(seen) => put
                .condition_expression("#write_ids[0] = :seen")
                .expression_attribute_names("#write_ids", WRITE_IDS)
                .expression_attribute_values(":seen", text(seen.version.newest_write_id())),
        };
        let put = put.build().map_err(StoreError::unbuilt)?;
        self.push(Role::Stage, TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Deletes the stage, if it is still what was read.
    pub(in crate::store) fn delete_stage(&mut self, seen: &Stored) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(Key::stage(seen.stage.uuid).attributes()))
            .condition_expression("#write_ids[0] = :seen")
            .expression_attribute_names("#write_ids", WRITE_IDS)
            .expression_attribute_values(":seen", text(seen.version.newest_write_id()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(Role::Stage, TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Takes the lock of the stage's name.
    pub(in crate::store) fn take_name(&mut self, stage: &Stage) -> Result<(), StoreError> {
        let owner = AttributeValue::S(stage.uuid.to_string());
        let lock = [("name", text(stage.name())), (STAGE_UUID, owner.clone())];
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(item::item(Key::name(stage.name()), lock)))
            .condition_expression(FREE_OR_OWN)
            .expression_attribute_names("#id", ID)
            .expression_attribute_names("#owner", STAGE_UUID)
            .expression_attribute_values(":owner", owner)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(Role::NewName, TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Frees the lock of the name that the stage had.
    pub(in crate::store) fn free_name(&mut self, old: &Stage) -> Result<(), StoreError> {
        self.free_lock(old.name(), old.uuid)
    }

    /// Frees the lock of a name, if it is this stage's.
    pub(in crate::store) fn free_lock(
        &mut self,
        name: &str,
        owner: Uuid,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(Key::name(name).attributes()))
            .condition_expression(FREE_OR_OWN)
            .expression_attribute_names("#id", ID)
            .expression_attribute_names("#owner", STAGE_UUID)
            .expression_attribute_values(":owner", AttributeValue::S(owner.to_string()))
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(Role::OldName, TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Requires that the row be there to which a field refers from now on.
    pub(in crate::store) fn require_row(
        &mut self,
        field: Field,
        row: Uuid,
    ) -> Result<(), StoreError> {
        match row_key(field, row) {
            Some(key) => self.check(Role::Reference(field), key),
            None => Ok(()),
        }
    }

    /// Requires that the row be there of the flow to which the stage still refers.
    pub(in crate::store) fn require_kept_flow(&mut self, flow: Uuid) -> Result<(), StoreError> {
        self.check(Role::KeptFlow(flow), Key::flow(flow))
    }

    fn check(&mut self, role: Role, key: Key) -> Result<(), StoreError> {
        let check = ConditionCheck::builder()
            .table_name(self.table)
            .set_key(Some(key.attributes()))
            .condition_expression("attribute_exists(#id)")
            .expression_attribute_names("#id", ID)
            .build()
            .map_err(StoreError::unbuilt)?;
        self.push(role, TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }
}
