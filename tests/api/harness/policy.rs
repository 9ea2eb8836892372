//! The function's policy in `template.yaml`, and the actions that a call needs. No local engine
//! checks policies, so the tests do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Key, Kind, RecordedCall};

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// An action on a kind of item: `("UpdateItem", Kind::Stage)`.
pub type Action = (String, Kind);

/// The actions that the policy allows, read from the template's block-style lists.
pub fn allowed() -> BTreeSet<Action> {
    let policy = TEMPLATE.split("PolicyName: Table\n").nth(1).unwrap();
    let policy = policy.split("PolicyName:").next().unwrap();
    let mut actions = BTreeSet::new();
    for statement in policy.split("- Sid:").skip(1) {
        let items = || statement.lines().filter_map(|line| line.trim().strip_prefix("- "));
        let kinds: Vec<_> =
            items().filter_map(|item| Kind::parse(item.trim_end_matches(['*', '#']))).collect();
        assert!(!kinds.is_empty(), "every statement lists its keys: {statement}");
        assert!(statement.contains("\"Null\":"), "a request without keys is refused: {statement}");
        for action in items().filter_map(|item| item.strip_prefix("dynamodb:")) {
            actions.extend(kinds.iter().map(|kind| (action.to_owned(), *kind)));
        }
    }
    actions
}

/// The actions that a call needs: each part of a transaction needs its own.
pub fn needed(call: &RecordedCall) -> Vec<Action> {
    match &*call.operation {
        "TransactWriteItems" => {
            let parts = call.body["TransactItems"].as_array().unwrap();
            parts.iter().map(needed_by_part).collect()
        }
        "BatchGetItem" => {
            let tables = call.body["RequestItems"].as_object().unwrap().values();
            let keys = tables.flat_map(|table| table["Keys"].as_array().unwrap());
            keys.map(|key| action("BatchGetItem", key)).collect()
        }
        "Query" => {
            let values = call.body["ExpressionAttributeValues"].as_object().unwrap().values();
            let kind = values.filter_map(|value| value["S"].as_str()).find_map(Kind::parse);
            vec![("Query".to_owned(), kind.unwrap())]
        }
        "PutItem" => vec![action("PutItem", &call.body["Item"])],
        operation => vec![action(operation, &call.body["Key"])],
    }
}

fn needed_by_part(part: &Value) -> Action {
    match part.as_object().unwrap().iter().next().unwrap() {
        (kind, part) if kind == "Put" => action("PutItem", &part["Item"]),
        (kind, part) if kind == "ConditionCheck" => action("ConditionCheckItem", &part["Key"]),
        (kind, part) => action(&format!("{kind}Item"), &part["Key"]),
    }
}

fn action(action: &str, item: &Value) -> Action {
    (action.to_owned(), Key::of_json(item).unwrap().kind)
}

/// Panics if the policy does not allow one of the calls.
pub fn assert_allowed(calls: &[RecordedCall]) {
    let allowed = allowed();
    for action in calls.iter().flat_map(needed) {
        assert!(allowed.contains(&action), "the policy does not allow {action:?}");
    }
}
