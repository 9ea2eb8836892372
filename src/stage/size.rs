//! The size of a stage in an answer.

use super::{
    field::{FIELDS, FLOW_FIELDS, Field},
    flow::Flow,
    patch::Patch,
    problem::{Problem, Problems},
    stage::Stage,
    value::Value,
};

/// Maximum size of a stage as JSON, in bytes, in any contract.
///
/// Below a load balancer's limit of one megabyte, and far below Lambda's of six, so that every
/// stored stage can be read through every trigger: a control character takes one byte in the table
/// and six in JSON. The margin is for updates in place, which do not read the stage first
/// ([`IN_PLACE_BYTES_MAX`]).
pub const DOCUMENT_BYTES_MAX: usize = 850_000;

/// Maximum size of all texts of an update in place together, in bytes of JSON. Each of five fields
/// can grow by this much before the stage is read again.
pub const IN_PLACE_BYTES_MAX: usize = 24 * 1024;

/// Maximum size of a stored stage, in bytes: DynamoDB's limit for an item.
const STORED_BYTES_MAX: usize = 400 * 1024;
/// Bytes in every stage's document besides its values: keys, constants, punctuation.
const STAGE_FRAME_BYTES: usize = 700;
/// The same for a flow, including its three keys and the API's path in its `export_url`.
const FLOW_FRAME_BYTES: usize = 420;
/// Maximum size of a key, a word, a boolean or null, in bytes.
const SCALAR_BYTES: usize = 48;

/// An upper bound for the size of the stage as JSON, in bytes, in any contract.
#[must_use]
pub fn document_bytes(stage: &Stage) -> usize {
    let values = stage.values.iter().flatten().map(value_bytes);
    STAGE_FRAME_BYTES + FIELDS.len() + values.sum::<usize>()
}

/// The size of all texts that the patch sets, in bytes of JSON.
#[must_use]
pub fn text_bytes(patch: &Patch) -> usize {
    patch.texts().map(|(_, text)| json_bytes(text)).sum()
}

/// The problem of a stage that is too large, reported for one of these fields: a text that never
/// fits, else the largest.
#[must_use]
pub fn too_large(stage: &Stage, fields: impl Iterator<Item = Field> + Clone) -> Problems {
    let never_fits = fields.clone().find(|field| stage.text(*field).len() > STORED_BYTES_MAX);
    let bytes = |field: &Field| stage.get(*field).map_or(0, value_bytes);
    let field = never_fits.or_else(|| fields.max_by_key(bytes)).unwrap_or(Field::FLOW_SET);
    (field, Problem::TooLarge).into()
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
    // The slug is also in the export URL, and the background is under two keys in some contracts.
    FLOW_FRAME_BYTES
        + FLOW_FIELDS.len()
        + json_bytes(flow.slug())
        + 2 * json_bytes(&flow.background)
        + values.sum::<usize>()
}

/// The size of a text, in bytes, as a JSON string within a JSON string, as in Lambda's answers.
fn json_bytes(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 4,
        0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 3,
        0x00..=0x1f => 7,
        _ => 1,
    });
    2 + bytes.sum::<usize>()
}
