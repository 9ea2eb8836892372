//! Lists of more stages than one of DynamoDB's answers holds. Their documents are read again, after
//! the stages were selected, and other writers may have changed them in between.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    GOOD, LONG, Request, TestApp, TestSettings, call_within,
    library::{self, VIEW},
    stage_with, with,
};

/// The number of items in one answer.
const ITEMS: i32 = 7;
/// More stages than are read at once.
const STAGES: u128 = 60;

fn uuid(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// A table with these stages only: the fixture's first stage, with these fields changed.
async fn app_with(stages: impl Iterator<Item = Value>) -> Arc<TestApp> {
    let app = TestApp::empty().await;
    let own = json!({"flow_set": [], "configure_flow": null, "mapping": null});
    let stages: Vec<_> =
        stages.map(|fields| with(with(stage_with(json!({})), own.clone()), fields)).collect();
    library::load(&app.table, &json!({"stages": stages}).to_string()).await;
    library::put_token(&app.table, GOOD, "owner", &[VIEW, library::CHANGE, library::DELETE], None)
        .await;
    app.dynamodb.calls();
    Arc::new(app)
}

/// Stages whose order by UUID, by name and by the other fields differ.
fn many_stages() -> impl Iterator<Item = Value> {
    (0..STAGES).map(|number| {
        let friendly_name = (number % 3 > 0).then(|| format!("{}", number % 5));
        json!({
            "pk": uuid(number),
            "name": format!("stage-{:02}", number * 37 % STAGES),
            "provider": if number % 4 == 0 { "generic" } else { "twilio" },
            "friendly_name": friendly_name,
        })
    })
}

#[tokio::test]
async fn a_list_does_not_depend_on_how_many_answers_it_comes_in() {
    let app = app_with(many_stages()).await;
    let small = app.function_with_small_answers(ITEMS, &TestSettings::default());
    let single: Vec<_> = (0..STAGES).map(|number| format!("{VIEW}:{}", uuid(number))).collect();
    let single: Vec<&str> = single.iter().map(String::as_str).collect();
    library::put_token(&app.table, "one-by-one", "viewer", &single, None).await;
    for (query, status, count) in [
        ("", 200, 60),
        ("page_size=10&page=3", 200, 60),
        ("page_size=40&page=2", 200, 60),
        ("page_size=50&ordering=-name", 200, 60),
        ("page_size=7&page=last&ordering=provider,-friendly_name", 200, 60),
        ("ordering=-pk&page_size=4&page=2&search=1 stage", 200, 15),
        ("provider=generic", 200, 15),
        ("name=stage-07", 200, 1),
        ("name=stage-7", 200, 0),
        ("page=2", 404, 0),
    ] {
        let paths = ["authenticator/sms/", "all/"].map(|path| format!("/api/v3/stages/{path}"));
        for path in
            paths.iter().filter(|path| !query.contains("provider") || path.ends_with("sms/"))
        {
            let request = Request::get().path(path).query(query);
            let expected = app.send(&request).await;
            assert_eq!(expected.status, status, "{path}?{query}: {}", expected.body);
            let shown = expected.body["pagination"]["count"].as_u64().unwrap_or_default();
            assert_eq!(shown, count, "{path}?{query}");
            for (function, token) in
                [(&small, GOOD), (&app.function, "one-by-one"), (&small, "one-by-one")]
            {
                let answer = call_within(function, &request.clone().token(token), LONG).await;
                // A caller who may not change the stages is not shown less: the setting is `echo`.
                assert_eq!(answer.status_and_body(), expected.status_and_body(), "{path}?{query}");
            }
        }
    }
}

#[tokio::test]
async fn only_the_documents_of_the_page_are_read_again() {
    let app = app_with(many_stages()).await;
    let small = app.function_with_small_answers(ITEMS, &TestSettings::default());
    for (query, documents) in [("page_size=30", &[25, 5][..]), ("page=6&page_size=10", &[10])] {
        app.dynamodb.calls();
        call_within(&small, &Request::list().query(query), LONG).await;
        let calls = app.dynamodb.calls();
        let queries = calls.iter().filter(|call| call.operation == "Query").count();
        assert_eq!(queries, 9, "60 stages in answers of 7");
        let batches = calls.iter().filter(|call| call.operation == "BatchGetItem");
        let keys =
            |body: &Value| body["RequestItems"][&app.table_name]["Keys"].as_array().unwrap().len();
        let read: Vec<_> = batches.map(|call| keys(&call.body)).collect();
        assert_eq!(read, documents, "{query}");
    }
}

/// What a list does not show does not make it too large.
#[tokio::test]
async fn only_what_is_shown_counts_for_the_size_of_a_page() {
    let app = app_with((0..20).map(|number| {
        json!({
            "pk": uuid(number),
            "name": format!("stage-{number:02}"),
            "from_number": "1".repeat(380_000),
        })
    }))
    .await;
    let all = Request::get().path("/api/v3/stages/all/");
    let answer = app.send(&all).await;
    assert_eq!((answer.status, &answer.body["pagination"]["count"]), (200, &json!(20)));
    let names: Vec<_> = (0..20).map(|number| json!(format!("stage-{number:02}"))).collect();
    let results = answer.body["results"].as_array().unwrap();
    let shown: Vec<_> = results.iter().map(|stage| stage["name"].clone()).collect();
    assert_eq!(shown, names);
    let answer = app.send(&Request::list()).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("answer_too_large")));
}

