//! Items that cannot be read, and items that are too large.

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, STAGE, TOO_LARGE, TestApp,
    calls::{Call, assert_error, assert_holds_no_content, server_error},
    dynamodb::{self, cancelled, check_failed, condition_failed, none},
    invalid, with, write_ids,
};

#[tokio::test]
async fn an_unreadable_item_is_500_and_its_content_is_not_shown() {
    let app = TestApp::new().await;
    for call in [Call::Stage, Call::InPlace, Call::CompareAndSwap, Call::Transaction] {
        let mut item = attributes(&app).await;
        item["auth"] = json!({"N": "17"});
        let answer = move || match call {
            Call::Transaction => {
                let mut reason = check_failed();
                reason["Item"] = item.clone();
                cancelled(&[reason, none(), none()])
            }
            Call::InPlace | Call::CompareAndSwap => condition_failed(&item),
            Call::Token | Call::Stage => dynamodb::response(200, json!({"Item": item}).to_string()),
        };
        call.answer_always(&app, answer);
        assert_error(&app.send(&call.request()).await, server_error(), "an item");
        let error = call.error(&app).await;
        assert_eq!(error.cause, "the item's attribute auth is missing or malformed");
        assert_holds_no_content(&error, "an item");
    }
}

/// The first stage's item in DynamoDB's JSON.
async fn attributes(app: &TestApp) -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let stage = &fixture["stages"][0];
    let ids = write_ids(&app.snapshot().await[&Key::stage(STAGE)]);
    let text = |field: &str| json!({"S": stage[field]});
    let attributes = json!({
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
async fn an_item_that_becomes_too_large_is_an_error_of_the_field_in_every_call() {
    let app = TestApp::new().await;
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
