//! The engines that the tests can run on, and where they answer differently.

use aws_sdk_dynamodb::{error::ProvideErrorMetadata as _, types::TableStatus};

use crate::harness::{
    House,
    engine::{Site, TABLE_PREFIX, remove_table, run_id},
};

#[tokio::test]
#[ignore = "removes what other runs have left, so it is for when none is at work"]
async fn removes_what_runs_that_were_cut_off_left() {
    let site = Site::find().await;
    let client = site.client(site.http());
    let own = format!("{TABLE_PREFIX}{}-", run_id());
    let mut names = client.list_tables().into_paginator().items().send();
    while let Some(name) = names.next().await {
        let name = name.unwrap();
        if name.starts_with(TABLE_PREFIX) && !name.starts_with(&own) {
            remove_table(&client, &name).await.unwrap();
        }
    }
}

#[tokio::test]
async fn removes_its_table_from_an_engine_that_stays_also_when_the_test_panics() {
    let site = Site::find().await;
    let client = site.client(site.http());
    let (tell_name, name) = std::sync::mpsc::channel();
    let test = tokio::spawn(async move {
        let house = House::new().await;
        tell_name.send(house.table_name.clone()).unwrap();
        // Unwinds as a panic does, and says nothing.
        std::panic::resume_unwind(Box::new("a test that failed"));
    });
    assert!(test.await.unwrap_err().is_panic());
    let name = name.recv().unwrap();
    let status = match client.describe_table().table_name(&name).send().await {
        Ok(there) => there.table.and_then(|table| table.table_status),
        Err(error) => {
            assert_eq!(error.code(), Some("ResourceNotFoundException"));
            None
        }
    };
    assert!(matches!(status, None | Some(TableStatus::Deleting)), "{name} is left behind");
}
