//! How large a stage is when it is answered with.

use super::{
    field::{FIELDS, FLOW_FIELDS, Field},
    flow::Flow,
    patch::Patch,
    stage::Stage,
    value::Value,
};

/// Maximum number of bytes of a stage as JSON, in any contract.
///
/// Below the megabyte that a load balancer carries, and far below Lambda's six, so that what is
/// stored can be read by every trigger: a control character takes one byte in the table and six in
/// JSON. The distance is what an update in place may add without the stage having been read
/// ([`IN_PLACE_BYTES_MAX`]).
pub const DOCUMENT_BYTES_MAX: usize = 850_000;

/// Maximum number of JSON bytes that all texts of an update in place may take together. Five fields can
/// grow by as much each before the stage is read again.
pub const IN_PLACE_BYTES_MAX: usize = 24 * 1024;

/// Maximum number of bytes of all that is stored of a stage: DynamoDB's largest item.
const STORED_BYTES_MAX: usize = 400 * 1024;
/// Bytes of what every stage's document has besides its values: keys, constants, punctuation.
const STAGE_FRAME_BYTES: usize = 700;
/// The same for a flow, with its three keys and the API's path in its `export_url`.
const FLOW_FRAME_BYTES: usize = 420;
/// Bytes of a key, a word, a boolean or null, at most.
const SCALAR_BYTES: usize = 48;

/// An upper bound of the bytes of the stage as JSON, in any contract.
#[must_use]
pub fn document_bytes(stage: &Stage) -> usize {
    let values = stage.values.iter().flatten().map(value_bytes);
    STAGE_FRAME_BYTES + FIELDS.len() + values.sum::<usize>()
}

/// The bytes of all texts that the patch sets, as JSON.
#[must_use]
pub fn text_bytes(patch: &Patch) -> usize {
    patch.texts().map(|(_, text)| json_bytes(text)).sum()
}

/// The field of these that made the stage too large: a text that never fits, else the largest.
#[must_use]
pub fn largest_field(stage: &Stage, fields: impl Iterator<Item = Field> + Clone) -> Field {
    let never_fits = fields.clone().find(|field| stage.text(*field).len() > STORED_BYTES_MAX);
    let bytes = |field: &Field| stage.get(*field).map_or(0, value_bytes);
    never_fits.or_else(|| fields.max_by_key(bytes)).unwrap_or(Field::FLOW_SET)
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Flows(flows) => flows.iter().map(flow_bytes).sum(),
        Value::Text(text) => json_bytes(text),
        Value::Secret(secret) => json_bytes(secret.reveal()),
        Value::Word(_) | Value::Boolean(_) | Value::Key(_) => SCALAR_BYTES,
    }
}

fn flow_bytes(flow: &Flow) -> usize {
    let values = flow.values.iter().map(value_bytes);
    // The slug stands in the export URL once more, and the background has two keys in some contracts.
    FLOW_FRAME_BYTES
        + FLOW_FIELDS.len()
        + json_bytes(flow.slug())
        + 2 * json_bytes(&flow.background)
        + values.sum::<usize>()
}

/// The bytes of a text as a JSON string that stands in a JSON string, as Lambda's answers have it.
fn json_bytes(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 4,
        0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 3,
        0x00..=0x1f => 7,
        _ => 1,
    });
    2 + bytes.sum::<usize>()
}
