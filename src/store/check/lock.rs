//! Locks of names: whether one fits its stages, and how it is mended.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::store::{
    error::StoreError,
    item::{self, Item, SCHEMA, STAGE_UUID, Unreadable, text},
    key::{ID, Key, Kind},
    retry,
    session::Session,
    transaction::{Outcome, Transaction},
};

/// Readings of a lock and its stages, until two in a row show the same lock.
const READS_MAX: u32 = 4;
/// Tries to mend a lock.
const TRIES_MAX: u32 = 4;

/// A lock that did not fit its stages when the table was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suspect {
    /// The lock's sort key.
    pub id: String,
    /// The stages that had the name.
    pub stages: BTreeSet<Uuid>,
    /// Whether there is a stage whose name cannot be read.
    pub has_nameless: bool,
}

/// A lock that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFinding {
    /// The lock's sort key.
    pub id: String,
    /// The name, where a stage or the lock tells it.
    pub name: Option<String>,
    /// What is wrong.
    pub fault: LockFault,
    /// Whether it can be mended while the function is at work.
    pub is_mendable: bool,
    suspect: Suspect,
}

/// What is wrong with a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockFault {
    /// The stage has the name, and the name has no lock.
    Missing(Uuid),
    /// The lock cannot be read.
    Unreadable(Unreadable),
    /// The lock is for a stage that is not there.
    NoStage(Uuid),
    /// The lock is for a stage that has another name.
    OtherName(Uuid),
    /// The lock is for the first stage, and the second has the name.
    WrongOwner(Uuid, Uuid),
    /// Several stages have the name.
    Shared(Vec<Uuid>),
}

/// What became of a lock that was to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Mended {
    /// It is mended.
    Done,
    /// It fits its stages by now.
    NotNeeded,
    /// An operator has to decide.
    NotPossible,
    /// Other writers came first, every time.
    Conflict,
}

/// What mends a lock.
enum Repair {
    /// Taking it out.
    Free,
    /// Making it the lock of this stage.
    Give(Uuid),
}

/// A lock and all stages that may have to do with it, as they are.
struct View {
    id: String,
    lock: Option<Item>,
    stages: BTreeMap<Uuid, Option<Item>>,
}

/// The name of a stage's item, also of one that cannot be read. A stage that a newer version of this
/// program wrote counts as one without: how its name is locked is not known here.
pub(super) fn name_of(item: &Item) -> Option<&str> {
    match (item.get("name"), item.get(SCHEMA)) {
        (_, Some(AttributeValue::N(schema))) if schema != "1" => None,
        (Some(AttributeValue::S(name)), _) => Some(name),
        _ => None,
    }
}

/// Reads a lock: its owner.
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

    /// What is wrong, and what mends it.
    fn judge(&self, has_nameless: bool) -> Option<(LockFault, Option<Repair>)> {
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
                (LockFault::Unreadable(why), (!has_nameless).then_some(Repair::Free))
            }
            (Some(Ok(owner)), [stage]) if owner == *stage => return None,
            (Some(Ok(owner)), claimants) => self.judge_owner(owner, claimants.first().copied())?,
        })
    }

    /// A lock whose owner does not have the name.
    fn judge_owner(
        &self,
        owner: Uuid,
        claimant: Option<Uuid>,
    ) -> Option<(LockFault, Option<Repair>)> {
        let item = self.stages.get(&owner).and_then(Option::as_ref);
        let fault = match (item, claimant) {
            // What its name is cannot be told; that it cannot be read is a finding of its own.
            (Some(item), _) if name_of(item).is_none() => return None,
            (_, Some(stage)) => LockFault::WrongOwner(owner, stage),
            (None, None) => LockFault::NoStage(owner),
            (Some(_), None) => LockFault::OtherName(owner),
        };
        Some((fault, Some(claimant.map_or(Repair::Free, Repair::Give))))
    }
}

impl Session<'_> {
    /// Looks at a suspicion again; what is wrong, if it still is.
    pub(super) async fn confirm(
        &self,
        suspect: Suspect,
    ) -> Result<Option<LockFinding>, StoreError> {
        let view = self.view(&suspect).await?;
        Ok(view.judge(suspect.has_nameless).map(|(fault, repair)| LockFinding {
            id: suspect.id.clone(),
            name: view.name(),
            fault,
            is_mendable: repair.is_some(),
            suspect,
        }))
    }

    /// Reads a lock and its stages, in between two readings of the lock that show the same: renaming,
    /// creating and deleting a stage change its lock.
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

    /// Mends a lock, on the condition that it and its stages are as they were read just before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn mend(&self, finding: &LockFinding) -> Result<Mended, StoreError> {
        for attempt in 1..=TRIES_MAX {
            let view = self.view(&finding.suspect).await?;
            let repair = match view.judge(finding.suspect.has_nameless) {
                // By an attempt whose answer was lost, if there was one; else by another writer.
                None if self.is_certain() => return Ok(Mended::NotNeeded),
                None => return Ok(Mended::Done),
                Some((_, None)) => return Ok(Mended::NotPossible),
                Some((_, Some(repair))) => repair,
            };
            if self.apply(&view, &repair, attempt).await? {
                return Ok(Mended::Done);
            }
            retry::pause(attempt).await;
        }
        self.unless_lost(Mended::Conflict)
    }
}
