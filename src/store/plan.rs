//! What a stage will be, computed from what it is: pure, and so the same in every attempt.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{
    Secrets,
    item::{ITEM_BYTES_MAX, Stored},
};
use crate::{
    flow::{Flow, FlowChange},
    patch::{Change, StagePatch},
    stage::Stage,
    validation::{Field, Problem, Reference, ValidationError},
};

/// What earlier attempts of the same write found gone.
#[derive(Debug, Default)]
pub(super) struct Vanished {
    /// A flow that no row has and that leaves with the old `flow_set`.
    pub(super) flow: Option<Uuid>,
}

/// A change worked out in full.
#[derive(Debug)]
pub(super) struct Plan<'p> {
    /// The stage as it will be.
    pub(super) stage: Stage,
    /// The fields that are written.
    pub(super) fields: BTreeSet<Field>,
    /// The name that the stage gives up, if it takes another.
    pub(super) old_name: Option<&'p str>,
    /// The flow that the stage newly refers to and that must have a row.
    pub(super) new_flow: Option<&'p Reference>,
    /// The flow that the stage still refers to, although it is no longer in `flow_set`: it may stay
    /// only if it has a row.
    pub(super) kept_flow: Option<Uuid>,
    /// The mapping that the stage newly refers to and that must have a row.
    pub(super) new_mapping: Option<&'p Reference>,
}

impl<'p> Plan<'p> {
    /// Applies the patch to what was read.
    ///
    /// # Errors
    ///
    /// What can be told without asking the table again: a text larger than an item, a secret that
    /// would go to a new address.
    pub(super) fn new(
        seen: &'p Stored,
        patch: &'p StagePatch,
        vanished: &Vanished,
        secrets: Secrets,
    ) -> Result<Self, ValidationError> {
        let old = &seen.stage;
        if oversized_text(patch).is_some() {
            return Err(too_large(patch));
        }
        if let Some(field) = redirects_secret(old, patch, secrets) {
            return Err((field, Problem::SecretNotSent).into());
        }
        let mut stage = applied(old, patch);
        let mut fields: BTreeSet<Field> = patch.fields().collect();
        let flow_changes = stage.configure_flow != old.configure_flow;
        let is_in = |flows: &[Flow], flow| flows.iter().any(|known| known.pk == flow);
        let new_flow = (patch.configure_flow.set())
            .filter(|flow| flow_changes && !is_in(&stage.flow_set, flow.uuid));
        let mut kept_flow = old.configure_flow.filter(|flow| {
            !flow_changes && is_in(&old.flow_set, *flow) && !is_in(&stage.flow_set, *flow)
        });
        if kept_flow.is_some() && kept_flow == vanished.flow {
            // As the model's SET_NULL does when the flow that it points to is deleted.
            stage.configure_flow = None;
            fields.insert(Field::ConfigureFlow);
            kept_flow = None;
        }
        Ok(Self {
            old_name: (stage.name != old.name).then_some(&*old.name),
            new_mapping: (patch.mapping.set()).filter(|_| stage.mapping != old.mapping),
            new_flow,
            kept_flow,
            stage,
            fields,
        })
    }

    /// Whether a second item is involved, so that it takes a transaction.
    pub(super) fn needs_transaction(&self) -> bool {
        self.old_name.is_some()
            || self.new_flow.is_some()
            || self.kept_flow.is_some()
            || self.new_mapping.is_some()
    }
}

