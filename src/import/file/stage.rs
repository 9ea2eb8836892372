//! Reads stages as authentik answers with them.

use std::collections::HashSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    documents::StageDocument,
    flow::{self, ServerFields},
    rules::RULES,
    secrets::GivenSecrets,
    words::{self, Problems},
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

/// What stands for a credential where it is not shown. It is never loaded: it would take the
/// credential's place.
pub const MASK: &str = "[masked; --show-secrets shows it]";

/// The key under which a document tells which version of a stage it was made of.
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
            problems.0.extend(words::spelled_out(&rejected.problems, |_, _| None));
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

/// Puts the secrets into the document that are given beside it, and drops what stands for others
/// that are hidden.
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

/// Whether the document is an answer that hides secrets: one that has to be there is blank, masked
/// or missing. Another's being blank then does not mean that there is none.
fn hides_secrets(fields: &Map<String, Value>) -> bool {
    Field::secrets().any(|field| match fields.get(field.as_str()) {
        None => true,
        Some(Value::String(text)) => text == MASK || (text.is_empty() && !field.spec().blank),
        Some(_) => false,
    })
}

/// Drops what stands for a secret that is hidden, unless it was given beside the file.
fn drop_hidden_secrets(
    problems: &mut Problems,
    fields: &mut Map<String, Value>,
    given: &[&'static str],
) {
    for name in Field::secrets().map(Field::as_str).filter(|name| !given.contains(name)) {
        match fields.get(name).and_then(Value::as_str) {
            Some(MASK) => problems.0.push(format!(
                "{name}: is masked; get the stage with --show-secrets, or give it beside the file \
                 with --secrets."
            )),
            Some("") => {
                fields.swap_remove(name);
            }
            Some(_) | None => {}
        }
    }
}

/// Misses what a request may leave out: a document that does so is no whole answer, and whether the
/// default is meant is not ours to guess.
fn report_missing(problems: &mut Problems, fields: &Map<String, Value>) {
    for field in Field::all().filter(|field| !fields.contains_key(field.as_str())) {
        problems.add("", field.as_str(), &Problem::Required, Some(remedy(field)));
    }
}

/// What to do about a field that a document lacks.
fn remedy(field: Field) -> &'static str {
    match field {
        field if Field::secrets().any(|secret| secret == field) => {
            if field.spec().blank {
                "this answer hides secrets: add it, \"\" where there is none, or give it beside the \
                 file with --secrets"
            } else {
                "this answer hides secrets: add it, as the SMS provider gave it to you, or give it \
                 beside the file with --secrets"
            }
        }
        Field::FLOW_SET => "add it; [] where there are no flows",
        _ => "a whole answer of authentik has it",
    }
}

/// Takes out of each flow what a request does not write.
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

/// The version that the document was made of, with its quotes or without.
fn version(problems: &mut Problems, fields: &mut Map<String, Value>) -> Option<EntityTag> {
    let sent = fields.swap_remove(ETAG).filter(|tag| !tag.is_null())?;
    let quoted = |tag: &str| {
        if tag.contains('"') { tag.to_owned() } else { format!("\"{tag}\"") }
    };
    let tag = sent.as_str().map(quoted);
    let tags = tag.and_then(|tag| Tags::parse(std::iter::once(tag.as_str())).ok());
    let version = tags.and_then(|tags| tags.versions().next().cloned());
    if version.is_none() {
        let problem = "is not an ETag as `sms-stage get` and the API answer with it.";
        problems.0.push(format!("{ETAG}: {problem}"));
    }
    version
}

/// The stage of a patch that names every field.
fn assembled(uuid: Uuid, patch: &Patch, flows: Vec<ServerFields>) -> Stage {
    let mut stage = apply::applied(Stage::new(uuid), patch);
    let patches = patch.flow_set.iter().flatten();
    let flows = patches.zip(flows).map(|(patch, fields)| fields.flow(patch)).collect();
    stage.set(Field::FLOW_SET, Some(FieldValue::Flows(flows)));
    stage
}
