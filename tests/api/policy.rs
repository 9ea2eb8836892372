//! The function's policy in `template.yaml` against what the function was seen to do. No local
//! engine checks policies, so this does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{House, Request, Seen, VIEWER};

const TEMPLATE: &str = include_str!("../../template.yaml");

/// An action on a kind of item: `("UpdateItem", "STAGE#")`.
type Deed = (String, String);

/// What the policy allows, read off the template's block-style lists.
fn allowed() -> BTreeSet<Deed> {
    let policy = TEMPLATE.split("PolicyName: Table\n").nth(1).unwrap();
    let policy = policy.split("PolicyName:").next().unwrap();
    let mut deeds = BTreeSet::new();
    for statement in policy.split("- Sid:").skip(1) {
        let items = || statement.lines().filter_map(|line| line.trim().strip_prefix("- "));
        let keys: Vec<_> = items().filter_map(|item| item.strip_suffix('*')).collect();
        assert!(!keys.is_empty(), "every statement is narrowed by its keys: {statement}");
        assert!(statement.contains("\"Null\":"), "a request without keys is refused: {statement}");
        for action in items().filter_map(|item| item.strip_prefix("dynamodb:")) {
            deeds.extend(keys.iter().map(|key| (action.to_owned(), (*key).to_owned())));
        }
    }
    deeds
}

/// What a call needs leave for: each part of a transaction its own action.
fn deeds(call: &Seen) -> Vec<Deed> {
    let deed = |action: &str, item: &Value| {
        let key = item["partition_key"]["S"].as_str().unwrap();
        let kind = key.split_inclusive('#').next().unwrap();
        (action.to_owned(), kind.to_owned())
    };
    if call.operation != "TransactWriteItems" {
        return vec![deed(&call.operation, &call.body["Key"])];
    }
    let parts = call.body["TransactItems"].as_array().unwrap();
    parts
        .iter()
        .map(|part| match part.as_object().unwrap().iter().next().unwrap() {
            (kind, part) if kind == "Put" => deed("PutItem", &part["Item"]),
            (kind, part) if kind == "Update" => deed("UpdateItem", &part["Key"]),
            (kind, part) if kind == "Delete" => deed("DeleteItem", &part["Key"]),
            (kind, part) => {
                assert_eq!(kind, "ConditionCheck");
                deed("ConditionCheckItem", &part["Key"])
            }
        })
        .collect()
}

/// Fails for calls that the policy does not allow.
pub fn assert_allowed(calls: &[Seen]) {
    let allowed = allowed();
    for deed in calls.iter().flat_map(deeds) {
        assert!(allowed.contains(&deed), "the policy does not allow {deed:?}");
    }
}

#[tokio::test]
async fn the_policy_allows_what_the_function_does_and_nothing_else() {
    let house = House::new().await;
    for body in [
        json!({"from_number": "1"}),
        json!({"name": "n", "mapping": "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9"}),
        json!({"configure_flow": "ffeeddcc-bbaa-4998-8776-655443322110"}),
        json!({"flow_set": []}),
        json!({
            "provider": "x", "name": "backup-sms",
            "configure_flow": "00000000-0000-0000-0000-000000000000",
            "mapping": "00000000-0000-0000-0000-000000000000",
        }),
    ] {
        house.send(&Request::patch(body.to_string())).await;
    }
    house.send(&Request::get().token(VIEWER)).await;
    let done: BTreeSet<_> = house.tap.calls().iter().flat_map(deeds).collect();
    assert_eq!(done, allowed());
}

#[tokio::test]
async fn opening_the_connection_is_allowed_too() {
    let house = House::new().await;
    house.table.open_connection().await;
    let calls = house.tap.calls();
    assert_eq!(calls.len(), 1);
    assert_allowed(&calls);
}
