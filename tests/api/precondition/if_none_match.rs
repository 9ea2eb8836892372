//! `If-None-Match` on writes: a version that the header lists is not changed or deleted.

use serde_json::{Value, json};

use super::{FOREIGN, current, foreign, precondition_failed};
use crate::harness::{
    Key, MANAGER, MAPPING, Request, STAGE, TestApp, UNKNOWN, assert_refused, assert_updated, form,
    not_found, stage_with, with,
};

/// A request that writes, and the document afterwards; none if it deletes the stage.
struct Write {
    request: Request,
    after: Option<Value>,
    why: &'static str,
}

/// Every kind of write, with this header.
fn writes(if_none_match: &str) -> Vec<Write> {
    let number = json!({"from_number": "+15005550001"});
    let put = Request::patch_json(&with(form(), number.clone())).method("PUT");
    let delete = Request::patch("").method("DELETE");
    let patch = |body: Value, why| (Request::patch_json(&body), Some(stage_with(body)), why);
    let writes = [
        patch(number.clone(), "PATCH"),
        patch(json!({"flow_set": []}), "PATCH with flows"),
        patch(json!({"name": "renamed"}), "a rename"),
        patch(json!({"mapping": MAPPING}), "a reference"),
        (put, Some(stage_with(number)), "PUT"),
        (delete, None, "DELETE"),
    ];
    let writes = writes.into_iter().map(|(request, after, why)| Write {
        request: request.token(MANAGER).header("If-None-Match", if_none_match),
        after,
        why,
    });
    writes.collect()
}

/// Lists of tags that have the current one, each with its number of tags.
fn lists_with(tag: &str) -> Vec<(String, usize)> {
    let mut lists = vec![(tag.to_owned(), 1), (format!("W/{tag}"), 1)];
    for others in [1, 7, 8, 299] {
        lists.push((format!("{}, {tag}", foreign(others)), others + 1));
    }
    lists.push((format!("{tag}, {}", foreign(8)), 9));
    lists
}

/// Lists of tags that do not have the current one, each with its number of tags.
fn lists_without(tag: &str) -> Vec<(String, usize)> {
    let write_id = tag.trim_matches('"').split_once('-').unwrap().1;
    let same_revision = "\"1-0123abcd\"".to_owned();
    assert!(tag.starts_with("\"1-"), "the fixture's first revision");
    let mut lists = vec![
        (FOREIGN.to_owned(), 1),
        (format!("W/{FOREIGN}"), 1),
        (same_revision, 1),
        (format!("\"2-{write_id}\""), 1),
        ("\"abc\"".to_owned(), 0),
    ];
    lists.extend([8, 9, 300].map(|count| (foreign(count), count)));
    lists
}

fn shown(list: &str) -> &str {
    list.get(..60).unwrap_or(list)
}

#[tokio::test]
async fn a_version_that_is_listed_is_neither_changed_nor_deleted() {
    let app = TestApp::new().await;
    let tag = current(&app).await;
    let any = ("*".to_owned(), 1);
    for (list, count) in lists_with(&tag).into_iter().chain([any]) {
        for Write { request, why, .. } in writes(&list) {
            let why = format!("{why}, {count} tags: {}", shown(&list));
            assert_refused(&app, &request, precondition_failed(), &why).await;
        }
        let empty = Request::patch("{}").header("If-None-Match", &*list);
        assert_refused(&app, &empty, precondition_failed(), "an empty PATCH").await;
    }
}

#[tokio::test]
async fn a_version_that_is_not_listed_is_changed_or_deleted() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let tag = current(&app).await;
    for (list, count) in lists_without(&tag) {
        for Write { request, after, why } in writes(&list) {
            let why = format!("{why}, {count} tags: {}", shown(&list));
            if let Some(document) = after {
                assert_updated(&app, &request, document, &why).await;
            } else {
                let answer = app.send(&request).await;
                assert_eq!(answer.status_and_body(), (204, Value::Null), "{why}");
                let mut others = before.clone();
                others.retain(|key, _| ![Key::stage(STAGE), Key::name("sms-setup")].contains(key));
                assert_eq!(app.snapshot().await, others, "{why}");
            }
            app.restore(&before).await;
        }
    }
}

#[tokio::test]
async fn a_few_versions_need_no_read_and_more_of_them_do() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let tag = current(&app).await;
    for (list, count) in lists_without(&tag) {
        let request = Request::patch(r#"{"from_number": "1"}"#).header("If-None-Match", &*list);
        app.dynamodb.operations();
        assert_eq!(app.send(&request).await.status, 200, "{count} tags: {}", shown(&list));
        let operations = app.dynamodb.operations();
        let expected = match count {
            0..=8 => &["GetItem", "UpdateItem"][..],
            _ => &["GetItem", "GetItem", "UpdateItem"],
        };
        assert_eq!(operations, expected, "{count} tags: {}", shown(&list));
        app.restore(&before).await;
    }
}

#[tokio::test]
async fn both_headers_must_hold() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let tag = current(&app).await;
    for (if_match, if_none_match, is_made) in [
        (&*tag, FOREIGN, true),
        ("*", FOREIGN, true),
        (&tag, &*foreign(9), true),
        (&tag, &tag, false),
        ("*", &tag, false),
        (&tag, "*", false),
        (FOREIGN, FOREIGN, false),
    ] {
        for Write { request, after, why } in writes(if_none_match) {
            let request = request.header("If-Match", if_match);
            let why = format!("{why}, {if_match}, {}", shown(if_none_match));
            match after {
                Some(document) if is_made => {
                    assert_updated(&app, &request, document, &why).await;
                }
                None if is_made => assert_eq!(app.send(&request).await.status, 204, "{why}"),
                _ => assert_refused(&app, &request, precondition_failed(), &why).await,
            }
            app.restore(&before).await;
        }
    }
}

#[tokio::test]
async fn a_stage_that_does_not_exist_is_404_whatever_is_listed() {
    let app = TestApp::new().await;
    let tag = current(&app).await;
    for list in ["*", &*tag, FOREIGN, &*foreign(9)] {
        for Write { request, why, .. } in writes(list) {
            let request = request.stage(UNKNOWN);
            let why = format!("{why}, {}", shown(list));
            assert_refused(&app, &request, not_found(), &why).await;
        }
    }
}
