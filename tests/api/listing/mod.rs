//! The parameters of a list: filters, search, order and pages, tested without a table.

mod filter;
mod order;
mod paging;
mod search;

use authenticator_sms_stage::stage::{field::Field, rules::ListRules, stage::Stage, value::Value};
use uuid::Uuid;

/// The rules of releases before pages became smaller and secrets were hidden.
const RULES: ListRules = ListRules {
    page_size_default: 100,
    page_size_max: None,
    page_size_invalid: 100,
    nulls_first: false,
    null_display_name: true,
    search_before_permission: true,
    secrets: true,
};

/// A stage whose key is this number.
fn stage(number: u128, name: &str) -> Stage {
    let mut stage = Stage::new(Uuid::from_u128(number));
    stage.set(Field::NAME, Some(Value::Text(name.to_owned())));
    stage
}

/// A stage with one more field set.
fn stage_with(number: u128, name: &str, field: &str, value: Option<Value>) -> Stage {
    let mut stage = stage(number, name);
    stage.set(Field::from_name(field).unwrap(), value);
    stage
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}
