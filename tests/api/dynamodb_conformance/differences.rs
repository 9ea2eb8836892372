//! The differences between the engines. `docs/engines.md` has them as a table.

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;

use crate::harness::{
    bench::{Bench, EngineKind, ITEM_BYTES_MAX, error_of, filler, n, reasons},
    key,
};

/// Checks that an error has this code, and on the known engines this message.
fn assert_message(bench: &Bench, error: (String, String), code: &str, messages: [&str; 2]) {
    assert_eq!(error.0, code, "{}", error.1);
    let [embedded, local] = messages;
    if let Some(message) = bench.expect(embedded, local, None) {
        assert_eq!(error.1, message);
    }
}

#[tokio::test]
async fn the_same_errors_have_different_messages() {
    let bench = Bench::new().await;
    let unused = bench.update("a", "REMOVE x", &[("v", n(1))]).send().await;
    let message = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
    let embedded = format!("1 validation error detected: {message}");
    assert_message(&bench, error_of(unused), "ValidationException", [&embedded, message]);

    let precise = bench.put("a", &[("v", n("1".repeat(39)))]).send().await;
    let message = [
        "1 validation error detected: Attempting to store more than 38 significant digits in a \
         Number",
        "DynamoDB only supports precision up to 38 digits",
    ];
    assert_message(&bench, error_of(precise), "ValidationException", message);

    let long_key = bench.put(&"k".repeat(2049), &[]).send().await;
    let message = [
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded \
         the size limit of 1024 bytes",
        "Hash primary key values must be under 2048 bytes, and range primary key values must be \
         under 1024 bytes",
    ];
    assert_message(&bench, error_of(long_key), "ValidationException", message);

    let elsewhere = bench.app.client.get_item().table_name("sms-stage-test-is-not-there");
    let elsewhere = elsewhere.set_key(Some(key::probe("a"))).send().await;
    let message = ["Requested resource not found", "Cannot do operations on a non-existent table"];
    assert_message(&bench, error_of(elsewhere), "ResourceNotFoundException", message);

    let send = |key: &str| {
        bench
            .transact(vec![bench.put_part(key, &[], None)])
            .client_request_token(bench.token())
            .send()
    };
    send("a").await.unwrap();
    let message = ["An error occurred (IdempotentParameterMismatchException)", ""];
    assert_message(
        &bench,
        error_of(send("b").await),
        "IdempotentParameterMismatchException",
        message,
    );
}

#[tokio::test]
async fn a_reasons_message_may_end_with_a_full_stop() {
    let bench = Bench::new().await;
    bench.put("taken", &[]).send().await.unwrap();
    let free = key::not_exists();
    let free = Some(&*free);
    let parts = vec![bench.put_part("taken", &[], free), bench.check_part("missing")];
    let reasons = reasons(bench.transact(parts).send().await).unwrap();
    let message: Vec<_> = reasons.iter().map(|reason| reason.message.as_deref().unwrap()).collect();
    let without = "The conditional request failed";
    let with = "The conditional request failed.";
    if let Some(expected) = bench.expect([without, without], [without, with], None) {
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn an_update_near_400_kb_is_measured_by_its_item_or_its_request() {
    let bench = Bench::new().await;
    bench.put("a", &[]).send().await.unwrap();
    let room = ITEM_BYTES_MAX - key::probe_bytes("a") - "v".len();
    let update = |key: &str, bytes| bench.update(key, "SET v = :v", &[("v", filler(bytes))]);
    let exact = update("a", room).send().await.map_err(|error| error.code().map(str::to_owned));
    let refused = || Some("ValidationException".to_owned());
    if let Some(expected) = bench.expect(Err(refused()), Ok(()), None) {
        assert_eq!(exact.map(|_| ()), expected, "an item of exactly 400 KB");
    }
    let (code, message) = error_of(update("a", room + 1).send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("Item size"), "{message}");

    let missing = update("b", room).condition_expression(key::exists());
    let (code, _) = error_of(missing.send().await);
    let expected = bench.expect("ValidationException", "ConditionalCheckFailedException", None);
    assert_eq!(expected.unwrap_or(&code), code, "the check that is made first");
}

#[tokio::test]
async fn a_put_over_400_kb_makes_a_transaction_invalid_and_an_update_cancels_it() {
    let bench = Bench::new().await;
    bench.put("a", &[("old", filler(1000))]).send().await.unwrap();
    let put = bench.put_part("b", &[("v", filler(ITEM_BYTES_MAX))], None);
    let (code, message) = error_of(bench.transact(vec![put]).send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("Item size"), "{message}");

    let update = bench.update_part("a", "SET v = :v", &[("v", filler(ITEM_BYTES_MAX - 1000))]);
    let parts = vec![bench.put_part("c", &[], None), update];
    let reasons = reasons(bench.transact(parts).send().await).unwrap();
    assert_eq!((reasons[0].code(), reasons[1].code()), (Some("None"), Some("ValidationError")));
    assert!(reasons[1].message.as_ref().unwrap().contains("Item size"), "{reasons:?}");
}

#[tokio::test]
async fn a_missing_path_cancels_a_transaction_or_makes_it_invalid() {
    let bench = Bench::new().await;
    bench.put("a", &[]).send().await.unwrap();
    let update = bench.update_part("a", "SET ids[0] = :v", &[("v", n(1))]);
    let (code, message) = error_of(bench.transact(vec![update]).send().await);
    let cancelled = "TransactionCanceledException";
    let expected = bench.expect(cancelled, "ValidationException", Some(cancelled));
    assert_eq!(Some(&*code), expected, "{message}");
}

#[tokio::test]
async fn limits_that_this_project_does_not_reach_may_be_missing() {
    let bench = Bench::new().await;
    bench.put("a", &[("v", n(1))]).send().await.unwrap();
    let operands = vec![":v"; 101].join(", ");
    let update = bench.update("a", "REMOVE x", &[("v", n(1))]);
    let answer = update.condition_expression(format!("v IN ({operands})")).send().await;
    let is_refused = answer.is_err();
    assert_eq!(Some(is_refused), bench.expect(false, true, Some(true)), "101 operands of IN");

    if bench.kind == EngineKind::Embedded {
        return; // 301 operators crash its process.
    }
    let condition = vec!["v = :v"; 151].join(" OR ");
    let update = bench.update("a", "REMOVE x", &[("v", n(1))]);
    let (code, message) = error_of(update.condition_expression(condition).send().await);
    assert_eq!(code, "ValidationException", "{message}");
}
