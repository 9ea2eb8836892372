//! Strongly consistent reads of single items.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use uuid::Uuid;

use super::{
    error::StoreError,
    item::{self, Item},
    key::{self, Key},
    retry,
    session::Session,
};
use crate::{
    access::{
        permission::{MayList, MayView},
        token::{Token, TokenHash},
    },
    stage::version::Stored,
};

/// Maximum number of keys in one `BatchGetItem`:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>.
const BATCH_KEYS_MAX: usize = 100;

impl Session<'_> {
    /// Reads the token whose key has this hash, unless it was revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails, or the item cannot be read.
    pub async fn token(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let found = self.get(Key::token(hash)).await?;
        let read = found.map(item::read_token).transpose();
        Ok(read.map_err(|error| StoreError::unreadable(&error))?.flatten())
    }

    /// Reads the stage.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails, or the item cannot be read.
    pub async fn retrieve(&self, may: &MayView) -> Result<Option<Stored>, StoreError> {
        self.stage(may.stage()).await
    }

    /// The stages that exist, out of those that may be listed individually.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn existing(&self, may: &MayList) -> Result<BTreeSet<Uuid>, StoreError> {
        let keys = may.stages().into_iter().flatten().map(|stage| Key::stage(*stage));
        let items = self.get_all(keys, Some(key::ID)).await?;
        let ids = items.iter().filter_map(|item| item.get(key::ID)?.as_s().ok());
        Ok(ids.filter_map(|id| Uuid::try_parse(id).ok()).collect())
    }

    pub(super) async fn stage(&self, stage: Uuid) -> Result<Option<Stored>, StoreError> {
        let found = self.get(Key::stage(stage)).await?;
        found.map(item::read_stage).transpose().map_err(|error| StoreError::unreadable(&error))
    }

    pub(super) async fn get(&self, key: Key) -> Result<Option<Item>, StoreError> {
        self.count_call();
        let request = self.table.client.get_item().table_name(&self.table.name);
        let answer = request
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem", &error))?;
        Ok(answer.item)
    }

    /// Reads the items with these keys that exist, in any order; only `attribute` of each if given.
    /// One call at a time, for a hundred keys: concurrent ones would each open a connection, and
    /// every connection that dies while the function is frozen slows down a later request.
    pub(super) async fn get_all(
        &self,
        keys: impl Iterator<Item = Key>,
        attribute: Option<&str>,
    ) -> Result<Vec<Item>, StoreError> {
        let keys: Vec<_> = keys.map(Key::attributes).collect();
        let mut items = Vec::new();
        for keys in keys.chunks(BATCH_KEYS_MAX) {
            self.get_batch(keys, attribute, &mut items).await?;
        }
        Ok(items)
    }

    async fn get_batch(
        &self,
        keys: &[HashMap<String, AttributeValue>],
        attribute: Option<&str>,
        items: &mut Vec<Item>,
    ) -> Result<(), StoreError> {
        let mut keys = keys.to_vec();
        for attempt in 1..=retry::TRIES_MAX {
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .set_projection_expression(attribute.map(|_| "#attribute".to_owned()))
                .set_expression_attribute_names(attribute.map(|attribute| {
                    HashMap::from([("#attribute".to_owned(), attribute.to_owned())])
                }))
                .build()
                .map_err(StoreError::unbuilt)?;
            self.count_call();
            let request = self.table.client.batch_get_item();
            let answer = request.request_items(&self.table.name, asked).send().await;
            let answer = answer.map_err(|error| StoreError::from_sdk("BatchGetItem", &error))?;
            items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            // DynamoDB leaves out what does not fit into 16 MB, and what it had no capacity for.
            let left =
                answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys);
            keys = left.collect();
            if keys.is_empty() {
                return Ok(());
            }
            retry::pause(attempt).await;
        }
        Err(StoreError::retryable("BatchGetItem", "keys were left unprocessed every time"))
    }
}
