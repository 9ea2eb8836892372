//! The expected result of each fault of a creation or a deletion: the answer's status, and what is
//! left in the table.

use super::{
    super::injection::{ALWAYS, ANSWER_LOST, Extent, Fault, NOT_SENT, ONCE, OVERTAKEN},
    request::{CREATED, Lifetime, Other, THEIRS},
};
use crate::harness::{Key, Kind, STAGE, Snapshot, check_invariants, document, revision};

/// What is left in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing has changed.
    Same,
    /// There is one new stage, created by the request.
    Ours,
    /// There is one new stage, created by another client.
    Theirs,
    /// The stage is deleted.
    Gone,
    /// The stage is deleted, and another client's new stage has its name.
    Reused,
    /// The stage exists, with another client's change.
    Changed,
}

impl Left {
    /// Compares the table with this expectation.
    pub fn check(self, before: &Snapshot, after: &Snapshot) -> Result<(), String> {
        check_invariants(after)?;
        let rows = |snapshot: &Snapshot| {
            let mut rows = snapshot.clone();
            rows.retain(|key, _| ![Kind::Stage, Kind::Name].contains(&key.kind));
            rows
        };
        let key = Key::stage(STAGE);
        let is_kept = |other: &Key| before.get(other) == after.get(other);
        let old_stages = before.keys().filter(|other| other.kind == Kind::Stage && **other != key);
        if rows(before) != rows(after) || !old_stages.into_iter().all(is_kept) {
            return Err("another item has changed".to_owned());
        }
        let new: Vec<_> = after
            .iter()
            .filter(|(key, _)| key.kind == Kind::Stage && !before.contains_key(*key))
            .map(|(_, item)| (document(item)["from_number"].clone(), revision(item)))
            .collect();
        let stage = after.get(&key);
        let is_changed = stage.is_some_and(|stage| document(stage)["from_number"] == THEIRS);
        let is_right = match self {
            Self::Same => after == before,
            Self::Ours => is_kept(&key) && new == [(CREATED.into(), 1)],
            Self::Theirs => is_kept(&key) && new == [(THEIRS.into(), 1)],
            Self::Gone => stage.is_none() && new.is_empty(),
            Self::Reused => stage.is_none() && new == [(THEIRS.into(), 1)],
            Self::Changed => is_changed && new.is_empty(),
        };
        if is_right {
            Ok(())
        } else {
            Err(format!("not {self:?}: new stages {new:?}, the stage {stage:?}"))
        }
    }
}

/// The outcome of a group of faults.
pub struct Row {
    /// The faults.
    pub faults: &'static [Fault],
    /// How long they last.
    pub extent: Extent,
    /// The other clients.
    pub others: &'static [Other],
    /// The outcome of the fault at a call before the last one, which only reads.
    pub earlier_call: (u16, Left),
    /// The outcome of the fault at the last call, which writes.
    pub last_call: (u16, Left),
}

const fn row(
    faults: &'static [Fault],
    extent: Extent,
    others: &'static [Other],
    earlier_call: (u16, Left),
    last_call: (u16, Left),
) -> Row {
    Row { faults, extent, others, earlier_call, last_call }
}

const ALONE: &[Other] = &[Other::None];
const CLAIMERS: &[Other] = &[Other::TakesName];
const DELETERS: &[Other] = &[Other::Deletes];
const WRITERS: &[Other] = &[Other::Changes, Other::Renames];

#[rustfmt::skip]
const CREATIONS: &[Row] = &[
    //  faults       extent    others    at an earlier call     at the last call
    row(NOT_SENT,    ONCE,     ALONE,    (201, Left::Ours),     (201, Left::Ours)),
    row(NOT_SENT,    ALWAYS,   ALONE,    (503, Left::Same),     (503, Left::Same)),
    row(ANSWER_LOST, ONCE,     ALONE,    (201, Left::Ours),     (201, Left::Ours)),
    row(ANSWER_LOST, ALWAYS,   ALONE,    (503, Left::Same),     (503, Left::Ours)),
    row(ANSWER_LOST, ONCE,     CLAIMERS, (400, Left::Theirs),   (201, Left::Ours)),
    row(ANSWER_LOST, ALWAYS,   CLAIMERS, (503, Left::Theirs),   (503, Left::Ours)),
    row(ANSWER_LOST, ONCE,     DELETERS, (201, Left::Ours),     (201, Left::Same)),
    row(ANSWER_LOST, ALWAYS,   DELETERS, (503, Left::Same),     (503, Left::Same)),
    row(OVERTAKEN,   ONCE,     CLAIMERS, (400, Left::Theirs),   (400, Left::Theirs)),
];

