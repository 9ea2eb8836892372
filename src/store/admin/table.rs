//! Creates the table on engines that charge nothing; the template creates the real one.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::describe_table::{DescribeTableError, DescribeTableOutput},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TableStatus, TimeToLiveSpecification,
    },
};

use crate::store::{
    Table,
    error::StoreError,
    item::EXPIRES,
    key::{ID, KIND},
};

/// Wait between two checks of a table that is being created.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum checks of a table that is being created: AWS is given a minute, and takes some seconds.
const POLLS_MAX: u32 = 120;

/// The table's key, whose attributes are all texts.
const KEY: [(&str, KeyType); 2] = [(KIND, KeyType::Hash), (ID, KeyType::Range)];

impl Table {
    /// Creates the table, with its key and its time to live, and waits until it can be used.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table exists, or could not be created.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let mut request = self.client.create_table().table_name(&self.name);
        for (name, key_type) in KEY {
            let key = KeySchemaElement::builder().attribute_name(name).key_type(key_type);
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S);
            request = request
                .key_schema(key.build().map_err(StoreError::unbuilt)?)
                .attribute_definitions(attribute.build().map_err(StoreError::unbuilt)?);
        }
        let made = request.billing_mode(BillingMode::PayPerRequest).send().await;
        let made = made.map_err(|error| StoreError::from_sdk("CreateTable", &error))?;
        let status = made.table_description.and_then(|table| table.table_status);
        if status != Some(TableStatus::Active) {
            self.wait_until_active().await?;
        }
        self.enable_expiry().await
    }

    /// Lets the table delete expired tokens.
    async fn enable_expiry(&self) -> Result<(), StoreError> {
        let expiry = TimeToLiveSpecification::builder().attribute_name(EXPIRES).enabled(true);
        self.client
            .update_time_to_live()
            .table_name(&self.name)
            .time_to_live_specification(expiry.build().map_err(StoreError::unbuilt)?)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| StoreError::from_sdk("UpdateTimeToLive", &error))
    }

    async fn wait_until_active(&self) -> Result<(), StoreError> {
        for _ in 0..POLLS_MAX {
            // The part of DynamoDB that describes tables may see a new one later than the part that
            // created it.
            let seen = self.describe().await?;
            let status = seen.and_then(|seen| seen.table).and_then(|table| table.table_status);
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(StoreError::retryable("CreateTable", "the table is still being created"))
    }

    /// Whether the table exists.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to the engine fails.
    pub async fn exists(&self) -> Result<bool, StoreError> {
        Ok(self.describe().await?.is_some())
    }

    async fn describe(&self) -> Result<Option<DescribeTableOutput>, StoreError> {
        let described = self.client.describe_table().table_name(&self.name).send().await;
        match described {
            Ok(described) => Ok(Some(described)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(StoreError::from_sdk("DescribeTable", &error)),
        }
    }
}

fn is_missing(error: &SdkError<DescribeTableError>) -> bool {
    error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception)
}
