//! What one pass over the table shows, item by item.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use uuid::Uuid;

use super::{
    finding::Finding,
    lock::{self, Suspect},
};
use crate::{
    access::token::TokenHash,
    stage::{
        field::{Field, Kind as FieldKind, Row},
        stage::Stage,
    },
    store::{
        admin::UnreadableItem,
        item::{self, Item},
        key::{ID, Key, Kind},
        schema::Unreadable,
    },
};

/// What was read so far.
#[derive(Default)]
pub(super) struct Scan {
    /// The stages that have a name, by the sort key of the name's lock.
    claims: BTreeMap<String, BTreeSet<Uuid>>,
    /// The owners of locks; `None` for a lock that cannot be read.
    locks: BTreeMap<String, Option<Uuid>>,
    /// The stages' references: stage, field, row.
    references: Vec<(Uuid, Field, Uuid)>,
    flows: HashSet<Uuid>,
    mappings: HashSet<Uuid>,
    /// Whether there is a stage whose name cannot be read, so that any lock may belong to it.
    has_unreadable_name: bool,
    findings: Vec<Finding>,
}

impl Scan {
    pub(super) fn add(&mut self, kind: Kind, id: String, item: Item) {
        let read = match kind {
            Kind::Stage => self.add_stage(&id, item),
            Kind::Name => {
                let owner = lock::read(&id, &item).ok();
                self.locks.insert(id, owner);
                return;
            }
            Kind::Flow => uuid(&id).and_then(|flow| {
                self.flows.insert(flow);
                item::read_flow_row(item).map(|_| ())
            }),
            Kind::Mapping => uuid(&id).and_then(|mapping| {
                self.mappings.insert(mapping);
                item::read_name(item).map(|_| ())
            }),
            Kind::Token => self.add_token(&id, item),
        };
        if let Err(why) = read {
            let key = Key { kind, id };
            self.findings.push(Finding::Unreadable(UnreadableItem { key, why }));
        }
    }

    fn add_stage(&mut self, id: &str, item: Item) -> Result<(), Unreadable> {
        let stage = uuid(id).inspect_err(|_| self.has_unreadable_name = true)?;
        match lock::name_of(&item) {
            Some(name) => {
                self.claims.entry(Key::name(name).id).or_default().insert(stage);
            }
            None => self.has_unreadable_name = true,
        }
        self.add_references(&item::read_stage(item)?.stage);
        Ok(())
    }

    fn add_references(&mut self, stage: &Stage) {
        for field in Field::all() {
            let is_own = |row| field == Field::CONFIGURE_FLOW && stage.has_flow(row);
            if let Some(row) = stage.reference(field).filter(|row| !is_own(*row)) {
                self.references.push((stage.uuid, field, row));
            }
        }
    }

    fn add_token(&mut self, id: &str, item: Item) -> Result<(), Unreadable> {
        TokenHash::parse(id).ok_or(Unreadable::Attribute(ID))?;
        if let Some(token) = item::read_token(item)?.filter(|token| token.has_expired()) {
            let expired = token.expires.unwrap_or_default();
            self.findings.push(Finding::ExpiredToken { id: id.to_owned(), expired });
        }
        Ok(())
    }

    /// The locks that do not match their stages.
    pub(super) fn suspects(&self) -> Vec<Suspect> {
        let ids: BTreeSet<_> = self.claims.keys().chain(self.locks.keys()).collect();
        let none = BTreeSet::new();
        let suspects = ids.into_iter().filter_map(|id| {
            let claims = self.claims.get(id).unwrap_or(&none);
            let owner = self.locks.get(id).copied().flatten();
            let fits = claims.len() == 1 && claims.first().copied() == owner;
            (!fits).then(|| Suspect {
                id: id.clone(),
                stages: claims.clone(),
                has_unreadable_name: self.has_unreadable_name,
            })
        });
        suspects.collect()
    }

    /// All findings except those about locks.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        for (stage, field, row) in &self.references {
            let rows = match field.spec().kind {
                FieldKind::Reference(Row::Mapping) => &self.mappings,
                _ => &self.flows,
            };
            if !rows.contains(row) {
                let (stage, field, row) = (*stage, *field, *row);
                self.findings.push(Finding::DanglingReference { stage, field, row });
            }
        }
        self.findings
    }
}

/// Reads a UUID in the function's spelling: it never reads a sort key with another one.
fn uuid(id: &str) -> Result<Uuid, Unreadable> {
    let uuid = Uuid::try_parse(id).ok().filter(|uuid| uuid.to_string() == id);
    uuid.ok_or(Unreadable::Attribute(ID))
}
