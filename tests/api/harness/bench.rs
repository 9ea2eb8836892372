//! Shorthand for DynamoDB requests, for tests of an engine.

use std::fmt::Debug;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        put_item::builders::PutItemFluentBuilder,
        transact_write_items::{
            TransactWriteItemsError, builders::TransactWriteItemsFluentBuilder,
        },
        update_item::builders::UpdateItemFluentBuilder,
    },
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Put,
        ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem as Part, Update,
    },
};

use super::{
    Item, TestApp,
    key::{self, exists},
};

/// The engine, recognised by the ARN of its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// The embedded engine.
    Embedded,
    /// DynamoDB Local.
    Local,
    /// AWS, or another engine.
    Other,
}

/// An empty table for tests of its engine, with shorthand for requests.
pub struct Bench {
    /// The table and its clients.
    pub app: TestApp,
    /// The engine.
    pub kind: EngineKind,
}

/// Names and values of attributes.
pub type Values<'v> = &'v [(&'v str, AttributeValue)];

impl Bench {
    /// Creates an empty table.
    pub async fn new() -> Self {
        let app = TestApp::empty().await;
        let seen = app.client.describe_table().table_name(&app.table_name).send().await;
        let arn = seen.unwrap().table.and_then(|table| table.table_arn).unwrap();
        let kind = match arn.split(':').nth(3) {
            Some("dynoxide") => EngineKind::Embedded,
            Some("ddblocal") => EngineKind::Local,
            _ => EngineKind::Other,
        };
        Self { app, kind }
    }

    /// The expected value for this engine; for other engines, the documented one, if there is one.
    pub fn expect<T>(&self, embedded: T, local: T, documented: Option<T>) -> Option<T> {
        match self.kind {
            EngineKind::Embedded => Some(embedded),
            EngineKind::Local => Some(local),
            EngineKind::Other => documented,
        }
    }

    /// A PutItem request.
    pub fn put(&self, key: &str, attributes: Values<'_>) -> PutItemFluentBuilder {
        let put = self.app.client.put_item().table_name(&self.app.table_name);
        put.set_item(Some(item(key, attributes)))
    }

    /// Reads an item.
    pub async fn get(&self, key: &str) -> Option<Item> {
        let get = self.app.client.get_item().table_name(&self.app.table_name);
        get.set_key(Some(key::probe(key))).consistent_read(true).send().await.unwrap().item
    }

    /// An UpdateItem request.
    pub fn update(
        &self,
        key: &str,
        expression: &str,
        values: Values<'_>,
    ) -> UpdateItemFluentBuilder {
        let update = self.app.client.update_item().table_name(&self.app.table_name);
        update
            .set_key(Some(key::probe(key)))
            .update_expression(expression)
            .set_expression_attribute_values(placeholders(values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    }

    /// A put in a transaction.
    pub fn put_part(&self, key: &str, attributes: Values<'_>, condition: Option<&str>) -> Part {
        let put = Put::builder()
            .table_name(&self.app.table_name)
            .set_item(Some(item(key, attributes)))
            .set_condition_expression(condition.map(str::to_owned))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        Part::builder().put(put.build().unwrap()).build()
    }

    /// An update in a transaction.
    pub fn update_part(&self, key: &str, expression: &str, values: Values<'_>) -> Part {
        let update = Update::builder()
            .table_name(&self.app.table_name)
            .set_key(Some(key::probe(key)))
            .update_expression(expression)
            .set_expression_attribute_values(placeholders(values));
        Part::builder().update(update.build().unwrap()).build()
    }

    /// A check in a transaction: the item exists.
    pub fn check_part(&self, key: &str) -> Part {
        let check = ConditionCheck::builder()
            .table_name(&self.app.table_name)
            .set_key(Some(key::probe(key)))
            .condition_expression(exists());
        Part::builder().condition_check(check.build().unwrap()).build()
    }

    /// A request token that no other test uses: an engine may remember tokens across tables.
    pub fn token(&self) -> &str {
        &self.app.table_name
    }

    /// A transaction.
    pub fn transact(&self, parts: Vec<Part>) -> TransactWriteItemsFluentBuilder {
        self.app.client.transact_write_items().set_transact_items(Some(parts))
    }
}

/// Maximum size of an item, in bytes.
pub const ITEM_BYTES_MAX: usize = 409_600;

/// A string.
pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number.
pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A list of strings.
pub fn list<const N: usize>(texts: [&str; N]) -> AttributeValue {
    AttributeValue::L(texts.map(s).to_vec())
}

/// A string of this many bytes.
pub fn filler(bytes: usize) -> AttributeValue {
    s("x".repeat(bytes))
}

/// An item.
pub fn item(key: &str, attributes: Values<'_>) -> Item {
    let own = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    own.chain(key::probe(key)).collect()
}

fn placeholders(values: Values<'_>) -> Option<Item> {
    let values = values.iter().map(|(name, value)| (format!(":{name}"), value.clone()));
    Some(values.collect::<Item>()).filter(|values| !values.is_empty())
}

/// The code and the message of an error.
pub fn error_of<T: Debug, E: ProvideErrorMetadata + Debug>(
    answer: Result<T, SdkError<E>>,
) -> (String, String) {
    let error = answer.unwrap_err();
    let error = error.as_service_error().unwrap();
    let message = error.message().unwrap_or_default();
    (error.code().unwrap().to_owned(), message.to_owned())
}

/// The reason for each part, if the transaction was cancelled.
pub fn reasons<T: Debug>(
    answer: Result<T, SdkError<TransactWriteItemsError>>,
) -> Option<Vec<CancellationReason>> {
    match answer.unwrap_err().into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons
        }
        _ => None,
    }
}