/// A change that another writer makes after the stages `a` to `e` were selected, and what the list
/// then shows: the names, and the numbers of the page that differ from those before the change.
struct Case {
    path: &'static str,
    query: &'static str,
    change: Request,
    names: &'static [&'static str],
    pagination: Value,
}

fn rename(number: u128, name: &str) -> Request {
    Request::patch_json(&json!({"name": name})).stage(&uuid(number))
}

fn delete(number: u128) -> Request {
    Request::get().method("DELETE").stage(&uuid(number))
}

fn page(numbers: Value) -> Value {
    let first = json!({
        "count": 5, "current": 1, "next": 2, "previous": 0, "total_pages": 3, "start_index": 1,
        "end_index": 2,
    });
    with(first, numbers)
}

fn cases() -> Vec<Case> {
    let empty = json!({
        "count": 0, "next": 0, "total_pages": 1, "start_index": 0, "end_index": 0,
    });
    let case = |path, query, change, names, numbers| Case {
        path,
        query,
        change,
        names,
        pagination: page(numbers),
    };
    vec![
        // Stages that no longer match are left out.
        case("authenticator/sms/", "name=b", rename(1, "z"), &[], empty.clone()),
        case("authenticator/sms/", "search=b", rename(1, "z"), &[], empty.clone()),
        case("all/", "name=b", rename(1, "z"), &[], empty),
        // Others take their places.
        case(
            "authenticator/sms/",
            "page_size=2",
            delete(0),
            &["b", "c"],
            json!({
                "count": 4, "total_pages": 2,
            }),
        ),
        case(
            "all/",
            "page_size=2",
            delete(1),
            &["a", "c"],
            json!({
                "count": 4, "total_pages": 2,
            }),
        ),
        // The page is in the order of what it shows.
        case("authenticator/sms/", "page_size=2", rename(0, "z"), &["b", "z"], json!({})),
        case(
            "authenticator/sms/",
            "page_size=2&page=2",
            rename(3, "aa"),
            &["aa", "c"],
            json!({
                "current": 2, "next": 3, "previous": 1, "start_index": 3, "end_index": 4,
            }),
        ),
        // A page can lose all of its stages.
        case(
            "authenticator/sms/",
            "page_size=2&page=last",
            delete(4),
            &[],
            json!({
                "count": 4, "current": 3, "next": 0, "previous": 2, "total_pages": 2,
                "start_index": 5, "end_index": 4,
            }),
        ),
    ]
}

#[tokio::test]
async fn a_list_shows_no_stage_that_no_longer_belongs_to_it() {
    for Case { path, query, change, names, pagination } in cases() {
        let stages = ["a", "b", "c", "d", "e"].iter().zip(0..);
        let stages = stages.map(|(name, number)| json!({"pk": uuid(number), "name": name}));
        let app = app_with(stages).await;
        let small = app.function_with_small_answers(2, &TestSettings::default());
        app.send_before_next("BatchGetItem", change);
        let request = Request::get().path(&format!("/api/v3/stages/{path}")).query(query);
        let answer = call_within(&small, &request, LONG).await;
        assert_eq!(answer.status, 200, "{path}?{query}: {}", answer.body);
        let results = answer.body["results"].as_array().unwrap();
        let shown: Vec<_> = results.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
        assert_eq!((&*shown, &answer.body["pagination"]), (names, &pagination), "{path}?{query}");
    }
}
