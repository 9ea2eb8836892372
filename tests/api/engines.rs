//! The engines that the tests can run on: what this project asks of them all, and where they answer
//! differently. `docs/engines.md` says which of them AWS's documentation sides with.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use authenticator_sms_stage::store::{Secrets, StageTable};
use aws_sdk_dynamodb::{
    config::SharedHttpClient,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        put_item::builders::PutItemFluentBuilder,
        transact_write_items::{
            TransactWriteItemsError, builders::TransactWriteItemsFluentBuilder,
        },
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{
        AttributeDefinition, AttributeValue, BillingMode, CancellationReason, ConditionCheck,
        KeySchemaElement, KeyType, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure as OnFailure, ScalarAttributeType, TableStatus,
        TimeToLiveSpecification, TransactWriteItem as Part, Update,
    },
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    orchestrator::HttpResponse,
};

use crate::harness::{
    House, Plan,
    engine::{Site, TABLE_PREFIX, remove_table, run_id},
};

type Item = HashMap<String, AttributeValue>;

#[tokio::test]
#[ignore = "removes what other runs have left, so it is for when none is at work"]
async fn removes_what_runs_that_were_cut_off_left() {
    let site = Site::find().await;
    let client = site.client(site.http());
    let own = format!("{TABLE_PREFIX}{}-", run_id());
    let mut names = client.list_tables().into_paginator().items().send();
    while let Some(name) = names.next().await {
        let name = name.unwrap();
        if name.starts_with(TABLE_PREFIX) && !name.starts_with(&own) {
            remove_table(&client, &name).await.unwrap();
        }
    }
}

#[tokio::test]
async fn removes_its_table_from_an_engine_that_stays_also_when_the_test_panics() {
    let site = Site::find().await;
    let client = site.client(site.http());
    let (tell_name, name) = std::sync::mpsc::channel();
    let test = tokio::spawn(async move {
        let house = House::new().await;
        tell_name.send(house.table_name.clone()).unwrap();
        // Unwinds as a panic does, and says nothing.
        std::panic::resume_unwind(Box::new("a test that failed"));
    });
    assert!(test.await.unwrap_err().is_panic());
    let name = name.recv().unwrap();
    let status = match client.describe_table().table_name(&name).send().await {
        Ok(there) => there.table.and_then(|table| table.table_status),
        Err(error) => {
            assert_eq!(error.code(), Some("ResourceNotFoundException"));
            None
        }
    };
    assert!(matches!(status, None | Some(TableStatus::Deleting)), "{name} is left behind");
}

#[tokio::test]
async fn waits_for_a_new_table_as_aws_makes_it() {
    let house = House::new().await;
    let looks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&looks);
    house.tap.meddle(move |seen, request, inner| {
        let answer = match &*seen.operation {
            "CreateTable" => r#"{"TableDescription": {"TableStatus": "CREATING"}}"#,
            "DescribeTable" if counted.fetch_add(1, Ordering::Relaxed) == 0 => {
                r#"{"Table": {"TableStatus": "CREATING"}}"#
            }
            _ => return None,
        };
        let sent = inner.call(request);
        Some(HttpConnectorFuture::new(async move {
            sent.await?;
            Ok(HttpResponse::new(200.try_into().unwrap(), answer.into()))
        }))
    });
    let lease = house.site.lease_table();
    let client = house.site.client(SharedHttpClient::new(house.tap.clone()));
    let table = StageTable::new(client, lease.table_name.clone(), Secrets::Echo);
    table.create_table().await.unwrap();
    let mut operations = house.tap.operations();
    // AWS may want to be asked more often.
    operations.dedup();
    assert_eq!(operations, ["CreateTable", "DescribeTable", "UpdateTimeToLive"]);
    assert!(looks.load(Ordering::Relaxed) >= 2);
}

