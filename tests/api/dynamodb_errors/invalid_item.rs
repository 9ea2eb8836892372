//! Items that cannot be read, and items that are too large.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, Request, STAGE, TOO_LARGE, TestApp,
    calls::{self, Call, assert_error, assert_holds_no_content, server_error},
    dynamodb::{self, cancelled, check_failed, condition_failed, none},
    invalid, stage_with, whole_document, with, write_ids,
};

#[tokio::test]
async fn an_unreadable_item_leads_to_500_and_its_content_is_not_shown() {
    let app = calls::app().await;
    for call in [Call::Stage, Call::InPlace, Call::CompareAndSwap, Call::Transaction, Call::Destroy]
    {
        let mut item = attributes(&app).await;
        item["auth"] = json!({"N": "17"});
        let answer = move || match call {
            Call::Transaction | Call::Destroy => {
                let mut reason = check_failed();
                reason["Item"] = item.clone();
                cancelled(&[reason, none(), none()][..call.parts()])
            }
            Call::InPlace | Call::CompareAndSwap => condition_failed(&item),
            _ => dynamodb::response(200, json!({"Item": item}).to_string()),
        };
        call.answer_always(&app, answer);
        assert_error(&app.send(&call.request()).await, server_error(), "an unreadable item");
        let error = call.error(&app).await;
        assert_eq!(error.cause, "the item's attribute auth is missing or malformed");
        assert_holds_no_content(&error, "an unreadable item");
    }
}

/// The first stage's item in DynamoDB's JSON.
async fn attributes(app: &TestApp) -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let stage = &fixture["stages"][0];
    let ids = write_ids(&app.snapshot().await[&Key::stage(STAGE)]);
    let text = |field: &str| json!({"S": stage[field]});
    let attributes = json!({
        "schema": {"N": "1"},
        "revision": {"N": "1"},
        "write_ids": {"L": ids.iter().map(|id| json!({"S": id})).collect::<Vec<_>>()},
        "name": text("name"),
        "flow_set": {"L": []},
        "configure_flow": {"NULL": true},
        "friendly_name": text("friendly_name"),
        "provider": text("provider"),
        "from_number": text("from_number"),
        "account_sid": text("account_sid"),
        "auth": text("auth"),
        "auth_password": text("auth_password"),
        "auth_type": text("auth_type"),
        "verify_only": {"BOOL": false},
        "mapping": {"NULL": true},
    });
    with(Key::stage(STAGE).json(), attributes)
}

#[tokio::test]
async fn an_item_that_becomes_too_large_is_reported_on_the_field_for_every_call() {
    let app = calls::app().await;
    let message = "Item size to update has exceeded the maximum allowed size";
    for (call, field) in [
        (Call::InPlace, "from_number"),
        (Call::CompareAndSwap, "flow_set"),
        (Call::Transaction, "name"),
    ] {
        call.answer_always(&app, move || {
            dynamodb::error_of_type(400, "com.amazon.coral.validate#ValidationException", message)
        });
        let expected = invalid(json!({field: [TOO_LARGE]}));
        assert_error(&app.send(&call.request()).await, expected, field);
    }
}

/// Every way to write the stage.
fn writes() -> Vec<(Request, &'static str)> {
    let calls = [
        (Call::InPlace, "in place"),
        (Call::CompareAndSwap, "a compare-and-swap"),
        (Call::Transaction, "a rename"),
        (Call::Destroy, "a deletion"),
    ];
    let put = Request::patch_json(&whole_document()).method("PUT");
    let form = Request::patch_json(&stage_with(json!({"friendly_name": "other"})));
    let requests = calls.map(|(call, why)| (call.request(), why));
    requests.into_iter().chain([(put, "a PUT"), (form, "the whole document")]).collect()
}

/// Changes an item without the function.
async fn change(app: &TestApp, key: &Key, expression: &str, value: AttributeValue) {
    let mut update = app.client.update_item().table_name(&app.table_name);
    if expression.contains("#schema") {
        update = update.expression_attribute_names("#schema", "schema"); // A reserved word.
    }
    update
        .set_key(Some(key.attributes()))
        .update_expression(expression)
        .expression_attribute_values(":value", value)
        .send()
        .await
        .unwrap();
}

/// An item that this version cannot read, as a newer version may write it. A request that is
/// answered 500 has changed nothing, however often it is repeated.
#[tokio::test]
async fn a_request_on_an_unreadable_item_leaves_it_unchanged() {
    let app = calls::app().await;
    change(
        &app,
        &Key::stage(STAGE),
        "SET flow_set[0].layout = :value",
        AttributeValue::S("spiral".to_owned()),
    )
    .await;
    let before = app.snapshot().await;
    for (request, why) in writes() {
        for _ in 0..3 {
            assert_error(&app.send(&request).await, server_error(), why);
            assert_eq!(app.snapshot().await, before, "{why}");
        }
    }
    assert_error(&app.send(&Call::Stage.request()).await, server_error(), "an empty PATCH");
    let error = Call::InPlace.error(&app).await;
    assert_eq!(error.cause, "the item's attribute layout is missing or malformed");
}

