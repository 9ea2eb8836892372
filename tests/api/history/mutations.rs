//! Mistakes that the function could have, simulated by rewriting its requests.

use serde_json::{Value, json};

use super::fault_injection::{Faults, Mutation};
use crate::harness::{Key, Kind, history::check::Rule};

/// A mistake, and the rules that must reveal it.
pub struct Mistake {
    /// What is wrong.
    pub description: &'static str,
    /// Makes the mistake.
    pub mutation: Mutation,
    /// The faults that reveal it.
    pub faults: Faults,
    /// The rules that it breaks. At least one of them must be reported.
    pub breaks: &'static [Rule],
}

const QUIET: Faults = Faults { dropped: 0, lost: 0 };
const DROPPED: Faults = Faults { dropped: 25, lost: 0 };

/// The mistakes.
pub const MISTAKES: [Mistake; 14] = [
    Mistake {
        description: "only the last write id is kept, instead of four",
        mutation: last_write_id_alone,
        faults: DROPPED,
        breaks: &[Rule::Once, Rule::Written],
    },
    Mistake {
        description: "only the last write id is compared, instead of four",
        mutation: |_, body| in_condition(body, NOT_WRITTEN, NOT_WRITTEN_LAST),
        faults: DROPPED,
        breaks: &[Rule::Once, Rule::Written],
    },
    Mistake {
        description: "a write is repeated without checking whether it was made",
        mutation: |_, body| in_condition(body, NOT_WRITTEN, "attribute_exists(#write_ids)"),
        faults: DROPPED,
        breaks: &[Rule::Once, Rule::Written],
    },
    Mistake {
        description: "a value computed from a read overwrites later writes",
        mutation: |_, body| hold_always(body, NEWEST),
        faults: QUIET,
        breaks: &[Rule::Document, Rule::Once, Rule::Table],
    },
    Mistake {
        description: "If-Match is not part of the write's condition",
        mutation: |_, body| in_condition(body, VERSION, ANY_VERSION),
        faults: QUIET,
        breaks: &[Rule::Precondition],
    },
    Mistake {
        description: "a changed name is treated as unchanged",
        mutation: |_, body| hold_always(body, "#name = :name"),
        faults: QUIET,
        breaks: &[Rule::Document],
    },
    Mistake {
        description: "a name is taken from another stage",
        mutation: |_, body| {
            in_parts(body, "/Put/ConditionExpression", "#owner = :owner", OWN_OR_ANOTHERS);
        },
        faults: QUIET,
        breaks: &[Rule::Name, Rule::Table],
    },
    Mistake {
        description: "the old name is not released",
        mutation: |_, body| without_part(body, "Delete", Kind::Name),
        faults: QUIET,
        breaks: &[Rule::Refusal, Rule::Table],
    },
    Mistake {
        description: "a deletion releases the name but keeps the stage",
        mutation: |_, body| without_part(body, "Delete", Kind::Stage),
        faults: QUIET,
        breaks: &[Rule::Time, Rule::List, Rule::Table],
    },
    Mistake {
        description: "a deletion does not check that the stage is unchanged",
        mutation: |_, body| {
            let either = format!("({NEWEST} OR NOT {NEWEST})");
            in_parts(body, "/Delete/ConditionExpression", NEWEST, &either);
        },
        faults: QUIET,
        breaks: &[Rule::Precondition, Rule::Table],
    },
    Mistake {
        description: "a new stage does not lock its name",
        mutation: |_, body| {
            if body["TransactItems"][0]["Put"].is_object() {
                without_part(body, "Put", Kind::Name);
            }
        },
        faults: QUIET,
        breaks: &[Rule::Name, Rule::Table],
    },
    Mistake {
        description: "a list begins at the second stage",
        mutation: |operation, body| {
            if operation == "Query" {
                let condition = &mut body["KeyConditionExpression"];
                replace(condition, "#kind = :kind", "#kind = :kind AND #id > :first");
                body["ExpressionAttributeNames"]["#id"] = "id".into();
                let first = "5a000000-0000-4000-8000-000000000000";
                body["ExpressionAttributeValues"][":first"] = json!({"S": first});
            }
        },
        faults: QUIET,
        breaks: &[Rule::List],
    },
    Mistake {
        description: "a list leaves out the first of the documents that it reads again",
        mutation: |operation, body| {
            if operation == "BatchGetItem" {
                let tables = body["RequestItems"].as_object_mut().unwrap();
                let keys = tables.values_mut().next().unwrap()["Keys"].as_array_mut().unwrap();
                let are_stages = keys.iter().all(is_stage);
                if are_stages && keys.len() > 1 {
                    keys.remove(0);
                }
            }
        },
        faults: QUIET,
        breaks: &[Rule::List],
    },
    Mistake {
        description: "a reference is not checked",
        mutation: |_, body| {
            in_parts(body, "/ConditionCheck/ConditionExpression", EXISTS, EXISTS_OR_NOT);
        },
        faults: QUIET,
        breaks: &[Rule::Document, Rule::Table],
    },
];

