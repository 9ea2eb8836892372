//! Strongly consistent queries: all items of one kind, page by page.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::query::QueryOutput, types::AttributeValue};

use super::{
    error::StoreError,
    item::{Item, text},
    key::{ID, KIND, Kind},
    session::Session,
};

impl Session<'_> {
    /// Reads every item of a kind whose sort key begins with `prefix`, in the order of these keys.
    /// `each` is called with the sort key and the item.
    pub(super) async fn read_kind(
        &self,
        kind: Kind,
        prefix: &str,
        mut each: impl FnMut(String, Item),
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let answer = self.query(kind, prefix, after.take()).await?;
            for item in answer.items.unwrap_or_default() {
                if let Some(AttributeValue::S(id)) = item.get(ID) {
                    each(id.clone(), item);
                }
            }
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads one page: the items after this key, at most 1 MB.
    pub(super) async fn query(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<HashMap<String, AttributeValue>>,
    ) -> Result<QueryOutput, StoreError> {
        self.count_call();
        let query = self.table.client.query().table_name(&self.table.name);
        let query = query
            .expression_attribute_names("#kind", KIND)
            .expression_attribute_values(":kind", text(kind.as_str()));
        // DynamoDB does not accept an empty prefix.
        let query = if prefix.is_empty() {
            query.key_condition_expression("#kind = :kind")
        } else {
            query
                .key_condition_expression("#kind = :kind AND begins_with(#id, :prefix)")
                .expression_attribute_names("#id", ID)
                .expression_attribute_values(":prefix", text(prefix))
        };
        let answer = query.consistent_read(true).set_exclusive_start_key(after).send().await;
        answer.map_err(|error| StoreError::from_sdk("Query", &error))
    }
}
