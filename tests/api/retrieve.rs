//! GET and HEAD of one stage.

use serde_json::{Value, json};

use crate::harness::{Request, TestApp, UNKNOWN, VIEWER, detail, stage_with};

#[tokio::test]
async fn get_answers_with_the_stage_and_its_version() {
    let app = TestApp::new().await;
    let answer = app.send(&Request::get().token(VIEWER)).await;
    assert_eq!(answer.status_and_body(), (200, stage_with(json!({}))));
    let tag = answer.header("etag").unwrap();
    assert!(tag.starts_with("\"1-") && tag.len() == "\"1-01234567\"".len(), "{tag}");
    let body = "the body of a GET is not read";
    let answer = app.send(&Request::patch(body).method("GET").token(VIEWER)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn head_has_the_answer_of_get_without_the_body() {
    let app = TestApp::new().await;
    let get = app.send(&Request::get()).await;
    let head = app.send(&Request::get().method("HEAD")).await;
    assert_eq!((head.status, &head.headers, head.body), (200, &get.headers, Value::Null));
    let head = app.send(&Request::get().method("HEAD").stage(UNKNOWN)).await;
    assert_eq!((head.status, head.body), (404, Value::Null));
}

#[tokio::test]
async fn a_client_with_the_current_version_gets_304() {
    let app = TestApp::new().await;
    let tag = app.send(&Request::get()).await.header("etag").unwrap().to_owned();
    let weak = format!("W/{tag}, \"other\"");
    for (value, status) in [(&*tag, 304), (&*weak, 304), ("*", 304), ("\"other\"", 200)] {
        let answer = app.send(&Request::get().header("If-None-Match", value)).await;
        assert_eq!(answer.status, status, "{value}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{value}");
        assert_eq!(answer.body.is_null(), status == 304, "{value}");
    }
    let answer = app.send(&Request::get().header("If-None-Match", "1-2")).await;
    let text = "If-Match and If-None-Match take \"*\" or a list of quoted entity tags.";
    assert_eq!(answer.status_and_body(), (400, detail("bad_request", text)));
}