const NEWEST: &str = "#write_ids[0] = :seen";
const NOT_WRITTEN: &str = "NOT contains(#write_ids, :write_id)";
const NOT_WRITTEN_LAST: &str = "#write_ids[0] <> :write_id";
const VERSION: &str = "#revision = :match_revision0 AND begins_with";
const ANY_VERSION: &str =
    "attribute_exists(#revision) OR #revision = :match_revision0 OR begins_with";
const OWN_OR_ANOTHERS: &str = "#owner = :owner OR attribute_exists(#owner)";
const EXISTS: &str = "attribute_exists(#id)";
const EXISTS_OR_NOT: &str = "attribute_exists(#id) OR attribute_not_exists(#id)";

/// Makes each of the four places hold the newest id.
fn last_write_id_alone(_: &str, body: &mut Value) {
    in_condition(body, NOT_WRITTEN, NOT_WRITTEN_LAST);
    for place in 1..4 {
        let shift = format!("#write_ids[{place}] = #write_ids[{}]", place - 1);
        let same = format!("#write_ids[{place}] = :write_id");
        for update in stage_updates(body) {
            replace(&mut update["UpdateExpression"], &shift, &same);
        }
    }
}

/// Makes a condition always true. It stays in the expression, because a value that no expression
/// uses is an error.
fn hold_always(body: &mut Value, condition: &str) {
    in_condition(body, condition, &format!("({condition} OR NOT {condition})"));
}

fn in_condition(body: &mut Value, condition: &str, instead: &str) {
    for update in stage_updates(body) {
        replace(&mut update["ConditionExpression"], condition, instead);
    }
}

fn in_parts(body: &mut Value, expression: &str, what: &str, instead: &str) {
    for part in parts(body) {
        if let Some(expression) = part.pointer_mut(expression) {
            replace(expression, what, instead);
        }
    }
}

/// Removes this part of a transaction, for an item of this kind.
fn without_part(body: &mut Value, part: &str, kind: Kind) {
    let Some(parts) = body["TransactItems"].as_array_mut() else { return };
    parts.retain(|all| {
        let part = &all[part];
        let key = Key::of_json(&part["Key"]).or_else(|| Key::of_json(&part["Item"]));
        key.is_none_or(|key| key.kind != kind)
    });
}

fn is_stage(key: &Value) -> bool {
    Key::of_json(key).is_some_and(|key| key.kind == Kind::Stage)
}

fn replace(expression: &mut Value, what: &str, instead: &str) {
    if let Some(text) = expression.as_str() {
        *expression = text.replace(what, instead).into();
    }
}

/// The updates of stages in a request.
fn stage_updates(body: &mut Value) -> Vec<&mut Value> {
    if body.get("UpdateExpression").is_some() {
        return vec![body];
    }
    parts(body).into_iter().filter_map(|part| part.get_mut("Update")).collect()
}

fn parts(body: &mut Value) -> Vec<&mut Value> {
    body.get_mut("TransactItems").and_then(Value::as_array_mut).into_iter().flatten().collect()
}