/// Undoing a write removes the attributes that the item did not have.
#[tokio::test]
async fn a_request_on_an_item_that_lacks_an_attribute_leaves_it_unchanged() {
    let app = calls::app().await;
    let update = app.client.update_item().table_name(&app.table_name);
    let update = update.set_key(Some(Key::stage(STAGE).attributes()));
    update.update_expression("REMOVE from_number").send().await.unwrap();
    let before = app.snapshot().await;
    for body in [r#"{"from_number": "x"}"#, r#"{"from_number": "x", "verify_only": true}"#] {
        for _ in 0..2 {
            assert_error(&app.send(&Request::patch(body)).await, server_error(), body);
            assert_eq!(app.snapshot().await, before, "{body}");
        }
    }
}

/// Only the failed request's own write is undone: another client's write before the undo is kept.
#[tokio::test]
async fn undoing_a_write_on_an_unreadable_item_keeps_another_clients_write() {
    let app = Arc::new(calls::app().await);
    let word = AttributeValue::S("spiral".to_owned());
    change(&app, &Key::stage(STAGE), "SET flow_set[0].layout = :value", word).await;
    let writes = AtomicUsize::new(0);
    let writer = Arc::clone(&app);
    app.dynamodb.intercept(move |recorded, request, engine| {
        let is_undo =
            recorded.operation == "UpdateItem" && writes.fetch_add(1, Ordering::Relaxed) == 1;
        if !is_undo {
            return None;
        }
        let (writer, engine) = (Arc::clone(&writer), engine.clone());
        Some(HttpConnectorFuture::new(async move {
            let ids = ["theirs", "b", "c", "d"].map(|id| AttributeValue::S(id.to_owned()));
            change(
                &writer,
                &Key::stage(STAGE),
                "SET write_ids = :value",
                AttributeValue::L(ids.into()),
            )
            .await;
            engine.call(request).await
        }))
    });
    let answer = app.send(&Call::InPlace.request()).await;
    assert!([500, 503].contains(&answer.status), "{}", answer.body);
    let after = app.snapshot().await;
    assert_eq!(write_ids(&after[&Key::stage(STAGE)])[0], "theirs");
}

/// An item of another schema, as a newer version writes it, is not changed by any operation.
#[tokio::test]
async fn an_item_of_another_schema_is_refused_and_left_unchanged() {
    let app = calls::app().await;
    for schema in ["2", "0"] {
        change(
            &app,
            &Key::stage(STAGE),
            "SET #schema = :value",
            AttributeValue::N(schema.to_owned()),
        )
        .await;
        let before = app.snapshot().await;
        for (request, why) in writes() {
            assert_error(&app.send(&request).await, server_error(), why);
            assert_eq!(app.snapshot().await, before, "{why}");
        }
        let cause = format!("the item has schema {schema}, and this version reads schema 1");
        for call in [Call::InPlace, Call::CompareAndSwap, Call::Transaction, Call::Destroy] {
            assert_eq!(call.error(&app).await.cause, cause, "{call:?}");
        }
        assert_eq!(app.snapshot().await, before);
    }
}

/// The schema version is part of each condition, so a migration between a read and its write is seen.
#[tokio::test]
async fn an_item_that_gets_another_schema_after_it_was_read_is_left_unchanged() {
    let document = whole_document();
    let name = document["name"].as_str().unwrap();
    for (call, key) in [
        (Call::CompareAndSwap, Key::stage(STAGE)),
        (Call::Transaction, Key::stage(STAGE)),
        (Call::Destroy, Key::stage(STAGE)),
        (Call::Transaction, Key::name(name)),
        (Call::Destroy, Key::name(name)),
    ] {
        let app = Arc::new(calls::app().await);
        let (migrated, migrating) = (Arc::new(OnceLock::new()), Arc::clone(&app));
        let (before, at) = (Arc::clone(&migrated), key.clone());
        app.dynamodb.intercept(move |recorded, request, engine| {
            let writes = ["UpdateItem", "TransactWriteItems"].contains(&&*recorded.operation);
            if !writes || before.get().is_some() {
                return None;
            }
            let (before, app, at) = (Arc::clone(&before), Arc::clone(&migrating), at.clone());
            let engine = engine.clone();
            Some(HttpConnectorFuture::new(async move {
                change(&app, &at, "SET #schema = :value", AttributeValue::N("2".to_owned())).await;
                before.set(app.snapshot().await).unwrap();
                engine.call(request).await
            }))
        });
        assert_error(&app.send(&call.request()).await, server_error(), "another schema");
        assert_eq!(Some(&app.snapshot().await), migrated.get(), "{call:?}, {key:?}");
    }
}
