//! The limit of 400 KB for an item.

use serde_json::{Value, json};

use crate::harness::{
    MAPPING, OTHER_STAGE, Request, STAGE, THIRD_STAGE, TOO_LARGE, TRIGGERS, TestApp, Trigger,
    assert_refused, assert_updated, flow, form, invalid,
    library::{self, OnConflict, document_bytes},
    stage_with, with,
};

/// The most that all texts of a body may take, as JSON in JSON, for a write without a read.
const IN_PLACE_BYTES: usize = 24 * 1024;
/// The most that a document may take, as JSON in JSON.
const DOCUMENT_BYTES: usize = 850_000;

/// Flows that take this many kilobytes in a body, and somewhat more in an item.
fn flows_of(kilobytes: usize) -> Value {
    (0..kilobytes).map(|n| with(flow(&format!("flow-{n}")), json!({"title": kilobyte()}))).collect()
}

fn kilobyte() -> String {
    "t".repeat(1024)
}

#[tokio::test]
async fn an_item_over_400_kb_is_refused_with_an_error_on_the_field() {
    let app = TestApp::new().await;
    let stored = Request::patch_json(&json!({"from_number": "n".repeat(150 * 1024)}));
    assert_eq!(app.send(&stored).await.status, 200);
    let text = |kilobytes: usize| "t".repeat(kilobytes * 1024);
    for (body, field, why) in [
        (json!({"friendly_name": text(300)}), "friendly_name", "together with the stored item"),
        (json!({"auth": text(401)}), "auth", "too large alone"),
        (json!({"auth_password": text(399)}), "auth_password", "nearly too large alone"),
        (
            json!({"auth": text(120), "account_sid": text(140)}),
            "account_sid",
            "two texts: the error is on the longer",
        ),
        (json!({"name": text(300)}), "name", "a rename, together with the stored item"),
        (json!({"name": text(401)}), "name", "a rename, too large alone"),
        (json!({"name": text(300), "mapping": MAPPING}), "name", "a rename and a reference"),
        (json!({"flow_set": flows_of(300)}), "flow_set", "many flows"),
        (
            json!({"flow_set": flows_of(300), "name": "renamed"}),
            "flow_set",
            "many flows and a rename",
        ),
        (json!({"flow_set": flows_of(300), "auth": text(401)}), "auth", "a text that never fits"),
    ] {
        assert_refused(
            &app,
            &Request::patch_json(&body),
            invalid(json!({field: [TOO_LARGE]})),
            why,
        )
        .await;
    }
}

/// A control character takes one byte in the table, and six in an answer.
#[tokio::test]
async fn a_stage_that_is_too_large_for_a_load_balancer_is_refused_through_every_trigger() {
    let app = TestApp::new().await;
    let controls = |count: usize| "\u{1}".repeat(count);
    for trigger in TRIGGERS {
        let body = json!({"auth": controls(150_000)});
        let request = Request::patch_json(&body).trigger(trigger);
        assert_refused(&app, &request, invalid(json!({"auth": [TOO_LARGE]})), "over the limit")
            .await;
    }
    let largest = json!({"name": controls(110_000)});
    assert_eq!(app.send(&Request::patch_json(&largest)).await.status, 200);
    for field in ["friendly_name", "from_number", "account_sid", "auth", "auth_password"] {
        // The most that is written without reading the stage.
        let body = json!({field: controls(3_400)});
        assert_eq!(app.send(&Request::patch_json(&body)).await.status, 200, "{field}");
    }
    for trigger in TRIGGERS {
        let answer = app.send(&Request::get().trigger(trigger)).await;
        assert_eq!(answer.status, 200, "{trigger:?} can return the stage");
    }
}

#[tokio::test]
async fn a_list_that_is_too_large_for_a_load_balancer_is_refused_by_get_and_head_alike() {
    let app = TestApp::new().await;
    for stage in [STAGE, OTHER_STAGE, THIRD_STAGE] {
        let body = json!({"auth": "t".repeat(380 * 1024)});
        let request = Request::patch_json(&body).stage(stage);
        assert_eq!(app.send(&request).await.status, 200);
    }
    let list = Request::list().trigger(Trigger::LoadBalancer);
    let answer = app.send(&list).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("answer_too_large")));
    let head = app.send(&list.clone().method("HEAD")).await;
    assert_eq!((head.status, head.body), (400, Value::Null), "HEAD has the status of GET");
    let one = app.send(&list.query("page_size=1")).await;
    assert_eq!(one.status, 200, "one stage at a time is not too large");
}

/// The lock also contains the name, and is checked before the stage.
#[tokio::test]
async fn a_name_whose_lock_alone_is_over_400_kb_is_refused() {
    let app = TestApp::new().await;
    let body = json!({"name": "n".repeat(409_550)});
    assert_refused(&app, &Request::patch_json(&body), invalid(json!({"name": [TOO_LARGE]})), "")
        .await;
}

