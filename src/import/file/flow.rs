//! Reads flows as authentik answers with them.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{rules::RULES, words, words::Problems};
use crate::stage::{
    body::Body,
    field::FLOW_FIELDS,
    flow::{Flow, FlowPatch},
    parse,
    patch::{Completeness, Patch},
    problem::Problem,
};

/// What a request does not write of a flow.
pub(super) struct ServerFields {
    pub pk: Uuid,
    policybindingmodel_ptr_id: Uuid,
    background: String,
}

impl ServerFields {
    /// The whole flow.
    pub fn flow(self, patch: &FlowPatch) -> Flow {
        let Self { pk, policybindingmodel_ptr_id, background } = self;
        Flow { pk, policybindingmodel_ptr_id, background, ..patch.apply(None) }
    }
}

/// Reads a flow.
pub(super) fn read(fields: Map<String, Value>) -> Result<Flow, Vec<String>> {
    let mut problems = Problems::default();
    let mut element = Value::Object(fields);
    let server_fields = server_fields(&mut problems, "", &mut element);
    // What reads a stage's flows reads this one.
    let body = Map::from_iter([("flow_set".to_owned(), Value::Array(vec![element]))]);
    let patch = match Patch::parse(Body::Object(body), &RULES, Completeness::Partial) {
        Ok(patch) => patch.flow_set.and_then(|mut flows| flows.pop()),
        Err(rejected) => {
            let lines = words::spelled_out(&rejected.problems, |_, _| None).into_iter();
            problems.0.extend(lines.map(|line| line.replacen("flow_set[0].", "", 1)));
            None
        }
    };
    let flow = server_fields.zip(patch).map(|(fields, patch)| fields.flow(&patch));
    flow.filter(|_| problems.0.is_empty()).ok_or(problems.0)
}

/// Takes out of a flow what a request does not write, and misses what a request may leave out: a
/// document that does so is no whole answer, and whether the default is meant is not ours to guess.
pub(super) fn server_fields(
    problems: &mut Problems,
    path: &str,
    flow: &mut Value,
) -> Option<ServerFields> {
    // Of what is no object, the body's own reader complains.
    let fields = flow.as_object_mut()?;
    let pk = problems.key(fields, path, "pk");
    let parent = problems.key(fields, path, "policybindingmodel_ptr_id");
    let background = background(problems, fields, path);
    let optional = FLOW_FIELDS.iter().filter(|spec| !spec.required);
    for spec in optional.filter(|spec| !fields.contains_key(spec.name)) {
        problems.add(
            path,
            spec.name,
            &Problem::Required,
            Some("a whole answer of authentik has it"),
        );
    }
    Some(ServerFields { pk: pk?, policybindingmodel_ptr_id: parent?, background: background? })
}

/// Where the background is. Older releases have the URL in `background`, newer ones in
/// `background_url`; where both are there, `background` may be what was set and no URL.
fn background(
    problems: &mut Problems,
    fields: &mut Map<String, Value>,
    path: &str,
) -> Option<String> {
    let url = fields.swap_remove("background_url").filter(|url| !url.is_null());
    let older = fields.swap_remove("background").filter(|url| !url.is_null());
    let (key, value) = match (url, older) {
        (Some(url), _) => ("background_url", url),
        (None, Some(older)) => ("background", older),
        (None, None) => {
            let remedy = "a whole answer of authentik has it, or background_url";
            problems.add(path, "background", &Problem::Required, Some(remedy));
            return None;
        }
    };
    let read = parse::text(value, true);
    read.map_err(|wrong| wrong.iter().for_each(|one| problems.add(path, key, one, None))).ok()
}
