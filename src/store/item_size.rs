//! The size of an item, computed before it is sent.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::Item;

/// Maximum size of an item in DynamoDB, in bytes (400 KB):
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items>.
pub const ITEM_BYTES_MAX: usize = 400 * 1024;

/// The size of an item, in bytes, as DynamoDB counts it:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
#[must_use]
pub fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + attribute_bytes(value)).sum()
}

fn attribute_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // One byte for every two digits, and one more.
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::L(list) => {
            3 + list.iter().map(|one| 1 + attribute_bytes(one)).sum::<usize>()
        }
        AttributeValue::M(map) => 3 + map.len() + item_bytes(map),
        _ => 1,
    }
}
