//! Checks the valid part of a rejected body against the table.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use super::{
    error::StoreError,
    item::{self, Item},
    key::{ID, KIND, Key},
    session::Session,
};
use crate::{
    access::permission::{MayAdd, MayChange},
    stage::{
        apply,
        field::{Field, Kind, Row},
        patch::Patch,
        problem::{FieldProblems, Problem},
        stage::Stage,
        value::Value,
    },
};

type Found = BTreeMap<Field, FieldProblems>;

impl Session<'_> {
    /// Finds the problems of a change that only the table can show, so that the client gets all
    /// problems at once. Only reads.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails, or an item cannot be read.
    pub async fn verify_update(&self, may: &MayChange, patch: &Patch) -> Result<Found, StoreError> {
        self.verify(Some(may.stage()), patch).await
    }

    /// The same for a new stage.
    ///
    /// # Errors
    ///
    /// As for [`Session::verify_update`].
    pub async fn verify_insert(&self, _: &MayAdd, patch: &Patch) -> Result<Found, StoreError> {
        self.verify(None, patch).await
    }

    /// The filters of a list that refer to a missing row.
    ///
    /// # Errors
    ///
    /// As for [`Session::verify_update`].
    pub async fn missing_rows(
        &self,
        references: &[(Field, Uuid)],
    ) -> Result<Vec<Field>, StoreError> {
        let keys = references.iter().filter_map(|(field, row)| row_key(*field, *row));
        let rows = Rows(self.get_all(keys, None).await?);
        let missing = references.iter().filter(|(field, row)| !rows.has(*field, *row));
        Ok(missing.map(|(field, _)| *field).collect())
    }

    pub(super) async fn verify(
        &self,
        stage: Option<Uuid>,
        patch: &Patch,
    ) -> Result<Found, StoreError> {
        let name = patch.text(Field::NAME).map(Key::name);
        let references: Vec<_> = references(patch).collect();
        // Unchanged references are not checked, nor those to flows in the stage's own `flow_set`.
        let stage_key = stage.filter(|_| !references.is_empty()).map(Key::stage);
        let rows = references.iter().filter_map(|(field, row)| row_key(*field, *row));
        let keys = name.into_iter().chain(stage_key).chain(rows);
        let rows = Rows(self.get_all(keys, None).await?);
        let old = match rows.find(stage.map(Key::stage)) {
            Some(item) => {
                let read = item::read_stage(item.clone());
                read.map_err(|error| StoreError::unreadable(&error))?.stage
            }
            None => Stage::new(Uuid::nil()),
        };
        let mut found = Found::new();
        let mut report = |field, problem| {
            found.insert(field, FieldProblems::Field(vec![problem]));
        };
        if let Some(lock) = rows.find(patch.text(Field::NAME).map(Key::name)) {
            let owner = item::read_owner(lock.clone());
            let owner = owner.map_err(|error| StoreError::unreadable(&error))?;
            if Some(owner) != stage {
                report(Field::NAME, Problem::NameTaken);
            }
        }
        let after = apply::applied(old.clone(), patch);
        for (field, row) in apply::new_references(&old, &after) {
            if patch.contains(field) && !rows.has(field, row) {
                report(field, Problem::NoSuchRow(patch.spelling(field)));
            }
        }
        Ok(found)
    }
}

/// The references that the patch sets.
fn references(patch: &Patch) -> impl Iterator<Item = (Field, Uuid)> {
    Field::all().filter_map(|field| {
        let row = patch.change(field).set().and_then(Value::as_key);
        row.map(|row| (field, row))
    })
}

/// The key of the row that a field refers to.
pub(super) fn row_key(field: Field, row: Uuid) -> Option<Key> {
    match field.spec().kind {
        Kind::Reference(Row::Flow) => Some(Key::flow(row)),
        Kind::Reference(Row::Mapping) => Some(Key::mapping(row)),
        _ => None,
    }
}

/// Items that were read together.
struct Rows(Vec<Item>);

impl Rows {
    fn find(&self, key: Option<Key>) -> Option<&Item> {
        let key = key?;
        let is = |item: &Item, name, value: &str| matches!(item.get(name), Some(AttributeValue::S(found)) if found == value);
        self.0.iter().find(|item| is(item, ID, &key.id) && is(item, KIND, key.kind.as_str()))
    }

    fn has(&self, field: Field, row: Uuid) -> bool {
        self.find(row_key(field, row)).is_some()
    }
}
