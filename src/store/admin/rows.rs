//! Puts rows that the function only reads: flows, mappings, tokens.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use uuid::Uuid;

use super::on_conflict::OnConflict;
use crate::{
    access::token::{Token, TokenHash},
    stage::flow::Flow,
    store::{
        error::StoreError,
        item::{self, CREATED, EXPIRES, Item, REVOKED, number, text},
        item_size::{self, ITEM_BYTES_MAX},
        key::{ID, Key},
        retry::{self, TRIES_MAX},
        schema::{SCHEMA, schema_version},
        session::Session,
    },
};

/// No item has this key.
const IS_NEW: &str = "attribute_not_exists(#id)";
/// The item is not a revoked token, and its schema version is not newer than this program's. An
/// item whose schema version is missing or not a number is broken, and overwriting repairs it.
const MAY_BE_OVERWRITTEN: &str = "attribute_not_exists(#revoked) AND \
                                  (attribute_not_exists(#schema) OR NOT #schema > :schema)";

/// A row that the function only reads.
#[derive(Clone, Copy, Debug)]
pub enum Row<'r> {
    /// A flow that `configure_flow` may point to.
    Flow(&'r Flow),
    /// A mapping that `mapping` may point to, with its name.
    Mapping(Uuid, &'r str),
    /// A token, under the hash of its key.
    Token(&'r TokenHash, &'r Token),
}

/// The outcome of putting a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum RowPut {
    /// The row is in the table.
    Put,
    /// A row with its key already exists, and was not changed.
    Exists,
    /// The row is a token that was revoked, and stays revoked.
    Revoked,
    /// A row with its key exists that a newer version of this program wrote, and was not changed.
    NewerSchema,
    /// The row is larger than an item can be.
    TooLarge,
}

impl Row<'_> {
    fn item(self) -> Item {
        match self {
            Self::Flow(flow) => item::flow_item(flow),
            Self::Mapping(mapping, name) => {
                item::item(Key::mapping(mapping), [("name", text(name))])
            }
            Self::Token(hash, token) => token_item(hash, token),
        }
    }
}

fn token_item(hash: &TokenHash, token: &Token) -> Item {
    let permissions = token.caller.permissions().iter().map(|held| text(held)).collect();
    let times = [(CREATED, token.created), (EXPIRES, token.expires)];
    let times = times.into_iter().filter_map(|(name, time)| time.map(|time| (name, number(time))));
    let user = text(token.caller.user.as_deref().unwrap_or_default());
    let own = [("user", user), ("permissions", AttributeValue::L(permissions))];
    item::item(Key::token(hash), own.into_iter().chain(times))
}

impl Session<'_> {
    /// Puts a row that the function only reads. A revoked token stays revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn put_row(
        &self,
        row: Row<'_>,
        on_conflict: OnConflict,
    ) -> Result<RowPut, StoreError> {
        let item = row.item();
        if item_size::item_bytes(&item) > ITEM_BYTES_MAX {
            return Ok(RowPut::TooLarge);
        }
        let mut attempt = 1;
        loop {
            let Err(error) = self.put_item(item.clone(), on_conflict).await else {
                return Ok(RowPut::Put);
            };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    return Ok(refusal(refused.item(), on_conflict));
                }
                Some(other) if is_conflict(other) && attempt < TRIES_MAX => {
                    retry::pause(attempt).await;
                    attempt += 1;
                }
                _ => return Err(StoreError::from_sdk("PutItem", &error)),
            }
        }
    }

    async fn put_item(
        &self,
        item: Item,
        on_conflict: OnConflict,
    ) -> Result<(), SdkError<PutItemError>> {
        self.count_call();
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        let put = match on_conflict {
            OnConflict::Skip => {
                put.condition_expression(IS_NEW).expression_attribute_names("#id", ID)
            }
            OnConflict::Overwrite => put
                .condition_expression(MAY_BE_OVERWRITTEN)
                .expression_attribute_names("#revoked", REVOKED)
                .expression_attribute_names("#schema", SCHEMA)
                .expression_attribute_values(":schema", schema_version()),
        };
        let put = put
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put.send().await.map(|_| ())
    }
}

/// Whether a transaction of the function is checking the row, or another region is writing it. The
/// SDK does not retry after the first of these, and retries only briefly after the second.
fn is_conflict(error: &PutItemError) -> bool {
    matches!(
        error,
        PutItemError::TransactionConflictException(_)
            | PutItemError::ReplicatedWriteConflictException(_)
    )
}

fn refusal(there: Option<&Item>, on_conflict: OnConflict) -> RowPut {
    if there.is_some_and(|there| there.contains_key(REVOKED)) {
        RowPut::Revoked
    } else if on_conflict == OnConflict::Overwrite {
        RowPut::NewerSchema
    } else {
        RowPut::Exists
    }
}
