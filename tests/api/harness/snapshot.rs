//! All items of a table at one time.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use super::{Item, Key, Kind, SETUP_FLOW, STAGE, TestApp};

/// Every item of a table, by its key.
pub type Snapshot = BTreeMap<Key, Item>;

/// Reads every item of a table.
pub async fn read_snapshot(client: &Client, table_name: &str) -> Snapshot {
    let pages = client.scan().table_name(table_name).consistent_read(true);
    let mut items = pages.into_paginator().items().send();
    let mut snapshot = Snapshot::new();
    while let Some(item) = items.next().await {
        let item = item.unwrap();
        snapshot.insert(Key::of_item(&item), item);
    }
    snapshot
}

/// The items except one stage and the locks of names, which a write of that stage may change.
pub fn without_stage(snapshot: &Snapshot, stage: &Key) -> Snapshot {
    let mut others = snapshot.clone();
    others.retain(|key, _| key != stage && key.kind != Kind::Name);
    others
}

impl TestApp {
    /// Every item of the table.
    pub async fn snapshot(&self) -> Snapshot {
        read_snapshot(&self.client, &self.table_name).await
    }

    /// Restores an earlier state of the table item by item: on some engines, creating a table takes
    /// seconds.
    pub async fn restore(&self, before: &Snapshot) {
        let now = self.snapshot().await;
        for key in now.keys().filter(|key| !before.contains_key(*key)) {
            self.delete_item(key).await;
        }
        for (_, item) in before.iter().filter(|(key, item)| now.get(*key) != Some(*item)) {
            let put = self.client.put_item().table_name(&self.table_name);
            put.set_item(Some(item.clone())).send().await.unwrap();
        }
    }

    /// Deletes an item without the function, as an operator can.
    pub async fn delete_item(&self, key: &Key) {
        let delete = self.client.delete_item().table_name(&self.table_name);
        delete.set_key(Some(key.attributes())).send().await.unwrap();
    }

    /// Makes the first stage's `configure_flow` refer to a flow of its own `flow_set`.
    pub async fn configure_by_own_flow(&self) {
        let update = self.client.update_item().table_name(&self.table_name);
        update
            .set_key(Some(Key::stage(STAGE).attributes()))
            .update_expression("SET configure_flow = :flow")
            .expression_attribute_values(":flow", AttributeValue::S(SETUP_FLOW.to_owned()))
            .send()
            .await
            .unwrap();
    }
}