/// Who answers, told by how it names its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The embedded engine.
    Embedded,
    /// DynamoDB Local.
    Local,
    /// AWS, or whatever else takes its place.
    Other,
}

/// A table, and who keeps it.
struct Bench {
    house: House,
    kind: Kind,
}

type Values<'v> = &'v [(&'v str, AttributeValue)];

impl Bench {
    async fn new() -> Self {
        let house = House::build(Plan { is_furnished: false, ..Plan::default() }).await;
        let seen = house.client.describe_table().table_name(&house.table_name).send().await;
        let arn = seen.unwrap().table.and_then(|table| table.table_arn).unwrap();
        let kind = match arn.split(':').nth(3) {
            Some("dynoxide") => Kind::Embedded,
            Some("ddblocal") => Kind::Local,
            _ => Kind::Other,
        };
        Self { house, kind }
    }

    /// What an engine of this kind is expected to say; of the others only what is documented.
    fn expect<T>(&self, embedded: T, local: T, documented: Option<T>) -> Option<T> {
        match self.kind {
            Kind::Embedded => Some(embedded),
            Kind::Local => Some(local),
            Kind::Other => documented,
        }
    }

    fn put(&self, key: &str, attributes: Values<'_>) -> PutItemFluentBuilder {
        let put = self.house.client.put_item().table_name(&self.house.table_name);
        put.set_item(Some(item(key, attributes)))
    }

    async fn get(&self, key: &str) -> Option<Item> {
        let get = self.house.client.get_item().table_name(&self.house.table_name);
        get.key(KEY, s(key)).consistent_read(true).send().await.unwrap().item
    }

    fn update(&self, key: &str, expression: &str, values: Values<'_>) -> UpdateItemFluentBuilder {
        let update = self.house.client.update_item().table_name(&self.house.table_name);
        update
            .key(KEY, s(key))
            .update_expression(expression)
            .set_expression_attribute_values(placeholders(values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    }

    fn put_part(&self, key: &str, attributes: Values<'_>, condition: Option<&str>) -> Part {
        let put = Put::builder()
            .table_name(&self.house.table_name)
            .set_item(Some(item(key, attributes)))
            .set_condition_expression(condition.map(str::to_owned))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        Part::builder().put(put.build().unwrap()).build()
    }

    fn update_part(&self, key: &str, expression: &str, values: Values<'_>) -> Part {
        let update = Update::builder()
            .table_name(&self.house.table_name)
            .key(KEY, s(key))
            .update_expression(expression)
            .set_expression_attribute_values(placeholders(values));
        Part::builder().update(update.build().unwrap()).build()
    }

    fn check_part(&self, key: &str) -> Part {
        let check = ConditionCheck::builder()
            .table_name(&self.house.table_name)
            .key(KEY, s(key))
            .condition_expression("attribute_exists(partition_key)");
        Part::builder().condition_check(check.build().unwrap()).build()
    }

    /// A token that no other test uses: an engine may know them in every table.
    fn token(&self) -> &str {
        &self.house.table_name
    }

    fn transact(&self, parts: Vec<Part>) -> TransactWriteItemsFluentBuilder {
        self.house.client.transact_write_items().set_transact_items(Some(parts))
    }
}

const KEY: &str = "partition_key";
/// A whole item's size, at most.
const ITEM_BYTES_MAX: usize = 409_600;

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn list<const N: usize>(texts: [&str; N]) -> AttributeValue {
    AttributeValue::L(texts.map(s).to_vec())
}

/// A text of this many bytes.
fn filler(bytes: usize) -> AttributeValue {
    s("x".repeat(bytes))
}

fn item(key: &str, attributes: Values<'_>) -> Item {
    let own = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    own.chain([(KEY.to_owned(), s(key))]).collect()
}

fn placeholders(values: Values<'_>) -> Option<Item> {
    let values = values.iter().map(|(name, value)| (format!(":{name}"), value.clone()));
    Some(values.collect::<Item>()).filter(|values| !values.is_empty())
}

/// The code and the words of a refusal.
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(
    answer: Result<T, SdkError<E>>,
) -> (String, String) {
    let error = answer.unwrap_err();
    let error = error.as_service_error().unwrap();
    let words = error.message().unwrap_or_default();
    (error.code().unwrap().to_owned(), words.to_owned())
}

/// Each part's reason, where a transaction was cancelled.
fn reasons<T: Debug>(
    answer: Result<T, SdkError<TransactWriteItemsError>>,
) -> Option<Vec<CancellationReason>> {
    match answer.unwrap_err().into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons
        }
        _ => None,
    }
}

// What this project stands on: the same on every engine.

#[tokio::test]
async fn shifts_a_list_by_what_it_was_before_the_update() {
    let bench = Bench::new().await;
    bench
        .put("a", &[("ids", list(["1", "2", "3", "4"])), ("revision", n(1))])
        .send()
        .await
        .unwrap();
    let shift = "SET revision = revision + :one, ids[0] = :id, ids[1] = ids[0], ids[2] = ids[1], \
                 ids[3] = ids[2]";
    let update = bench.update("a", shift, &[("one", n(1)), ("id", s("5"))]);
    let after = update.return_values(ReturnValue::AllNew).send().await.unwrap().attributes;
    let expected = item("a", &[("ids", list(["5", "1", "2", "3"])), ("revision", n(2))]);
    assert_eq!(after, Some(expected));
}

#[tokio::test]
async fn a_refused_update_brings_the_item_if_there_is_one() {
    let bench = Bench::new().await;
    let null = AttributeValue::Null(true);
    let attributes = [("ids", list(["first", "second"])), ("cleared", null.clone())];
    bench.put("a", &attributes).send().await.unwrap();
    let stored = Some(item("a", &attributes));
    for (key, condition, value, is_met) in [
        ("a", "contains(ids, :v)", s("second"), true),
        ("a", "contains(ids, :v)", s("sec"), false),
        ("a", "begins_with(ids[0], :v)", s("fir"), true),
        ("a", "begins_with(ids[0], :v)", s("irst"), false),
        ("a", "begins_with(ids[7], :v)", s("fir"), false),
        ("a", "cleared = :v", null, true),
        ("a", "cleared = :v", s(""), false),
        ("b", "attribute_exists(partition_key) AND cleared = :v", s(""), false),
    ] {
        let update = bench.update(key, "REMOVE nothing", &[("v", value)]);
        let answer = update.condition_expression(condition).send().await;
        let brought = match answer.map_err(SdkError::into_service_error) {
            Ok(_) => None,
            Err(UpdateItemError::ConditionalCheckFailedException(refused)) => Some(refused.item),
            Err(error) => panic!("{condition}: {error:?}"),
        };
        let expected = if key == "a" { &stored } else { &None };
        assert_eq!(brought.as_ref(), (!is_met).then_some(expected), "{condition}");
    }
}

#[tokio::test]
async fn a_cancelled_transaction_tells_each_parts_reason_in_order() {
    let bench = Bench::new().await;
    bench.put("taken", &[("owner_id", s("other"))]).send().await.unwrap();
    let free = Some("attribute_not_exists(partition_key)");
    let answer = bench.transact(vec![
        bench.put_part("new", &[], free),
        bench.put_part("taken", &[("owner_id", s("own"))], free),
        bench.check_part("missing"),
    ]);
    let reasons = reasons(answer.send().await).unwrap();
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_deref().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]);
    assert_eq!(reasons[1].item, Some(item("taken", &[("owner_id", s("other"))])));
    assert_eq!(reasons[2].item, None);
    assert_eq!(bench.get("new").await, None, "all or nothing");
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once() {
    let bench = Bench::new().await;
    let send = |key: &str| {
        bench
            .transact(vec![bench.put_part(key, &[], None)])
            .client_request_token(bench.token())
            .send()
    };
    send("a").await.unwrap();
    let delete = bench.house.client.delete_item().table_name(&bench.house.table_name);
    delete.key(KEY, s("a")).send().await.unwrap();
    send("a").await.unwrap();
    assert_eq!(bench.get("a").await, None, "what was sent again was not done again");
    let (code, _) = refusal(send("b").await);
    assert_eq!(code, "IdempotentParameterMismatchException");
}

#[tokio::test]
async fn a_number_comes_back_in_one_spelling() {
    let bench = Bench::new().await;
    for (sent, stored) in [
        ("1", "1"),
        ("01", "1"),
        ("1.0", "1"),
        ("1e2", "100"),
        ("+5", "5"),
        ("-0", "0"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        bench.put("a", &[("revision", n(sent))]).send().await.unwrap();
        let expected = item("a", &[("revision", n(stored))]);
        assert_eq!(bench.get("a").await, Some(expected), "{sent}");
    }
}

/// What each attribute takes besides its name, as
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
/// has it.
#[tokio::test]
async fn an_item_is_as_large_as_is_documented() {
    let bench = Bench::new().await;
    let map = AttributeValue::M([("key".to_owned(), s("text"))].into());
    for (value, bytes) in [
        (s("text"), 4),
        (s("\u{e9}"), 2),
        (s("\u{1f600}"), 4),
        (n(12), 2),
        (n(12345), 4),
        (AttributeValue::Bool(true), 1),
        (AttributeValue::Null(true), 1),
        (list([]), 3),
        (list(["a", "b"]), 3 + 2 + 2),
        (map, 3 + 1 + 3 + 4),
    ] {
        let others = KEY.len() + 1 + "value".len() + bytes + "filler".len();
        let room = ITEM_BYTES_MAX - others;
        let put =
            |bytes| bench.put("a", &[("value", value.clone()), ("filler", filler(bytes))]).send();
        put(room).await.unwrap();
        let (code, words) = refusal(put(room + 1).await);
        assert_eq!(code, "ValidationException", "{value:?}");
        assert!(words.contains("Item size"), "{value:?}: {words}");
    }
}

#[tokio::test]
async fn an_expression_ends_at_4_kb_and_has_no_redundant_parentheses() {
    let bench = Bench::new().await;
    let head: String = (0..30).map(|place| format!("{}{place} = :v, ", "b".repeat(120))).collect();
    let long = |bytes: usize| {
        let start = format!("SET {head}");
        let last = "c".repeat(bytes - start.len() - " = :v".len());
        format!("{start}{last} = :v")
    };
    bench.update("a", &long(4096), &[("v", n(1))]).send().await.unwrap();
    let (code, words) = refusal(bench.update("a", &long(4097), &[("v", n(1))]).send().await);
    assert_eq!(code, "ValidationException");
    assert!(words.contains("Expression size"), "{words}");

    let update = bench.update("a", "SET revision = :v", &[("v", n(1))]);
    let update = update.condition_expression("((revision = :v))");
    let (code, words) = refusal(update.send().await);
    assert_eq!(code, "ValidationException");
    assert!(words.contains("redundant parentheses"), "{words}");
}

#[tokio::test]
async fn transactions_on_one_item_lose_nothing() {
    let bench = Bench::new().await;
    bench.put("a", &[("revision", n(0))]).send().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let count = bench.update_part("a", "SET revision = revision + :v", &[("v", n(1))]);
        writers.spawn(bench.transact(vec![count]).send());
    }
    let answers = writers.join_all().await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(bench.get("a").await, Some(item("a", &[("revision", n(done))])));
    // AWS may cancel some as conflicts; these two let each wait for the others.
    assert_eq!(bench.expect(16, 16, None).unwrap_or(done), done);
}

// What they say differently. `docs/engines.md` has these as a table.

/// Checks that a refusal has this code, and these words on the engine that is known for them.
fn expect_words(bench: &Bench, refused: (String, String), code: &str, words: [&str; 2]) {
    assert_eq!(refused.0, code, "{}", refused.1);
    let [embedded, local] = words;
    if let Some(words) = bench.expect(embedded, local, None) {
        assert_eq!(refused.1, words);
    }
}

#[tokio::test]
async fn the_same_refusals_come_in_other_words() {
    let bench = Bench::new().await;
    let unused = bench.update("a", "REMOVE x", &[("v", n(1))]).send().await;
    let words = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
    let embedded = format!("1 validation error detected: {words}");
    expect_words(&bench, refusal(unused), "ValidationException", [&embedded, words]);

    let precise = bench.put("a", &[("v", n("1".repeat(39)))]).send().await;
    let words = [
        "1 validation error detected: Attempting to store more than 38 significant digits in a \
         Number",
        "DynamoDB only supports precision up to 38 digits",
    ];
    expect_words(&bench, refusal(precise), "ValidationException", words);

    let long_key = bench.put(&"k".repeat(2049), &[]).send().await;
    let words = [
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size \
         limit of2048 bytes",
        "Hash primary key values must be under 2048 bytes, and range primary key values must be \
         under 1024 bytes",
    ];
    expect_words(&bench, refusal(long_key), "ValidationException", words);

    let elsewhere = bench.house.client.get_item().table_name("sms-stage-test-is-not-there");
    let elsewhere = elsewhere.key(KEY, s("a")).send().await;
    let words = ["Requested resource not found", "Cannot do operations on a non-existent table"];
    expect_words(&bench, refusal(elsewhere), "ResourceNotFoundException", words);

    let send = |key: &str| {
        bench
            .transact(vec![bench.put_part(key, &[], None)])
            .client_request_token(bench.token())
            .send()
    };
    send("a").await.unwrap();
    let words = ["An error occurred (IdempotentParameterMismatchException)", ""];
    expect_words(&bench, refusal(send("b").await), "IdempotentParameterMismatchException", words);
}

#[tokio::test]
async fn a_reason_ends_with_or_without_a_full_stop() {
    let bench = Bench::new().await;
    bench.put("taken", &[]).send().await.unwrap();
    let free = Some("attribute_not_exists(partition_key)");
    let parts = vec![bench.put_part("taken", &[], free), bench.check_part("missing")];
    let reasons = reasons(bench.transact(parts).send().await).unwrap();
    let words: Vec<_> = reasons.iter().map(|reason| reason.message.as_deref().unwrap()).collect();
    let without = "The conditional request failed";
    let with = "The conditional request failed.";
    if let Some(expected) = bench.expect([without, without], [without, with], None) {
        assert_eq!(words, expected);
    }
}

#[tokio::test]
async fn an_update_near_400_kb_is_judged_by_its_item_or_by_its_request() {
    let bench = Bench::new().await;
    bench.put("a", &[]).send().await.unwrap();
    let room = ITEM_BYTES_MAX - KEY.len() - 1 - "v".len();
    let update = |key: &str, bytes| bench.update(key, "SET v = :v", &[("v", filler(bytes))]);
    let exact = update("a", room).send().await.map_err(|error| error.code().map(str::to_owned));
    let refused = || Some("ValidationException".to_owned());
    if let Some(expected) = bench.expect(Err(refused()), Ok(()), None) {
        assert_eq!(exact.map(|_| ()), expected, "an item of exactly 400 KB");
    }
    let (code, words) = refusal(update("a", room + 1).send().await);
    assert_eq!(code, "ValidationException");
    assert!(words.contains("Item size"), "{words}");

    let missing = update("b", room).condition_expression("attribute_exists(partition_key)");
    let (code, _) = refusal(missing.send().await);
    let expected = bench.expect("ValidationException", "ConditionalCheckFailedException", None);
    assert_eq!(expected.unwrap_or(&code), code, "which is looked at first");
}

#[tokio::test]
async fn a_put_over_400_kb_refuses_the_transaction_and_an_update_cancels_it() {
    let bench = Bench::new().await;
    bench.put("a", &[("old", filler(1000))]).send().await.unwrap();
    let put = bench.put_part("b", &[("v", filler(ITEM_BYTES_MAX))], None);
    let (code, words) = refusal(bench.transact(vec![put]).send().await);
    assert_eq!(code, "ValidationException");
    assert!(words.contains("Item size"), "{words}");

    let update = bench.update_part("a", "SET v = :v", &[("v", filler(ITEM_BYTES_MAX - 1000))]);
    let parts = vec![bench.put_part("c", &[], None), update];
    let reasons = reasons(bench.transact(parts).send().await).unwrap();
    assert_eq!((reasons[0].code(), reasons[1].code()), (Some("None"), Some("ValidationError")));
    assert!(reasons[1].message.as_ref().unwrap().contains("Item size"), "{reasons:?}");
}

#[tokio::test]
async fn a_path_that_is_not_there_cancels_a_transaction_or_refuses_it() {
    let bench = Bench::new().await;
    bench.put("a", &[]).send().await.unwrap();
    let update = bench.update_part("a", "SET ids[0] = :v", &[("v", n(1))]);
    let (code, words) = refusal(bench.transact(vec![update]).send().await);
    let cancelled = "TransactionCanceledException";
    let expected = bench.expect(cancelled, "ValidationException", Some(cancelled));
    assert_eq!(Some(&*code), expected, "{words}");
}

#[tokio::test]
async fn a_new_table_is_being_made_or_is_there_and_its_time_to_live_is_set_once_or_often() {
    let bench = Bench::new().await;
    let lease = bench.house.site.lease_table();
    let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash);
    let kind = AttributeDefinition::builder().attribute_name(KEY);
    let made = bench
        .house
        .client
        .create_table()
        .table_name(&lease.table_name)
        .key_schema(key.build().unwrap())
        .attribute_definitions(kind.attribute_type(ScalarAttributeType::S).build().unwrap())
        .billing_mode(BillingMode::PayPerRequest);
    let status = made.send().await.unwrap().table_description.unwrap().table_status.unwrap();
    let creating = TableStatus::Creating;
    let expected = bench.expect(creating.clone(), TableStatus::Active, Some(creating));
    assert_eq!(Some(status), expected);

    // The house's own table has its time to live already.
    let expiry = TimeToLiveSpecification::builder().attribute_name("expires").enabled(true);
    let again = bench.house.client.update_time_to_live().table_name(&bench.house.table_name);
    let again = again.time_to_live_specification(expiry.build().unwrap()).send().await;
    let code = again.map(|_| ()).map_err(|error| error.code().map(str::to_owned));
    let refused = Err(Some("ValidationException".to_owned()));
    assert_eq!(Some(code), bench.expect(Ok(()), refused.clone(), Some(refused)));
}

#[tokio::test]
async fn a_limit_that_we_stay_far_from_is_kept_or_not() {
    let bench = Bench::new().await;
    bench.put("a", &[("v", n(1))]).send().await.unwrap();
    let operands = vec![":v"; 101].join(", ");
    let update = bench.update("a", "REMOVE x", &[("v", n(1))]);
    let answer = update.condition_expression(format!("v IN ({operands})")).send().await;
    let is_refused = answer.is_err();
    assert_eq!(Some(is_refused), bench.expect(false, true, Some(true)), "101 operands of IN");

    if bench.kind == Kind::Embedded {
        return; // 301 operators end its process.
    }
    let condition = vec!["v = :v"; 151].join(" OR ");
    let update = bench.update("a", "REMOVE x", &[("v", n(1))]);
    let (code, words) = refusal(update.condition_expression(condition).send().await);
    assert_eq!(code, "ValidationException", "{words}");
}
