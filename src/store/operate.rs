//! What operators do to the table: make it, and put in it what the function only reads.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put,
    ScalarAttributeType, TableStatus, TimeToLiveSpecification, TransactWriteItem,
};
use uuid::Uuid;

use super::{
    StageTable, build_failed, failed,
    item::{
        self, EXPIRES, Item, PARTITION_KEY, Stored, WRITE_IDS_KEPT, flow_item, number, stage_item,
        text,
    },
    write,
};
use crate::{
    error::{Remedy, StoreError},
    flow::Flow,
    permission::TokenHash,
    stage::Stage,
};

/// Wait between two looks at a table that is being made.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Looks at a table that is being made: AWS is given a minute, and takes some seconds.
const LOOKS_MAX: u32 = 120;

/// What became of a stage that was to be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It is in the table.
    Done,
    /// A stage with its UUID is there already, and was left as it is.
    Exists,
    /// Another stage has its name; nothing was changed.
    NameTaken,
}

impl StageTable {
    /// Makes the table, with its key and its time to live, and waits until it can be used. For
    /// engines that bill nothing: the template makes the real one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table exists, or could not be made.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let key = KeySchemaElement::builder()
            .attribute_name(PARTITION_KEY)
            .key_type(KeyType::Hash)
            .build()
            .map_err(|error| build_failed(&error))?;
        let attribute = AttributeDefinition::builder()
            .attribute_name(PARTITION_KEY)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(|error| build_failed(&error))?;
        let made = self
            .client
            .create_table()
            .table_name(&self.name)
            .key_schema(key)
            .attribute_definitions(attribute)
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .map_err(|error| failed("CreateTable", &error))?;
        if made.table_description.and_then(|table| table.table_status) != Some(TableStatus::Active)
        {
            self.until_active().await?;
        }
        let expiry = TimeToLiveSpecification::builder()
            .attribute_name(EXPIRES)
            .enabled(true)
            .build()
            .map_err(|error| build_failed(&error))?;
        self.client
            .update_time_to_live()
            .table_name(&self.name)
            .time_to_live_specification(expiry)
            .send()
            .await
            .map_err(|error| failed("UpdateTimeToLive", &error))?;
        Ok(())
    }

    /// Waits until a table that is being made can be used.
    async fn until_active(&self) -> Result<(), StoreError> {
        for _ in 0..LOOKS_MAX {
            let look = self.client.describe_table().table_name(&self.name).send().await;
            let status = match look {
                Ok(seen) => seen.table.and_then(|table| table.table_status),
                // What knows of the table may come later than what made it.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|service| service.is_resource_not_found_exception()) =>
                {
                    None
                }
                Err(error) => return Err(failed("DescribeTable", &error)),
            };
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(StoreError {
            remedy: Remedy::TryLater,
            operation: "CreateTable",
            cause: "the table is still being made".to_owned(),
        })
    }

    /// Whether the table is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the engine could not be asked.
    pub async fn exists(&self) -> Result<bool, StoreError> {
        match self.client.describe_table().table_name(&self.name).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|service| service.is_resource_not_found_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("DescribeTable", &error)),
        }
    }

    /// Puts a stage in, together with its name's lock, as its first revision.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn create_stage(&self, stage: Stage) -> Result<Created, StoreError> {
        let lock = write::name_lock(&self.name, &stage.name, stage.stage_uuid);
        let lock = lock.map_err(|error| build_failed(&error))?;
        let write_id = Uuid::new_v4().simple().to_string();
        // All four places are filled, so that every later write can shift them.
        let stored = Stored { stage, revision: 1, write_ids: vec![write_id; WRITE_IDS_KEPT] };
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(stage_item(&stored)))
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", PARTITION_KEY)
            .build()
            .map_err(|error| build_failed(&error))?;
        let answer = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().put(lock).build())
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(Created::Done),
            Err(error) => error,
        };
        let refused = error.as_service_error().map(write::refused_conditions).unwrap_or_default();
        match refused.as_slice() {
            [true, ..] => Ok(Created::Exists),
            [false, true] => Ok(Created::NameTaken),
            _ => Err(failed("TransactWriteItems", &error)),
        }
    }

    /// Puts in a flow that `configure_flow` may point to, over one with the same key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_flow(&self, flow: &Flow) -> Result<(), StoreError> {
        self.put(item::flow_key(flow.pk), flow_item(flow)).await
    }

    /// Puts in a mapping that `mapping` may point to, over one with the same key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_mapping(&self, mapping: Uuid, name: &str) -> Result<(), StoreError> {
        let item = Item::from([("name".to_owned(), text(name))]);
        self.put(item::mapping_key(mapping), item).await
    }

    /// Puts a token in, over one with the same key. `expires` is in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_token(
        &self,
        hash: &TokenHash,
        user: &str,
        permissions: &[String],
        expires: Option<u64>,
    ) -> Result<(), StoreError> {
        let codenames = permissions.iter().map(|codename| text(codename)).collect();
        let mut item = Item::from([
            ("user".to_owned(), text(user)),
            ("permissions".to_owned(), AttributeValue::L(codenames)),
        ]);
        if let Some(expires) = expires {
            item.insert(EXPIRES.to_owned(), number(expires));
        }
        self.put(item::token_key(hash), item).await
    }

    async fn put(&self, key: String, mut item: Item) -> Result<(), StoreError> {
        item.insert(PARTITION_KEY.to_owned(), AttributeValue::S(key));
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| failed("PutItem", &error))?;
        Ok(())
    }
}
