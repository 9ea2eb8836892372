//! Reads stages as authentik's API returns them.

use std::collections::HashSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    documents::StageDocument,
    flow::{self, ServerFields},
    problem_text::{self, Problems},
    rules::RULES,
    secrets::GivenSecrets,
};
use crate::{
    http::precondition::{EntityTag, Tags},
    stage::{
        apply,
        body::Body,
        field::Field,
        patch::{Completeness, Patch},
        problem::Problem,
        stage::Stage,
        value::Value as FieldValue,
    },
};

/// The placeholder for a credential that is not shown. It is never loaded: it would replace the
/// credential.
pub const MASK: &str = "[masked; --show-secrets shows it]";

/// The key for the ETag of the version that a document was made from.
pub const ETAG: &str = "_etag";

/// Reads a stage.
pub(super) fn read(
    mut fields: Map<String, Value>,
    secrets: &mut GivenSecrets,
) -> Result<StageDocument, Vec<String>> {
    let mut problems = Problems::default();
    let uuid = problems.key(&mut fields, "", "pk");
    let version = version(&mut problems, &mut fields);
    // The oldest releases have no such field.
    fields.entry(Field::FRIENDLY_NAME.as_str()).or_insert(Value::Null);
    complete_secrets(&mut problems, &mut fields, secrets, uuid);
    report_missing(&mut problems, &fields);
    let flows = server_fields(&mut problems, &mut fields);
    let patch = match Patch::parse(Body::Object(fields), &RULES, Completeness::Partial) {
        Ok(patch) => patch,
        Err(rejected) => {
            problems.0.extend(problem_text::problem_lines(&rejected.problems, |_, _| None));
            rejected.accepted
        }
    };
    match uuid {
        Some(uuid) if problems.0.is_empty() => {
            Ok(StageDocument { stage: assembled(uuid, &patch, flows), version })
        }
        _ => Err(problems.0),
    }
}

/// Fills in the given secrets, and drops or reports the placeholders of the other hidden ones.
fn complete_secrets(
    problems: &mut Problems,
    fields: &mut Map<String, Value>,
    secrets: &mut GivenSecrets,
    uuid: Option<Uuid>,
) {
    let hides_secrets = hides_secrets(fields);
    let given = secrets.complete(uuid, fields);
    if hides_secrets {
        drop_hidden_secrets(problems, fields, &given);
    }
}

/// Returns whether the document hides secrets: one of them is masked or missing, or a required one
/// is blank. In such a document, an optional secret that is blank may be hidden as well.
fn hides_secrets(fields: &Map<String, Value>) -> bool {
    Field::secrets().any(|field| match fields.get(field.as_str()) {
        None => true,
        Some(Value::String(text)) => text == MASK || (text.is_empty() && !field.spec().blank),
        Some(_) => false,
    })
}

/// Drops blank secrets and reports masked ones, except for those that were given.
fn drop_hidden_secrets(
    problems: &mut Problems,
    fields: &mut Map<String, Value>,
    given: &[&'static str],
) {
    for name in Field::secrets().map(Field::as_str).filter(|name| !given.contains(name)) {
        match fields.get(name).and_then(Value::as_str) {
            Some(MASK) => problems.0.push(format!(
                "{name}: is masked; get the stage with --show-secrets, or give the secret in a \
                 file with --secrets."
            )),
            Some("") => {
                fields.swap_remove(name);
            }
            Some(_) | None => {}
        }
    }
}

/// Reports missing fields even if requests may omit them: without them, the document is not a
/// complete answer, and may not mean their defaults.
fn report_missing(problems: &mut Problems, fields: &Map<String, Value>) {
    for field in Field::all().filter(|field| !fields.contains_key(field.as_str())) {
        problems.add("", field.as_str(), &Problem::Required, Some(remedy(field)));
    }
}

/// Returns what to do about a missing field.
fn remedy(field: Field) -> &'static str {
    match field {
        field if Field::secrets().any(|secret| secret == field) => {
            if field.spec().blank {
                "this answer hides secrets: add the secret (\"\" if there is none), or give it in \
                 a file with --secrets"
            } else {
                "this answer hides secrets: add the secret that the SMS provider gave you, or give \
                 it in a file with --secrets"
            }
        }
        Field::FLOW_SET => "add it; [] if there are no flows",
        _ => "a complete answer of authentik has it",
    }
}

/// Removes the fields that requests cannot set from each flow.
fn server_fields(problems: &mut Problems, fields: &mut Map<String, Value>) -> Vec<ServerFields> {
    let flows = fields.get_mut(Field::FLOW_SET.as_str()).and_then(Value::as_array_mut);
    let mut keys = HashSet::new();
    let mut found = Vec::new();
    for (place, element) in flows.into_iter().flatten().enumerate() {
        let path = format!("{}[{place}].", Field::FLOW_SET.as_str());
        let Some(flow) = flow::server_fields(problems, &path, element) else {
            continue;
        };
        if !keys.insert(flow.pk) {
            problems
                .0
                .push(format!("{path}pk: Another flow of the stage has {} already.", flow.pk));
        }
        found.push(flow);
    }
    found
}

/// Reads the version that the document was made from. The ETag's quotes are optional.
fn version(problems: &mut Problems, fields: &mut Map<String, Value>) -> Option<EntityTag> {
    let sent = fields.swap_remove(ETAG).filter(|tag| !tag.is_null())?;
    let quoted = |tag: &str| {
        if tag.contains('"') { tag.to_owned() } else { format!("\"{tag}\"") }
    };
    let tag = sent.as_str().map(quoted);
    let tags = tag.and_then(|tag| Tags::parse(std::iter::once(tag.as_str())).ok());
    let version = tags.and_then(|tags| tags.versions().next().cloned());
    if version.is_none() {
        let problem = "is not an ETag as `sms-stage get` prints it or the API returns it.";
        problems.0.push(format!("{ETAG}: {problem}"));
    }
    version
}

/// Returns the stage of a patch that has every field.
fn assembled(uuid: Uuid, patch: &Patch, flows: Vec<ServerFields>) -> Stage {
    let mut stage = apply::applied(Stage::new(uuid), patch);
    let patches = patch.flow_set.iter().flatten();
    let flows = patches.zip(flows).map(|(patch, fields)| fields.flow(patch)).collect();
    stage.set(Field::FLOW_SET, Some(FieldValue::Flows(flows)));
    stage
}
