//! Reads of everything of one kind, when it comes in many answers: whatever reads it sees the same
//! as in one answer.

use aws_sdk_dynamodb::config::SharedHttpClient;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    Key, Kind, LONG, MAPPING, OTHER_STAGE, RECOVERY_FLOW, Request, TestApp, TestSettings,
    call_within, flow,
    library::{self, Revocation, Table, TokenKey, VIEW, check},
    small_answers::with_small_answers,
    with,
};

/// More tokens than there are digits, so that some digit begins the hashes of several.
const TOKENS: usize = 40;

/// The same table through a client that gets one item in each answer to a query.
fn one_by_one(app: &TestApp) -> Table {
    let recorded = app.endpoint.client(SharedHttpClient::new(app.dynamodb.clone()));
    library::table(with_small_answers(&recorded, 1), &app.table_name)
}

/// Asserts that at least this many answers were needed since the calls were last taken.
fn assert_many_answers(app: &TestApp, at_least: usize) {
    let operations = app.dynamodb.operations();
    let queries = operations.iter().filter(|operation| *operation == "Query").count();
    assert!(queries >= at_least, "{queries} answers");
}

/// Removes an attribute of an item, as in a console, so that the item cannot be read.
async fn damage(app: &TestApp, key: &Key, attribute: &str) {
    let update = app.client.update_item().table_name(&app.table_name);
    update
        .set_key(Some(key.attributes()))
        .update_expression("REMOVE #attribute")
        .expression_attribute_names("#attribute", attribute)
        .send()
        .await
        .unwrap();
}

fn hash(key: &str) -> Key {
    Key { kind: Kind::Token, id: TokenKey::new(key.to_owned()).hash().as_str().to_owned() }
}

/// A function whose table also has many tokens: one of them is revoked, and one cannot be read.
async fn app_with_tokens() -> TestApp {
    let app = TestApp::new().await;
    for number in 0..TOKENS {
        library::put_token(&app.table, &format!("key-{number}"), "user", &[VIEW], None).await;
    }
    let revoked = TokenKey::new("key-7".to_owned()).hash();
    assert_eq!(app.table.session().revoke_token(&revoked).await.unwrap(), Revocation::Done);
    damage(&app, &hash("key-8"), "user").await;
    app.dynamodb.calls();
    app
}

#[tokio::test]
async fn the_list_of_flows_is_the_same_in_many_answers() {
    let app = TestApp::new().await;
    let rows = (0..12_u128).map(|number| {
        let pk = Uuid::from_u128((number * 5 % 12) << 120).to_string();
        let row = json!({
            "pk": pk, "policybindingmodel_ptr_id": pk, "background": "/b.jpg",
            "policy_engine_mode": "any", "compatibility_mode": false, "layout": "stacked",
            "denied_action": "message",
            "export_url": format!("/api/v3/flows/instances/flow-{number}/export/"),
        });
        with(flow(&format!("flow-{number}")), row)
    });
    let rows: Vec<Value> = rows.collect();
    library::load(&app.table, &json!({"flows": rows}).to_string()).await;
    let small = app.function_with_small_answers(1, &TestSettings::default());
    let flows = Request::get().path("/api/v3/flows/instances/");
    for (query, count) in [
        ("", 16),
        ("page_size=5&page=3", 16),
        ("ordering=-name&page=last&page_size=7", 16),
        ("designation=recovery", 13),
        ("search=enroll", 1),
        ("slug=flow-11", 1),
    ] {
        let request = flows.clone().query(query);
        let expected = app.send(&request).await;
        assert_eq!((expected.status, &expected.body["pagination"]["count"]), (200, &json!(count)));
        app.dynamodb.calls();
        let answer = call_within(&small, &request, LONG).await;
        assert_eq!(answer.status_and_body(), expected.status_and_body(), "{query}");
        assert_many_answers(&app, 16);
    }
}

#[tokio::test]
async fn the_list_of_tokens_is_the_same_in_many_answers() {
    let app = app_with_tokens().await;
    let expected = app.table.session().tokens().await.unwrap();
    let counts = (expected.tokens.len(), expected.unreadable.len(), expected.revoked);
    assert_eq!(counts, (TOKENS - 2 + 4, 1, 1), "with the fixture's four");
    app.dynamodb.calls();
    let list = one_by_one(&app).session().tokens().await.unwrap();
    assert_eq!(list.tokens, expected.tokens);
    assert_eq!(list.unreadable, expected.unreadable);
    assert_eq!(list.revoked, expected.revoked);
    assert_many_answers(&app, TOKENS + 4);
}

#[tokio::test]
async fn the_tokens_that_begin_with_a_digit_are_the_same_in_many_answers() {
    let app = app_with_tokens().await;
    let table = one_by_one(&app);
    let (mut found, mut most) = (0, 0);
    for digit in "0123456789abcdef".chars().map(String::from) {
        let expected = app.table.session().find_tokens(&digit).await.unwrap();
        app.dynamodb.calls();
        let tokens = table.session().find_tokens(&digit).await.unwrap();
        assert_eq!(tokens, expected, "{digit}");
        assert!(tokens.iter().all(|(hash, _)| hash.as_str().starts_with(&digit)), "{digit}");
        assert_many_answers(&app, tokens.len());
        found += tokens.len();
        most = most.max(tokens.len());
    }
    assert_eq!(found, TOKENS + 4, "every token is found, also revoked and unreadable ones");
    assert!(most >= 3, "several answers for one digit");
}

#[tokio::test]
async fn the_operators_list_of_stages_is_the_same_in_many_answers() {
    let app = TestApp::new().await;
    damage(&app, &Key::stage(OTHER_STAGE), "provider").await;
    let expected = app.table.session().stages(|_| {}).await.unwrap();
    assert_eq!((expected.stages.len(), expected.unreadable.len()), (2, 1));
    app.dynamodb.calls();
    let mut progress = Vec::new();
    let list = one_by_one(&app).session().stages(|count| progress.push(count)).await.unwrap();
    assert_eq!(list.stages, expected.stages);
    assert_eq!(list.unreadable, expected.unreadable);
    assert_eq!(progress, [1, 2, 3]);
    assert_many_answers(&app, 3);
}

#[tokio::test]
async fn a_check_finds_the_same_in_many_answers() {
    let app = TestApp::new().await;
    let intact = check(&one_by_one(&app), |_, _| {}).await.unwrap();
    assert_eq!(intact.findings.len(), 1, "the expired token: {:?}", intact.findings);
    let refer = Request::patch_json(&json!({"mapping": MAPPING}));
    assert_eq!(app.send(&refer).await.status, 200);
    for key in [Key::mapping(MAPPING), Key::name("sms-setup"), Key::stage(OTHER_STAGE)] {
        app.delete_item(&key).await;
    }
    damage(&app, &Key::flow(RECOVERY_FLOW), "slug").await;
    damage(&app, &hash("viewer-token"), "user").await;
    let expected = check(&app.table, |_, _| {}).await.unwrap();
    // Two locks, a reference, two items that cannot be read, the expired token.
    assert_eq!(expected.findings.len(), 6, "{:?}", expected.findings);
    app.dynamodb.calls();
    let found = check(&one_by_one(&app), |_, _| {}).await.unwrap();
    assert_eq!(found.counts, expected.counts);
    assert_eq!(found.findings, expected.findings);
    let items = found.counts.iter().map(|(_, count)| count).sum();
    assert_many_answers(&app, items);
}
