//! What became of documents, for the operator who loads them.

use std::fmt;

use super::counts::Loaded;
use crate::{
    import::file::words,
    stage::{
        field::Field,
        problem::{Problem, Problems},
        version::Version,
    },
    store::{entity_tag, error::StoreError, item::Unreadable},
};

/// What became of one document.
#[derive(Debug)]
pub struct Entry {
    /// Which file it is in: its place among those that were loaded.
    pub file: usize,
    /// Of which kind it is: `stage`, `flow`, `mapping` or `token`.
    pub kind: &'static str,
    /// Its key; of a token, the first digits of its hash.
    pub id: String,
    /// Its name; of a token, the user's.
    pub name: String,
    /// The id of the write.
    pub write_id: String,
    /// Whether it is certain what the table has of it.
    pub is_certain: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a document.
#[derive(Debug)]
pub enum Outcome {
    /// It is in the table.
    Put,
    /// It is in the table, in the place of this version.
    Replaced(Version),
    /// One with its key is there already, and was left as it is.
    Exists,
    /// It is a token that was revoked, and stays so.
    Revoked,
    /// Nothing of it is in the table.
    Refused(Refusal),
}

/// What keeps a document out of the table.
#[derive(Debug)]
pub enum Refusal {
    /// These things, which only the table can tell.
    Invalid(Problems),
    /// The stage is not the version that the document was made of: it is this, or gone.
    VersionChanged(Option<Version>),
    /// Another writer changed the stage at the same moment.
    Conflict,
    /// The stage that is there cannot be read.
    Unreadable(Unreadable),
    /// A newer version of this program wrote the row that is there.
    NewerSchema,
    /// It is larger than an item can be.
    TooLarge,
    /// The table could not be asked, so that nothing after this was tried.
    Store(StoreError),
}

/// Which document it is, and what became of it.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?}): {}", self.kind, self.id, self.name, self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put => f.write_str("loaded"),
            Self::Replaced(old) => {
                write!(f, "replaced revision {}, ETag {}", old.revision, entity_tag(old))
            }
            Self::Exists => f.write_str("already there and left as it was"),
            Self::Revoked => f.write_str("was revoked, and stays revoked"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(problems) => f.write_str(&words::spelled_out(problems, remedy).join(" ")),
            Self::VersionChanged(Some(there)) => write!(
                f,
                "has changed since the document was made: it is revision {} now, ETag {}; get it \
                 again and edit that, or overwrite it with --force",
                there.revision,
                entity_tag(there)
            ),
            Self::VersionChanged(None) => {
                f.write_str("was deleted since the document was made; put it back with --force")
            }
            Self::Conflict => f.write_str(
                "was changed by another writer at the same moment, and is as they left it; look at \
                 it and load it again",
            ),
            Self::Unreadable(why) => write!(
                f,
                "there is one already that cannot be read: {why}; look at it with \
                 `sms-stage check`, or take it out with `sms-stage delete --force`"
            ),
            Self::NewerSchema => f.write_str(
                "a newer version of this program wrote the one that is there; load it with that",
            ),
            Self::TooLarge => f.write_str("it is larger than the 400 KB that can be stored"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// What to do about something that only the table can tell.
fn remedy(field: Field, problem: &Problem) -> Option<&'static str> {
    match (field, problem) {
        (_, Problem::NameTaken) => Some("rename one of the two, or delete the other stage"),
        (Field::CONFIGURE_FLOW, Problem::NoSuchRow(_)) => Some(
            "it is in no file and not in the table: load authentik's answer to \
             GET /flows/instances/ as well, or write null",
        ),
        (Field::MAPPING, Problem::NoSuchRow(_)) => Some(
            "it is in no file and not in the table: load authentik's answer to \
             GET /propertymappings/notification/ as well, or write null",
        ),
        _ => None,
    }
}

/// What became of everything.
#[derive(Debug, Default)]
pub struct Report {
    /// What of each file is in the table, in the files' order.
    pub files: Vec<Loaded>,
    /// What is not.
    pub refused: Vec<Entry>,
}

impl Report {
    /// Whether the table could no longer be asked.
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