#[tokio::test]
async fn an_item_just_under_400_kb_is_stored() {
    // The stage takes about two kilobytes without this text.
    let text = "t".repeat(396 * 1024);
    for field in ["from_number", "name"] {
        let app = TestApp::new().await;
        let body = json!({field: text});
        assert_updated(&app, &Request::patch_json(&body), stage_with(body), field).await;
    }
    let app = TestApp::new().await;
    let answer = app.send(&Request::patch_json(&json!({"flow_set": flows_of(250)}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["flow_set"].as_array().unwrap().len(), 250);
}

/// A text that takes this many bytes as JSON in JSON, without its quotes: seven for each control
/// character.
fn text_of(bytes: usize) -> String {
    ["\u{1}".repeat(bytes / 7), "t".repeat(bytes % 7)].concat()
}

#[tokio::test]
async fn texts_up_to_24_kb_of_json_are_written_without_a_read() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    // Two bytes for the quotes of each text.
    let (one, two) = (IN_PLACE_BYTES - 2, IN_PLACE_BYTES - 4);
    let secrets = |first: String, second: String| json!({"auth": first, "auth_password": second});
    let texts = |first: usize| {
        let second = "n".repeat(two - 10_000);
        json!({"friendly_name": "t".repeat(first), "from_number": second})
    };
    for (fits, larger, why) in [
        (
            json!({"from_number": "t".repeat(one)}),
            json!({"from_number": "t".repeat(one + 1)}),
            "one text",
        ),
        (
            json!({"auth": text_of(one)}),
            json!({"auth": text_of(one + 1)}),
            "control characters, seven bytes each",
        ),
        (
            json!({"auth": "\"".repeat(one / 4)}),
            json!({"auth": "\"".repeat(one / 4 + 1)}),
            "quotes, four bytes each",
        ),
        (texts(10_000), texts(10_001), "two texts"),
        (
            secrets(text_of(two - 5_000), text_of(5_000)),
            secrets(text_of(two - 5_000), text_of(5_001)),
            "two credentials",
        ),
    ] {
        for (body, operations, size) in [
            (fits, &["GetItem", "UpdateItem"][..], "the most"),
            (larger, &["GetItem", "GetItem", "UpdateItem"], "one more"),
        ] {
            let why = format!("{why}, {size}");
            let request = Request::patch_json(&body);
            app.dynamodb.operations();
            let answer = app.send(&request).await;
            assert_eq!(answer.status, 200, "{why}");
            assert_eq!(app.dynamodb.operations(), operations, "{why}: the calls");
            app.restore(&before).await;
            assert_updated(&app, &request, stage_with(body), &why).await;
            app.restore(&before).await;
        }
    }
}

#[tokio::test]
async fn a_document_of_850_000_bytes_is_stored_and_a_larger_one_is_not() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let stored = library::stored(&app.table, STAGE).await.unwrap();
    let rest = document_bytes(&stored.stage) - "s3cr3t-token".len();
    let largest = DOCUMENT_BYTES - rest;
    let rename = json!({"name": "sms-setup and more"});
    let renamed = largest - " and more".len();
    for (most, changes, why) in
        [(largest, json!({}), "a text"), (renamed, rename.clone(), "a text and a rename")]
    {
        for (method, own) in [("PATCH", json!({})), ("PUT", form())] {
            let body = |bytes: usize| {
                with(with(own.clone(), changes.clone()), json!({"auth": text_of(bytes)}))
            };
            let why = format!("{method}, {why}");
            let request = |bytes: usize| Request::patch_json(&body(bytes)).method(method);
            let refused = invalid(json!({"auth": [TOO_LARGE]}));
            assert_refused(&app, &request(most + 1), refused, &why).await;
            let expected = stage_with(with(changes.clone(), json!({"auth": text_of(most)})));
            assert_updated(&app, &request(most), expected, &why).await;
            app.restore(&before).await;
        }
    }
    for (bytes, refused) in [(largest + 1, 1), (largest, 0)] {
        let file = json!({"stages": [stage_with(json!({"auth": text_of(bytes)}))]}).to_string();
        let report = library::load_files(&app.table, &[&file], OnConflict::Overwrite).await;
        assert_eq!(report.refused.len(), refused, "a loaded document: {:?}", report.refused);
        assert_eq!(app.snapshot().await == before, refused == 1, "a loaded document");
    }
    for trigger in TRIGGERS {
        let answer = app.send(&Request::get().trigger(trigger)).await;
        assert_eq!(answer.status, 200, "{trigger:?} can return the largest stage");
    }
}
