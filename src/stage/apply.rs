//! Applies a patch to a stage: pure, and so the same in every attempt.

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

/// A complete change: the new stage, and what must hold for it.
#[derive(Debug)]
pub struct Transition {
    /// The new stage.
    pub stage: Stage,
    /// The fields that are written.
    pub fields: BTreeSet<Field>,
    /// Whether the stage's name changes.
    pub renames: bool,
    /// The new references, each of which must have a row.
    pub new_references: Vec<(Field, Uuid)>,
    /// The flow that the stage still refers to, although it is no longer in `flow_set`: the
    /// reference may stay only if the flow has a row.
    pub kept_flow: Option<Uuid>,
    /// The flow to which the stage no longer refers, because it had no row. It must still have none.
    pub cleared_flow: Option<Uuid>,
}

impl Transition {
    /// Applies the patch.
    ///
    /// `missing_flow` is a flow that had no row in an earlier attempt: if the stage refers to it
    /// only because it did before, the reference is cleared, as by the model's SET_NULL.
    ///
    /// # Errors
    ///
    /// The problems found without the table: a secret that would be sent to a new address, a
    /// document that is too large for the triggers.
    pub fn new(old: &Stage, patch: &Patch, missing_flow: Option<Uuid>) -> Result<Self, Problems> {
        refuse_redirected_secrets(old, patch)?;
        let mut stage = applied(old.clone(), patch);
        let mut fields: BTreeSet<Field> = patch.fields().collect();
        let references = new_references(old, &stage).into_iter();
        // A reference that is not in the patch is the one to a flow that leaves `flow_set`.
        let (new_references, kept): (Vec<_>, Vec<_>) =
            references.partition(|(field, _)| patch.contains(*field));
        let kept_flow = kept.first().map(|(_, flow)| *flow);
        let (cleared_flow, kept_flow): (Option<_>, Option<_>) =
            if kept_flow == missing_flow { (kept_flow, None) } else { (None, kept_flow) };
        if cleared_flow.is_some() {
            stage.set(Field::CONFIGURE_FLOW, None);
            fields.insert(Field::CONFIGURE_FLOW);
        }
        if size::document_bytes(&stage) > DOCUMENT_BYTES_MAX {
            return Err(size::too_large(&stage, patch.fields()));
        }
        let renames = stage.name() != old.name();
        Ok(Self { stage, fields, renames, new_references, kept_flow, cleared_flow })
    }

    /// Whether a second item is involved, which requires a transaction.
    #[must_use]
    pub fn needs_transaction(&self) -> bool {
        self.renames
            || !self.new_references.is_empty()
            || self.kept_flow.is_some()
            || self.cleared_flow.is_some()
    }
}

/// Applies the patch to the stage, without looking anything up.
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

/// The references of the new stage that must have a row: those that the old one did not have. A
/// flow needs no row as long as it is in the stage's `flow_set`.
#[must_use]
pub fn new_references(old: &Stage, stage: &Stage) -> Vec<(Field, Uuid)> {
    let references = Field::all().filter_map(|field| Some((field, stage.reference(field)?)));
    let is_new = |(field, row): &(Field, Uuid)| {
        let is_other = old.reference(*field) != Some(*row);
        match *field {
            Field::CONFIGURE_FLOW => !stage.has_flow(*row) && (is_other || old.has_flow(*row)),
            _ => is_other,
        }
    };
    references.filter(is_new).collect()
}

/// Refuses a new address that is sent without all of the stored secrets, if they are guarded.
fn refuse_redirected_secrets(old: &Stage, patch: &Patch) -> Result<(), Problems> {
    if !patch.guards_secrets || !moves(old, patch) {
        return Ok(());
    }
    let missing = old
        .secrets()
        .filter(|(field, secret)| !secret.reveal().is_empty() && !patch.contains(*field))
        .map(|(field, _)| (field, FieldProblems::Field(vec![Problem::SecretNotSent])));
    let missing: BTreeMap<_, _> = missing.collect();
    if missing.is_empty() { Ok(()) } else { Err(Problems::Fields(missing)) }
}

/// Whether the stage's secrets would be sent to a different address.
fn moves(old: &Stage, patch: &Patch) -> bool {
    [Field::PROVIDER, Field::ACCOUNT_SID]
        .into_iter()
        .any(|field| patch.text(field).is_some_and(|text| text != old.text(field)))
}
