//! Reads flows as authentik's API returns them.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    problem_text::{self, Problems},
    rules::RULES,
};
use crate::stage::{
    body::Body,
    field::FLOW_FIELDS,
    flow::{Flow, FlowPatch},
    parse,
    patch::{Completeness, Patch},
    problem::Problem,
};

/// The fields of a flow that requests cannot set.
pub(super) struct ServerFields {
    pub pk: Uuid,
    policybindingmodel_ptr_id: Uuid,
    background: String,
}

impl ServerFields {
    /// Returns the whole flow, with the other fields from a patch.
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
    // Parsed as the only flow of a stage.
    let body = Map::from_iter([("flow_set".to_owned(), Value::Array(vec![element]))]);
    let patch = match Patch::parse(Body::Object(body), &RULES, Completeness::Partial) {
        Ok(patch) => patch.flow_set.and_then(|mut flows| flows.pop()),
        Err(rejected) => {
            let lines = problem_text::problem_lines(&rejected.problems, |_, _| None).into_iter();
            problems.0.extend(lines.map(|line| line.replacen("flow_set[0].", "", 1)));
            None
        }
    };
    let flow = server_fields.zip(patch).map(|(fields, patch)| fields.flow(&patch));
    flow.filter(|_| problems.0.is_empty()).ok_or(problems.0)
}

/// Removes from a flow the fields that requests cannot set, and reports missing fields even if
/// requests may omit them: without them, the document is not a complete answer, and may not mean
/// their defaults.
pub(super) fn server_fields(
    problems: &mut Problems,
    path: &str,
    flow: &mut Value,
) -> Option<ServerFields> {
    // If it is not an object, the parser of bodies reports that.
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
            Some("a complete answer of authentik has it"),
        );
    }
    Some(ServerFields { pk: pk?, policybindingmodel_ptr_id: parent?, background: background? })
}

/// Reads the background's URL. Older releases have it in `background`, newer ones in
/// `background_url`. If both are present, `background` may be the configured value, which need not
/// be a URL.
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
            let remedy = "a complete answer of authentik has it, or background_url";
            problems.add(path, "background", &Problem::Required, Some(remedy));
            return None;
        }
    };
    let read = parse::text(value, true);
    read.map_err(|wrong| wrong.iter().for_each(|one| problems.add(path, key, one, None))).ok()
}
