//! Locks of names: checks whether they match their stages, and repairs them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::store::{
    error::StoreError,
    item::{self, Item, STAGE_UUID, text},
    key::{ID, Key, Kind},
    retry,
    schema::{SCHEMA, SCHEMA_VERSION, Unreadable},
    session::Session,
    transaction::{Outcome, Transaction},
};

/// Maximum reads of a lock and its stages, until two in a row show the same lock.
const READS_MAX: u32 = 4;
/// Maximum tries to repair a lock.
const REPAIR_TRIES_MAX: u32 = 4;

/// A lock that did not match its stages when the table was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suspect {
    /// The lock's sort key.
    pub id: String,
    /// The stages that had the name.
    pub stages: BTreeSet<Uuid>,
    /// Whether there is a stage whose name cannot be read.
    pub has_unreadable_name: bool,
}

/// A lock with a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFinding {
    /// The lock's sort key.
    pub id: String,
    /// The name, if a stage or the lock contains it.
    pub name: Option<String>,
    /// What is wrong.
    pub fault: LockFault,
    /// Whether it can be repaired while the function is running.
    pub is_repairable: bool,
    suspect: Suspect,
}

/// What is wrong with a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockFault {
    /// The stage has the name, but the name has no lock.
    Missing(Uuid),
    /// The lock cannot be read.
    Unreadable(Unreadable),
    /// The lock is for a stage that does not exist.
    NoStage(Uuid),
    /// The lock is for a stage that has another name.
    OtherName(Uuid),
    /// The lock is for the first stage, but the second has the name.
    WrongOwner(Uuid, Uuid),
    /// Several stages have the name.
    Shared(Vec<Uuid>),
}

/// The outcome of repairing a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum RepairOutcome {
    /// The lock is repaired.
    Done,
    /// The lock matches its stages now.
    NotNeeded,
    /// An operator has to decide.
    NotPossible,
    /// Other writers came first, every time.
    Conflict,
}

/// How to repair a lock.
enum Repair {
    /// Delete it.
    Free,
    /// Make it the lock of this stage.
    Give(Uuid),
}

/// A lock and all stages that may be related to it, as they were read.
struct View {
    id: String,
    lock: Option<Item>,
    stages: BTreeMap<Uuid, Option<Item>>,
}

/// The name in a stage's item, even in one that cannot be read. A stage that a newer version of
/// this program wrote counts as nameless, because it is not known here how its name is locked.
pub(super) fn name_of(item: &Item) -> Option<&str> {
    match (item.get("name"), item.get(SCHEMA)) {
        (_, Some(AttributeValue::N(schema))) if schema != SCHEMA_VERSION => None,
        (Some(AttributeValue::S(name)), _) => Some(name),
        _ => None,
    }
}

/// Reads the owner of a lock.
pub(super) fn read(id: &str, lock: &Item) -> Result<Uuid, Unreadable> {
    let name = item::read_name(lock.clone())?;
    if Key::name(&name).id != id {
        return Err(Unreadable::Attribute("name"));
    }
    item::read_owner(lock.clone())
}

impl View {
    /// The stages that have the name.
    fn claimants(&self) -> Vec<Uuid> {
        let has_name =
            |item: &Item| name_of(item).is_some_and(|name| Key::name(name).id == self.id);
        let stages = self.stages.iter();
        stages.filter(|(_, item)| item.as_ref().is_some_and(has_name)).map(|(id, _)| *id).collect()
    }

    fn name(&self) -> Option<String> {
        let names = self.stages.values().flatten().chain(&self.lock).filter_map(name_of);
        names.filter(|name| Key::name(name).id == self.id).map(str::to_owned).next()
    }

    /// What is wrong, and how to repair it.
    fn judge(&self, has_unreadable_name: bool) -> Option<(LockFault, Option<Repair>)> {
        let claimants = self.claimants();
        let owner = self.lock.as_ref().map(|lock| read(&self.id, lock));
        Some(match (owner, claimants.as_slice()) {
            (_, [_, _, ..]) => (LockFault::Shared(claimants), None),
            (None, []) => return None,
            (None, [stage]) => (LockFault::Missing(*stage), Some(Repair::Give(*stage))),
            // A newer version of this program wrote it.
            (Some(Err(why @ Unreadable::Schema(Some(_)))), _) => (LockFault::Unreadable(why), None),
            (Some(Err(why)), [stage]) => (LockFault::Unreadable(why), Some(Repair::Give(*stage))),
            (Some(Err(why)), []) => {
                (LockFault::Unreadable(why), (!has_unreadable_name).then_some(Repair::Free))
            }
            (Some(Ok(owner)), [stage]) if owner == *stage => return None,
            (Some(Ok(owner)), claimants) => self.judge_owner(owner, claimants.first().copied())?,
        })
    }

