//! What a patch makes of a stage: pure, and so the same in every attempt.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::{
    field::Field,
    flow::{Flow, FlowPatch},
    patch::Patch,
    problem::{FieldProblems, Problem, Problems},
    size::{self, DOCUMENT_BYTES_MAX},
    stage::Stage,
    value::{Change, Value},
};

/// A change worked out in full: the new stage, and what has to hold for it.
#[derive(Debug)]
pub struct Transition {
    /// The stage as it will be.
    pub stage: Stage,
    /// The fields that are written.
    pub fields: BTreeSet<Field>,
    /// Whether the stage takes another name.
    pub renames: bool,
    /// The references that the stage takes on, each of which must have a row.
    pub new_references: Vec<(Field, Uuid)>,
    /// The flow that the stage still refers to, although it is no longer in `flow_set`: it may stay
    /// only if it has a row.
    pub kept_flow: Option<Uuid>,
}

impl Transition {
    /// Applies the patch.
    ///
    /// `missing_flow` is a flow that an earlier attempt found to have no row: if the stage refers to
    /// it only because it did before, the reference is cleared, as the model's SET_NULL does.
    ///
    /// # Errors
    ///
    /// What can be told without the table: a secret that would go to a new address, a document that
    /// no trigger could carry.
    pub fn new(old: &Stage, patch: &Patch, missing_flow: Option<Uuid>) -> Result<Self, Problems> {
        refuse_redirected_secrets(old, patch)?;
        let mut stage = applied(old.clone(), patch);
        let mut fields: BTreeSet<Field> = patch.fields().collect();
        let mut new_references = Vec::new();
        let mut kept_flow = None;
        let leaves = |flow: Uuid| old.has_flow(flow) && !stage.has_flow(flow);
        match (patch.change(Field::CONFIGURE_FLOW), stage.reference(Field::CONFIGURE_FLOW)) {
            (Change::Set(_), Some(flow)) => {
                let is_old = old.reference(Field::CONFIGURE_FLOW) == Some(flow);
                if leaves(flow) || (!is_old && !stage.has_flow(flow)) {
                    new_references.push((Field::CONFIGURE_FLOW, flow));
                }
            }
            (Change::Keep, Some(flow)) if leaves(flow) => kept_flow = Some(flow),
            (Change::Keep | Change::Clear | Change::Set(_), _) => {}
        }
        if kept_flow.is_some() && kept_flow == missing_flow {
            stage.set(Field::CONFIGURE_FLOW, None);
            fields.insert(Field::CONFIGURE_FLOW);
            kept_flow = None;
        }
        if let Some(mapping) = stage.reference(Field::MAPPING)
            && old.reference(Field::MAPPING) != Some(mapping)
        {
            new_references.push((Field::MAPPING, mapping));
        }
        if size::document_bytes(&stage) > DOCUMENT_BYTES_MAX {
            return Err((size::largest_field(&stage, patch), Problem::TooLarge).into());
        }
        let renames = stage.name() != old.name();
        Ok(Self { stage, fields, renames, new_references, kept_flow })
    }

    /// Whether a second item is involved, so that it takes a transaction.
    #[must_use]
    pub fn needs_transaction(&self) -> bool {
        self.renames || !self.new_references.is_empty() || self.kept_flow.is_some()
    }
}

/// The stage with the patch applied to it, before anything is looked up.
#[must_use]
pub fn applied(mut stage: Stage, patch: &Patch) -> Stage {
    for field in Field::all() {
        match patch.change(field) {
            Change::Keep => {}
            Change::Clear => stage.set(field, None),
            Change::Set(value) => stage.set(field, Some(value.clone())),
        }
    }
    if let Some(sent) = &patch.flow_set {
        let flows = flow_set_after(stage.flow_set(), sent);
        stage.set(Field::FLOW_SET, Some(Value::Flows(flows)));
    }
    stage
}

fn flow_set_after(old: &[Flow], sent: &[FlowPatch]) -> Vec<Flow> {
    // Looked up by slug, so that a thousand flows cost a thousand steps, not a million.
    let known: HashMap<&str, &Flow> = old.iter().map(|flow| (flow.slug(), flow)).collect();
    sent.iter().map(|flow| flow.apply(known.get(flow.slug()).copied())).collect()
}

/// Whether `configure_flow` may name this flow although no row has it: it names it already, or it is
/// one of the stage's own flows, before and after the change.
#[must_use]
pub fn knows_flow(old: &Stage, patch: &Patch, flow: Uuid) -> bool {
    let stays = match &patch.flow_set {
        None => old.has_flow(flow),
        Some(sent) => old
            .flow_set()
            .iter()
            .any(|own| own.pk == flow && sent.iter().any(|sent| sent.slug() == own.slug())),
    };
    stays || (old.reference(Field::CONFIGURE_FLOW) == Some(flow) && !old.has_flow(flow))
}

/// Refuses a new address that comes without all of the stored secrets, where they are guarded.
fn refuse_redirected_secrets(old: &Stage, patch: &Patch) -> Result<(), Problems> {
    if !patch.guards_secrets || !moves(old, patch) {
        return Ok(());
    }
    let missing = old
        .secrets()
        .filter(|(field, secret)| !secret.reveal().is_empty() && !patch.names(*field))
        .map(|(field, _)| (field, FieldProblems::Field(vec![Problem::SecretNotSent])));
    let missing: BTreeMap<_, _> = missing.collect();
    if missing.is_empty() { Ok(()) } else { Err(Problems::Fields(missing)) }
}

/// Whether the stage's secrets would be sent to another address than before.
fn moves(old: &Stage, patch: &Patch) -> bool {
    [Field::PROVIDER, Field::ACCOUNT_SID]
        .into_iter()
        .any(|field| patch.text(field).is_some_and(|text| text != old.text(field)))
}
