//! The engines that the tests can run on, and where they answer differently.

use std::sync::atomic::{AtomicU32, Ordering};

use authenticator_sms_stage::store::{Secrets, StageTable};
use aws_sdk_dynamodb::{
    config::SharedHttpClient, error::ProvideErrorMetadata as _, types::TableStatus,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    orchestrator::HttpResponse,
};

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

#[tokio::test]
async fn waits_for_a_new_table_as_aws_makes_it() {
    let house = House::new().await;
    let looks = AtomicU32::new(0);
    house.tap.meddle(move |seen, request, inner| {
        let answer = match &*seen.operation {
            "CreateTable" => r#"{"TableDescription": {"TableStatus": "CREATING"}}"#,
            "DescribeTable" if looks.fetch_add(1, Ordering::Relaxed) == 0 => {
                r#"{"Table": {"TableStatus": "CREATING"}}"#
            }
            _ => return None,
        };
        let sent = inner.call(request);
        Some(HttpConnectorFuture::new(async move {
            sent.await?;
            Ok(HttpResponse::new(200.try_into().unwrap(), answer.into()))
        }))
    });
    let lease = house.site.lease_table();
    let client = house.site.client(SharedHttpClient::new(house.tap.clone()));
    let table = StageTable::new(client, lease.table_name.clone(), Secrets::Echo);
    table.create_table().await.unwrap();
    assert_eq!(
        house.tap.operations(),
        ["CreateTable", "DescribeTable", "DescribeTable", "UpdateTimeToLive"],
    );
}