    /// The same for a lock whose owner does not have the name.
    fn judge_owner(
        &self,
        owner: Uuid,
        claimant: Option<Uuid>,
    ) -> Option<(LockFault, Option<Repair>)> {
        let item = self.stages.get(&owner).and_then(Option::as_ref);
        let fault = match (item, claimant) {
            // The owner's name is not known; that it cannot be read is a separate finding.
            (Some(item), _) if name_of(item).is_none() => return None,
            (_, Some(stage)) => LockFault::WrongOwner(owner, stage),
            (None, None) => LockFault::NoStage(owner),
            (Some(_), None) => LockFault::OtherName(owner),
        };
        Some((fault, Some(claimant.map_or(Repair::Free, Repair::Give))))
    }
}

impl Session<'_> {
    /// Checks a suspected lock again; returns its fault, if it still has one.
    pub(super) async fn confirm(
        &self,
        suspect: Suspect,
    ) -> Result<Option<LockFinding>, StoreError> {
        let view = self.view(&suspect).await?;
        Ok(view.judge(suspect.has_unreadable_name).map(|(fault, repair)| LockFinding {
            id: suspect.id.clone(),
            name: view.name(),
            fault,
            is_repairable: repair.is_some(),
            suspect,
        }))
    }

    /// Reads a lock and its stages, until the lock is the same before and after the stages are
    /// read: creating, renaming or deleting a stage changes its lock.
    async fn view(&self, suspect: &Suspect) -> Result<View, StoreError> {
        let key = || Key { kind: Kind::Name, id: suspect.id.clone() };
        let mut lock = self.get(key()).await?;
        let mut stages = BTreeMap::new();
        for attempt in 1..=READS_MAX {
            let owner = lock.as_ref().and_then(|lock| item::read_owner(lock.clone()).ok());
            stages = suspect.stages.iter().copied().chain(owner).map(|id| (id, None)).collect();
            let keys: Vec<_> = stages.keys().copied().map(Key::stage).collect();
            for item in self.get_all(keys.into_iter(), None).await? {
                let id = item.get(ID).and_then(|id| id.as_s().ok());
                if let Some(place) = id.and_then(|id| stages.get_mut(&Uuid::try_parse(id).ok()?)) {
                    *place = Some(item);
                }
            }
            let again = self.get(key()).await?;
            if again == lock {
                break;
            }
            lock = again;
            retry::pause(attempt).await;
        }
        Ok(View { id: suspect.id.clone(), lock, stages })
    }

    async fn apply(&self, view: &View, repair: &Repair, attempt: u32) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new(self);
        for (stage, item) in &view.stages {
            transaction.require_stage_name(Key::stage(*stage), item.as_ref())?;
        }
        match (repair, &view.lock, view.name()) {
            (Repair::Give(stage), lock, Some(name)) => {
                let owner = text(&stage.to_string());
                let new = [("name", text(&name)), (STAGE_UUID, owner)];
                transaction.put_lock(item::item(Key::name(&name), new), lock.as_ref())?;
            }
            (Repair::Free, Some(lock), _) => {
                let key = Key { kind: Kind::Name, id: view.id.clone() };
                transaction.delete_lock(key, lock)?;
            }
            _ => return Ok(false),
        }
        Ok(matches!(transaction.send(self, attempt).await?, Outcome::Done))
    }

    /// Repairs a lock, on the condition that it and its stages are unchanged since they were read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a call to DynamoDB fails.
    pub async fn repair_lock(&self, finding: &LockFinding) -> Result<RepairOutcome, StoreError> {
        for attempt in 1..=REPAIR_TRIES_MAX {
            let view = self.view(&finding.suspect).await?;
            let repair = match view.judge(finding.suspect.has_unreadable_name) {
                // If an attempt's answer was lost, it repaired the lock; else another writer did.
                None if self.is_certain() => return Ok(RepairOutcome::NotNeeded),
                None => return Ok(RepairOutcome::Done),
                Some((_, None)) => return Ok(RepairOutcome::NotPossible),
                Some((_, Some(repair))) => repair,
            };
            if self.apply(&view, &repair, attempt).await? {
                return Ok(RepairOutcome::Done);
            }
            retry::pause(attempt).await;
        }
        self.unless_lost(RepairOutcome::Conflict)
    }
}
