//! GET, HEAD, PUT and OPTIONS: the same stage by other methods.

use serde_json::{Value, json};

use crate::harness::{House, Request, VIEWER, detail, stage_with};

#[tokio::test]
async fn get_answers_the_stage_and_its_version() {
    let house = House::new().await;
    let answer = house.send(&Request::get().token(VIEWER)).await;
    assert_eq!(answer.whole(), (200, stage_with(json!({}))));
    let tag = answer.header("etag").unwrap();
    assert!(tag.starts_with("\"1-") && tag.len() == "\"1-01234567\"".len(), "{tag}");
    let body = "a body of a GET is not read";
    let answer = house.send(&Request::patch(body).method("GET").token(VIEWER)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    let house = House::new().await;
    let get = house.send(&Request::get()).await;
    let head = house.send(&Request::get().method("HEAD")).await;
    assert_eq!((head.status, &head.headers, head.body), (200, &get.headers, Value::Null));
    let missing = "00000000-0000-4000-8000-000000000000";
    let head = house.send(&Request::get().method("HEAD").stage(missing)).await;
    assert_eq!((head.status, head.body), (404, Value::Null));
}

#[tokio::test]
async fn options_says_which_methods_there_are_and_asks_nobody() {
    let house = House::new().await;
    let request = Request::patch("").method("OPTIONS").header("Authorization", None);
    let answer = house.send(&request).await;
    assert_eq!((answer.status, answer.body.clone()), (204, Value::Null));
    assert_eq!(answer.header("allow"), Some("GET, PUT, PATCH, HEAD, OPTIONS"));
    assert_eq!(house.tap.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn put_wants_what_has_no_default_and_leaves_what_it_does_not_name() {
    let house = House::new().await;
    let before = house.snapshot().await;
    let required = "This field is required.";
    let answer = house.send(&Request::patch("").method("PUT")).await;
    let body = json!({
        "name": [required], "provider": [required], "from_number": [required],
        "account_sid": [required], "auth": [required], "code": "invalid",
    });
    assert_eq!(answer.whole(), (400, body));
    let some = json!({"name": "backup-sms", "provider": "generic", "verify_only": "maybe"});
    let answer = house.send(&Request::patch(some.to_string()).method("PUT")).await;
    let body = json!({
        "name": ["stage with this name already exists."], "from_number": [required],
        "account_sid": [required], "auth": [required],
        "verify_only": ["Must be a valid boolean."], "code": "invalid",
    });
    assert_eq!(answer.whole(), (400, body));
    assert_eq!(house.snapshot().await, before);

    let whole = json!({
        "name": "put", "provider": "generic", "from_number": "1", "account_sid": "https://x",
        "auth": "a",
    });
    let answer = house.send(&Request::patch(whole.to_string()).method("PUT")).await;
    assert_eq!(answer.whole(), (200, stage_with(whole)));
}

#[tokio::test]
async fn a_client_that_has_the_version_is_not_sent_it_again() {
    let house = House::new().await;
    let tag = house.send(&Request::get()).await.header("etag").unwrap().to_owned();
    let weak = format!("W/{tag}, \"other\"");
    for (value, status) in [(&*tag, 304), (&*weak, 304), ("*", 304), ("\"other\"", 200)] {
        let answer = house.send(&Request::get().header("If-None-Match", value)).await;
        assert_eq!(answer.status, status, "{value}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{value}");
        assert_eq!(answer.body.is_null(), status == 304, "{value}");
    }
    let answer = house.send(&Request::get().header("If-None-Match", "1-2")).await;
    let text = "If-Match and If-None-Match take \"*\" or a list of quoted entity tags.";
    assert_eq!(answer.whole(), (400, detail("bad_request", text)));
}