/// The stage with the patch applied to it, before anything is looked up.
fn applied(old: &Stage, patch: &StagePatch) -> Stage {
    let reference = |change: &Change<Reference>, old| match change {
        Change::Keep => old,
        Change::Clear => None,
        Change::Set(reference) => Some(reference.uuid),
    };
    Stage {
        stage_uuid: old.stage_uuid,
        name: patch.name.clone().unwrap_or_else(|| old.name.clone()),
        flow_set: flow_set_after(&old.flow_set, patch.flow_set.as_deref()),
        configure_flow: reference(&patch.configure_flow, old.configure_flow),
        friendly_name: match &patch.friendly_name {
            Change::Keep => old.friendly_name.clone(),
            Change::Clear => None,
            Change::Set(name) => Some(name.clone()),
        },
        provider: patch.provider.unwrap_or(old.provider),
        from_number: patch.from_number.clone().unwrap_or_else(|| old.from_number.clone()),
        account_sid: patch.account_sid.clone().unwrap_or_else(|| old.account_sid.clone()),
        auth: patch.auth.clone().unwrap_or_else(|| old.auth.clone()),
        auth_password: patch.auth_password.clone().unwrap_or_else(|| old.auth_password.clone()),
        auth_type: patch.auth_type.unwrap_or(old.auth_type),
        verify_only: patch.verify_only.unwrap_or(old.verify_only),
        mapping: reference(&patch.mapping, old.mapping),
    }
}

fn flow_set_after(old: &[Flow], sent: Option<&[FlowChange]>) -> Vec<Flow> {
    let Some(sent) = sent else {
        return old.to_vec();
    };
    // Looked up by slug, so that a thousand flows cost a thousand steps, not a million.
    let known: HashMap<&str, &Flow> = old.iter().map(|flow| (&*flow.slug, flow)).collect();
    let fresh = || (Uuid::new_v4(), Uuid::new_v4());
    sent.iter().map(|change| change.apply(known.get(&*change.slug).copied(), fresh)).collect()
}

/// Whether `configure_flow` may name this flow without a row for it: it names it already, or the
/// flow is one of the stage's own as they will be.
pub(super) fn knows_flow(seen: &Stored, patch: &StagePatch, flow: Uuid) -> bool {
    seen.stage.configure_flow == Some(flow)
        || flow_set_after(&seen.stage.flow_set, patch.flow_set.as_deref())
            .iter()
            .any(|known| known.pk == flow)
}

/// The first field, if any, by which the stored secret would be sent to a new address.
fn redirects_secret(old: &Stage, patch: &StagePatch, secrets: Secrets) -> Option<Field> {
    if secrets == Secrets::Echo || patch.auth.is_some() {
        return None;
    }
    if patch.provider.is_some_and(|provider| provider != old.provider) {
        return Some(Field::Provider);
    }
    if patch.account_sid.as_ref().is_some_and(|sid| *sid != old.account_sid) {
        return Some(Field::AccountSid);
    }
    None
}

/// The texts that the patch sets, with their fields.
fn texts(patch: &StagePatch) -> impl Iterator<Item = (Field, &str)> {
    [
        (Field::Name, patch.name.as_deref()),
        (Field::FriendlyName, patch.friendly_name.set().map(String::as_str)),
        (Field::FromNumber, patch.from_number.as_deref()),
        (Field::AccountSid, patch.account_sid.as_deref()),
        (Field::Auth, patch.auth.as_ref().map(|secret| secret.reveal())),
        (Field::AuthPassword, patch.auth_password.as_ref().map(|secret| secret.reveal())),
    ]
    .into_iter()
    .filter_map(|(field, text)| text.map(|text| (field, text)))
}

/// How many bytes of text the patch sets, `flow_set` not counted.
pub(super) fn text_bytes(patch: &StagePatch) -> usize {
    texts(patch).map(|(_, text)| text.len()).sum()
}

/// The field whose text alone is larger than an item, if there is one.
fn oversized_text(patch: &StagePatch) -> Option<Field> {
    texts(patch).find(|(_, text)| text.len() > ITEM_BYTES_MAX).map(|(field, _)| field)
}

/// Names the field that made the item too large: `flow_set`, which grows without a limit of its
/// own, unless the patch has none; then its longest text.
pub(super) fn too_large(patch: &StagePatch) -> ValidationError {
    let longest = || texts(patch).max_by_key(|(_, text)| text.len()).map(|(field, _)| field);
    let field = match (oversized_text(patch), &patch.flow_set) {
        (Some(field), _) => field,
        (None, Some(_)) => Field::FlowSet,
        (None, None) => longest().unwrap_or(Field::FlowSet),
    };
    (field, Problem::TooLarge).into()
}
