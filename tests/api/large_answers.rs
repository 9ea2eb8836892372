//! Lists whose documents are larger than one of DynamoDB's answers, up to the size that Lambda
//! returns.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, FIXTURE, Request, TestApp, Trigger, library, stage_with, with};

fn uuid(number: usize) -> String {
    Uuid::from_u128(number as u128).to_string()
}

/// A function whose table has only these stages and the fixture's tokens. Each stage has a text of
/// this many bytes.
async fn app_with(stages: usize, text_bytes: usize) -> TestApp {
    let app = TestApp::empty().await;
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let own = json!({"flow_set": [], "configure_flow": null, "mapping": null});
    for number in 0..stages {
        let text = char::from(b'a' + u8::try_from(number % 26).unwrap()).to_string();
        let fields = json!({
            "pk": uuid(number), "name": format!("stage-{number:02}"),
            "from_number": text.repeat(text_bytes),
        });
        let stage = with(with(stage_with(json!({})), own.clone()), fields);
        library::load(&app.table, &json!({"stages": [stage]}).to_string()).await;
    }
    library::load(&app.table, &json!({"tokens": fixture["tokens"]}).to_string()).await;
    app.dynamodb.calls();
    app
}

/// The documents of these stages, each read by itself.
async fn documents(app: &TestApp, stages: std::ops::Range<usize>) -> Value {
    let mut documents = Vec::new();
    for number in stages {
        let answer = app.send(&Request::get().stage(&uuid(number))).await;
        assert_eq!(answer.status, 200, "stage {number}");
        documents.push(answer.body);
    }
    documents.into()
}

fn too_large(answer: &Answer) -> bool {
    (answer.status, &answer.body["code"]) == (400, &json!("answer_too_large"))
}

#[tokio::test]
async fn a_list_of_three_megabytes_is_answered_whole_where_the_trigger_can_carry_it() {
    let app = app_with(8, 380 * 1024).await;
    let expected = documents(&app, 0..8).await;
    assert!(expected.to_string().len() > 3_000_000);
    for trigger in [Trigger::HttpApi, Trigger::FunctionUrl, Trigger::RestApi] {
        let answer = app.send(&Request::list().trigger(trigger)).await;
        assert_eq!(answer.status, 200, "{trigger:?}");
        assert!(answer.body["results"] == expected, "{trigger:?}: each document, in order");
        assert_eq!(answer.body["pagination"]["count"], 8, "{trigger:?}");
    }
    let answer = app.send(&Request::list().trigger(Trigger::LoadBalancer)).await;
    assert!(too_large(&answer), "a load balancer carries one megabyte: {}", answer.status);
}

#[tokio::test]
async fn a_list_above_six_megabytes_is_refused_before_all_of_it_is_read() {
    let app = app_with(26, 260_000).await;
    app.dynamodb.calls();
    let answer = app.send(&Request::list().query("page_size=26")).await;
    assert!(too_large(&answer), "{}", answer.status);
    let calls = app.dynamodb.calls();
    let batches = calls.iter().filter(|call| call.operation == "BatchGetItem");
    let keys = batches.map(|call| &call.body["RequestItems"][&app.table_name]["Keys"]);
    let read: Vec<_> = keys.map(|keys| keys.as_array().unwrap().len()).collect();
    assert_eq!(read, [25], "those that were already too large together");
    let head = app.send(&Request::list().query("page_size=26").method("HEAD")).await;
    assert_eq!((head.status, head.body), (400, Value::Null), "HEAD has the status of GET");
    for (page, stages) in [(1, 0..20), (2, 20..26)] {
        let query = format!("page_size=20&page={page}");
        let answer = app.send(&Request::list().query(&query)).await;
        assert_eq!(answer.status, 200, "{query}");
        assert!(answer.body["results"] == documents(&app, stages).await, "{query}");
    }
}
