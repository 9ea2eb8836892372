//! The report of a load, for the operator.

use std::fmt;

use super::counts::Loaded;
use crate::{
    import::{file::problem_text, quote::quoted},
    stage::{
        field::Field,
        problem::{Problem, Problems},
        version::Version,
    },
    store::{entity_tag, error::StoreError, schema::Unreadable},
};

/// One document and its outcome.
#[derive(Debug)]
pub struct Entry {
    /// The index of its file among the files that are loaded.
    pub file: usize,
    /// Its kind: `stage`, `flow`, `mapping` or `token`.
    pub kind: &'static str,
    /// Its key; for a token, the first digits of its hash.
    pub id: String,
    /// Its name; for a token, the user's.
    pub name: String,
    /// The write id.
    pub write_id: String,
    /// Whether it is certain that the write was made, or that it was not.
    pub is_certain: bool,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The outcome of a document.
#[derive(Debug)]
pub enum Outcome {
    /// It was put into the table.
    Put,
    /// It was put into the table, and replaced this version.
    Replaced(Version),
    /// Its key was already in the table, and the item was left unchanged.
    Exists,
    /// It is a token that was revoked before, and stays revoked.
    Revoked,
    /// It was not loaded, for this reason.
    Refused(Refusal),
}

/// Why a document was not loaded.
#[derive(Debug)]
pub enum Refusal {
    /// It has problems that only the table reveals.
    Invalid(Problems),
    /// The stage is not the version that the document was made from, but this one, or gone.
    VersionChanged(Option<Version>),
    /// Another writer changed the stage at the same moment.
    Conflict,
    /// The stage in the table does not own the lock of its name, or the lock cannot be read.
    ForeignLock,
    /// The stage in the table cannot be read.
    Unreadable(Unreadable),
    /// A newer version of this program wrote the row in the table.
    NewerSchema,
    /// It is larger than an item can be.
    TooLarge,
    /// The table failed, so that no later document was tried.
    Store(StoreError),
}

/// The document and its outcome.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}): {}", self.kind, self.id, quoted(&self.name), self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put => f.write_str("loaded"),
            Self::Replaced(old) => {
                write!(f, "replaced revision {}, ETag {}", old.revision, entity_tag(old))
            }
            Self::Exists => f.write_str("already in the table and left unchanged"),
            Self::Revoked => f.write_str("was revoked, and stays revoked"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(problems) => {
                f.write_str(&problem_text::problem_lines(problems, remedy).join(" "))
            }
            Self::VersionChanged(Some(there)) => write!(
                f,
                "has changed since the document was made: it is now revision {}, ETag {}; get it \
                 again and repeat the edit, or overwrite it with --force",
                there.revision,
                entity_tag(there)
            ),
            Self::VersionChanged(None) => {
                f.write_str("was deleted after the document was made; restore it with --force")
            }
            Self::Conflict => f.write_str(
                "was changed by another writer at the same moment, and was not overwritten; check \
                 it and load it again",
            ),
            Self::ForeignLock => f.write_str(
                "the stage in the table does not own the lock of its name, or the lock cannot be \
                 read; inspect it with `sms-stage check`",
            ),
            Self::Unreadable(why) => write!(
                f,
                "the stage in the table cannot be read: {why}; inspect it with `sms-stage check`, \
                 or delete it with `sms-stage delete --force`"
            ),
            Self::NewerSchema => f.write_str(
                "a newer version of this program wrote the item in the table; use that version",
            ),
            Self::TooLarge => f.write_str("is larger than the 400 KB that can be stored"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// Returns what to do about a problem that only the table reveals.
fn remedy(field: Field, problem: &Problem) -> Option<&'static str> {
    match (field, problem) {
        (_, Problem::NameTaken) => Some("rename one of the two, or delete the other stage"),
        (Field::CONFIGURE_FLOW, Problem::NoSuchRow(_)) => Some(
            "it is in none of the files and not in the table: also load authentik's answer to \
             GET /flows/instances/, or set the field to null",
        ),
        (Field::MAPPING, Problem::NoSuchRow(_)) => Some(
            "it is in none of the files and not in the table: also load authentik's answer to \
             GET /propertymappings/notification/, or set the field to null",
        ),
        _ => None,
    }
}

/// The outcome of a load.
#[derive(Debug, Default)]
pub struct Report {
    /// The counts of each file, in the order of the files.
    pub files: Vec<Loaded>,
    /// The documents that were refused.
    pub refused: Vec<Entry>,
}

impl Report {
    /// Returns whether the load ended early because the table failed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let last = self.refused.last().map(|last| &last.outcome);
        matches!(last, Some(Outcome::Refused(Refusal::Store(_))))
    }

    pub(super) fn add(&mut self, entry: Entry) {
        let Some(loaded) = self.files.get_mut(entry.file) else {
            return;
        };
        match &entry.outcome {
            Outcome::Put => loaded.put.count(entry.kind),
            Outcome::Replaced(_) => {
                loaded.put.count(entry.kind);
                loaded.stages_replaced += 1;
            }
            Outcome::Exists => loaded.left.count(entry.kind),
            Outcome::Revoked => loaded.revoked += 1,
            Outcome::Refused(_) => self.refused.push(entry),
        }
    }
}
