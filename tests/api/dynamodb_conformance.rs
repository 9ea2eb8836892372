//! The behaviour of DynamoDB that this project relies on, the same on every engine that the tests
//! can run on. `docs/engines.md` compares it with AWS's documentation.

mod differences;
mod tables;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue},
};

use crate::harness::{
    bench::{Bench, ITEM_BYTES_MAX, error_of, filler, item, list, n, reasons, s},
    key,
};

#[tokio::test]
async fn an_update_expression_reads_the_item_before_the_update() {
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
async fn a_failed_condition_returns_the_item_if_it_exists() {
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
        ("b", &*format!("{} AND cleared = :v", key::exists()), s(""), false),
    ] {
        let update = bench.update(key, "REMOVE nothing", &[("v", value)]);
        let answer = update.condition_expression(condition).send().await;
        let returned = match answer.map_err(SdkError::into_service_error) {
            Ok(_) => None,
            Err(UpdateItemError::ConditionalCheckFailedException(refused)) => Some(refused.item),
            Err(error) => panic!("{condition}: {error:?}"),
        };
        let expected = if key == "a" { &stored } else { &None };
        assert_eq!(returned.as_ref(), (!is_met).then_some(expected), "{condition}");
    }
}

#[tokio::test]
async fn a_cancelled_transaction_has_a_reason_for_each_part_in_order() {
    let bench = Bench::new().await;
    bench.put("taken", &[("owner_id", s("other"))]).send().await.unwrap();
    let free = key::not_exists();
    let free = Some(&*free);
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
async fn a_transaction_with_a_token_is_executed_once() {
    let bench = Bench::new().await;
    let send = |key: &str| {
        bench
            .transact(vec![bench.put_part(key, &[], None)])
            .client_request_token(bench.token())
            .send()
    };
    send("a").await.unwrap();
    let delete = bench.app.client.delete_item().table_name(&bench.app.table_name);
    delete.set_key(Some(key::probe("a"))).send().await.unwrap();
    send("a").await.unwrap();
    assert_eq!(bench.get("a").await, None, "the second transaction had no effect");
    let (code, _) = error_of(send("b").await);
    assert_eq!(code, "IdempotentParameterMismatchException");
}

#[tokio::test]
async fn a_number_is_returned_in_canonical_form() {
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

/// The size of each attribute, not counting its name, as documented in
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
#[tokio::test]
async fn an_item_has_the_documented_size() {
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
        let others = key::probe_bytes("a") + "value".len() + bytes + "filler".len();
        let room = ITEM_BYTES_MAX - others;
        let put =
            |bytes| bench.put("a", &[("value", value.clone()), ("filler", filler(bytes))]).send();
        put(room).await.unwrap();
        let (code, message) = error_of(put(room + 1).await);
        assert_eq!(code, "ValidationException", "{value:?}");
        assert!(message.contains("Item size"), "{value:?}: {message}");
    }
}

#[tokio::test]
async fn an_expression_has_at_most_4_kb_and_no_redundant_parentheses() {
    let bench = Bench::new().await;
    let head: String = (0..30).map(|place| format!("{}{place} = :v, ", "b".repeat(120))).collect();
    let long = |bytes: usize| {
        let start = format!("SET {head}");
        let last = "c".repeat(bytes - start.len() - " = :v".len());
        format!("{start}{last} = :v")
    };
    bench.update("a", &long(4096), &[("v", n(1))]).send().await.unwrap();
    let (code, message) = error_of(bench.update("a", &long(4097), &[("v", n(1))]).send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("Expression size"), "{message}");

    let update = bench.update("a", "SET revision = :v", &[("v", n(1))]);
    let update = update.condition_expression("((revision = :v))");
    let (code, message) = error_of(update.send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("redundant parentheses"), "{message}");
}

#[tokio::test]
async fn concurrent_transactions_on_one_item_lose_nothing() {
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
    // AWS may cancel some because of conflicts; these engines run them one after another.
    assert_eq!(bench.expect(16, 16, None).unwrap_or(done), done);
}
