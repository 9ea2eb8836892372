//! Every read of the table is strongly consistent: a client that reads after a write sees it, and
//! a token that was revoked is refused.

use serde_json::{Value, json};

use crate::harness::{
    CONFIGURE_FLOW, MANAGER, MAPPING, OTHER_STAGE, RecordedCall, Request, STAGE, THIRD_STAGE,
    TestApp, flow, form,
    library::{self, VIEW},
    with,
};

/// The reads in a call; none if it only writes.
fn reads(call: &RecordedCall) -> Vec<&Value> {
    match &*call.operation {
        "GetItem" | "Query" => vec![&call.body],
        "BatchGetItem" => call.body["RequestItems"].as_object().unwrap().values().collect(),
        // Conditions, and the items returned when they fail, are always of the newest version.
        "UpdateItem" | "TransactWriteItems" => Vec::new(),
        other => panic!("it is not known whether {other} reads"),
    }
}

/// Checks that every read since the calls were last taken is strongly consistent. Returns the
/// operations.
fn assert_consistent(app: &TestApp, why: &str) -> Vec<String> {
    let calls = app.dynamodb.calls();
    for read in calls.iter().flat_map(reads) {
        assert_eq!(read["ConsistentRead"], true, "{why}: {read}");
    }
    calls.into_iter().map(|call| call.operation).collect()
}

/// A PUT of the fixture's first stage.
fn put(body: &Value) -> Request {
    Request::patch_json(body).method("PUT")
}

#[tokio::test]
async fn every_operation_reads_consistently() {
    let get = "GetItem";
    let batch = "BatchGetItem";
    let update = "UpdateItem";
    let write = "TransactWriteItems";
    let used_by = format!("/stages/authenticator/sms/{STAGE}/used_by/");
    let by_mapping = format!("mapping={MAPPING}");
    let new = with(form(), json!({"name": "new", "mapping": MAPPING}));
    let bad = json!({"name": "backup-sms", "provider": "pigeon", "configure_flow": CONFIGURE_FLOW});
    // The first call of each reads the token.
    for (request, status, calls, why) in [
        (Request::get(), 200, &[get, get][..], "retrieve"),
        (Request::get().path(&used_by), 200, &[get, get], "used_by"),
        (Request::list(), 200, &[get, "Query"], "list"),
        (Request::list().query(&by_mapping), 200, &[get, batch, "Query"], "a filter by reference"),
        (Request::get().path("/stages/all/"), 200, &[get, "Query"], "stages of every kind"),
        (Request::get().path("/flows/instances/"), 200, &[get, "Query"], "flows"),
        (Request::post(new.to_string()), 201, &[get, write], "create"),
        (Request::post(bad.to_string()), 400, &[get, batch], "create with problems"),
        (put(&form()), 200, &[get, update], "update"),
        (put(&bad), 400, &[get, batch], "update with problems"),
        (Request::patch(r#"{"friendly_name": "x"}"#), 200, &[get, update], "update in place"),
        (
            Request::patch_json(&json!({"flow_set": [flow("new")]})),
            200,
            &[get, get, update],
            "compare and swap",
        ),
        (Request::patch(r#"{"name": "renamed"}"#), 200, &[get, update, write], "rename"),
        (Request::get().method("DELETE"), 204, &[get, get, write], "destroy"),
    ] {
        let app = TestApp::new().await;
        let answer = app.send(&request.token(MANAGER)).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.body);
        assert_eq!(assert_consistent(&app, why), calls, "{why}");
    }
}

/// More stages than are read at once, most of which do not exist.
#[tokio::test]
async fn a_list_of_many_single_stages_reads_consistently() {
    let app = TestApp::new().await;
    let others = (0..57).map(|number| uuid::Uuid::from_u128(number).to_string());
    let stages = [STAGE, OTHER_STAGE, THIRD_STAGE].map(str::to_owned).into_iter().chain(others);
    let permissions: Vec<_> = stages.map(|stage| format!("{VIEW}:{stage}")).collect();
    let permissions: Vec<_> = permissions.iter().map(String::as_str).collect();
    library::put_token(&app.table, "key", "caller", &permissions, None).await;
    app.dynamodb.calls();
    for path in ["/stages/authenticator/sms/", "/stages/all/"] {
        let answer = app.send(&Request::list().path(path).token("key")).await;
        assert_eq!((answer.status, &answer.body["pagination"]["count"]), (200, &json!(3)));
        let (token, batch) = ("GetItem", "BatchGetItem");
        // Three for the keys of the stages, and one for the documents of the page.
        assert_eq!(assert_consistent(&app, path), [token, batch, batch, batch, batch], "{path}");
    }
}
