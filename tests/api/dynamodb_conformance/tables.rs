//! Tables: how they are created, and that the tests delete their own.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_sdk_dynamodb::{
    config::SharedHttpClient,
    error::ProvideErrorMetadata as _,
    types::{BillingMode, TableStatus, TimeToLiveSpecification},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    orchestrator::HttpResponse,
};

use crate::harness::{
    TABLE_PREFIX, TestApp, TestTable, bench::Bench, engine::EngineEndpoint, key, library,
    remove_table, run_id,
};

#[tokio::test]
#[ignore = "deletes the tables of other runs, which may still be running"]
async fn deletes_the_tables_of_interrupted_runs() {
    let endpoint = EngineEndpoint::find().await;
    let client = endpoint.client(endpoint.http());
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
async fn a_test_that_panics_deletes_its_table() {
    let endpoint = EngineEndpoint::find().await;
    let client = endpoint.client(endpoint.http());
    let (sender, name) = std::sync::mpsc::channel();
    let test = tokio::spawn(async move {
        let app = TestApp::new().await;
        sender.send(app.table_name.clone()).unwrap();
        // Unwinds as a panic does, without its message.
        std::panic::resume_unwind(Box::new("a test that failed"));
    });
    assert!(test.await.unwrap_err().is_panic());
    let name = name.recv().unwrap();
    let status = match client.describe_table().table_name(&name).send().await {
        Ok(described) => described.table.and_then(|table| table.table_status),
        Err(error) => {
            assert_eq!(error.code(), Some("ResourceNotFoundException"));
            None
        }
    };
    assert!(matches!(status, None | Some(TableStatus::Deleting)), "{name} was not deleted");
}

#[tokio::test]
async fn creating_a_table_waits_until_it_is_active() {
    let app = TestApp::new().await;
    let descriptions = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&descriptions);
    app.dynamodb.intercept(move |recorded, request, inner| {
        let answer = match &*recorded.operation {
            "CreateTable" => r#"{"TableDescription": {"TableStatus": "CREATING"}}"#,
            "DescribeTable" if counted.fetch_add(1, Ordering::Relaxed) == 0 => {
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
    let test_table = TestTable::reserve(&app.endpoint);
    let client = app.endpoint.client(SharedHttpClient::new(app.dynamodb.clone()));
    let table = library::table(client, &test_table.name);
    table.create_table().await.unwrap();
    let mut operations = app.dynamodb.operations();
    // AWS may need more than two `DescribeTable` calls.
    operations.dedup();
    assert_eq!(operations, ["CreateTable", "DescribeTable", "UpdateTimeToLive"]);
    assert!(descriptions.load(Ordering::Relaxed) >= 2);
}

#[tokio::test]
async fn engines_differ_in_a_new_tables_status_and_in_setting_its_ttl_again() {
    let bench = Bench::new().await;
    let test_table = TestTable::reserve(&bench.app.endpoint);
    let (schema, definitions) = key::schema();
    let creation = bench
        .app
        .client
        .create_table()
        .table_name(&test_table.name)
        .set_key_schema(Some(schema))
        .set_attribute_definitions(Some(definitions))
        .billing_mode(BillingMode::PayPerRequest);
    let status = creation.send().await.unwrap().table_description.unwrap().table_status.unwrap();
    let creating = TableStatus::Creating;
    let expected = bench.expect(creating.clone(), TableStatus::Active, Some(creating));
    assert_eq!(Some(status), expected);

    // The bench's table already has a TTL.
    let expiry = TimeToLiveSpecification::builder().attribute_name("expires").enabled(true);
    let again = bench.app.client.update_time_to_live().table_name(&bench.app.table_name);
    let again = again.time_to_live_specification(expiry.build().unwrap()).send().await;
    let code = again.map(|_| ()).map_err(|error| error.code().map(str::to_owned));
    let refused = Err(Some("ValidationException".to_owned()));
    assert_eq!(Some(code), bench.expect(Ok(()), refused.clone(), Some(refused)));
}