#[rustfmt::skip]
const DELETIONS: &[Row] = &[
    //  faults       extent    others    at an earlier call     at the last call
    row(NOT_SENT,    ONCE,     ALONE,    (204, Left::Gone),     (204, Left::Gone)),
    row(NOT_SENT,    ALWAYS,   ALONE,    (503, Left::Same),     (503, Left::Same)),
    row(ANSWER_LOST, ONCE,     ALONE,    (204, Left::Gone),     (204, Left::Gone)),
    row(ANSWER_LOST, ALWAYS,   ALONE,    (503, Left::Same),     (503, Left::Gone)),
    row(ANSWER_LOST, ONCE,     WRITERS,  (204, Left::Gone),     (204, Left::Gone)),
    row(ANSWER_LOST, ALWAYS,   WRITERS,  (503, Left::Changed),  (503, Left::Gone)),
    row(ANSWER_LOST, ONCE,     DELETERS, (404, Left::Gone),     (204, Left::Gone)),
    row(ANSWER_LOST, ALWAYS,   DELETERS, (503, Left::Gone),     (503, Left::Gone)),
    row(ANSWER_LOST, ONCE,     CLAIMERS, (204, Left::Gone),     (204, Left::Reused)),
    row(ANSWER_LOST, ALWAYS,   CLAIMERS, (503, Left::Same),     (503, Left::Reused)),
    row(OVERTAKEN,   ONCE,     WRITERS,  (204, Left::Gone),     (204, Left::Gone)),
    row(OVERTAKEN,   ONCE,     DELETERS, (404, Left::Gone),     (404, Left::Gone)),
    row(OVERTAKEN,   ONCE,     CLAIMERS, (204, Left::Gone),     (204, Left::Gone)),
];

#[rustfmt::skip]
const DELETIONS_WITH_IF_MATCH: &[Row] = &[
    //  faults       extent    others    at an earlier call     at the last call
    row(NOT_SENT,    ONCE,     ALONE,    (204, Left::Gone),     (204, Left::Gone)),
    row(NOT_SENT,    ALWAYS,   ALONE,    (503, Left::Same),     (503, Left::Same)),
    row(ANSWER_LOST, ONCE,     ALONE,    (204, Left::Gone),     (204, Left::Gone)),
    row(ANSWER_LOST, ALWAYS,   ALONE,    (503, Left::Same),     (503, Left::Gone)),
    row(ANSWER_LOST, ONCE,     WRITERS,  (412, Left::Changed),  (204, Left::Gone)),
    row(ANSWER_LOST, ALWAYS,   WRITERS,  (503, Left::Changed),  (503, Left::Gone)),
    row(ANSWER_LOST, ONCE,     DELETERS, (404, Left::Gone),     (204, Left::Gone)),
    row(ANSWER_LOST, ONCE,     CLAIMERS, (204, Left::Gone),     (204, Left::Reused)),
    row(OVERTAKEN,   ONCE,     WRITERS,  (412, Left::Changed),  (412, Left::Changed)),
    row(OVERTAKEN,   ONCE,     DELETERS, (404, Left::Gone),     (404, Left::Gone)),
];

/// The outcomes of a request's faults.
pub fn rows(lifetime: Lifetime) -> &'static [Row] {
    match lifetime {
        Lifetime::Creation | Lifetime::CreationWithReferences => CREATIONS,
        Lifetime::Deletion => DELETIONS,
        Lifetime::DeletionWithIfMatch => DELETIONS_WITH_IF_MATCH,
    }
}
