//! Puts files' documents into the table, each whole or not at all.

use std::fmt;

use uuid::Uuid;

use super::{
    StageTable,
    documents::{Documents, spelled_out},
    operate::{Existing, Row, StagePut},
};
use crate::{
    error::StoreError,
    stage::Stage,
    validation::{Field, Problem, ValidationError},
};

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is how many there are of what its name says")]
pub struct Counts {
    pub stages: usize,
    pub flows: usize,
    pub mappings: usize,
    pub tokens: usize,
}

impl Counts {
    fn kinds(&self) -> [(usize, &'static str); 4] {
        [
            (self.stages, "stages"),
            (self.flows, "flows"),
            (self.mappings, "mappings"),
            (self.tokens, "tokens"),
        ]
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kinds().map(|(count, kind)| format!("{count} {kind}")).join(", "))
    }
}

/// What became of one file's documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What was put in.
    pub put: Counts,
    /// How many of the stages that were put in took the place of an older one.
    pub stages_replaced: usize,
    /// What was there already and was left as it was.
    pub left: Counts,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.put)?;
        if self.stages_replaced > 0 {
            write!(f, " ({} stages were replaced)", self.stages_replaced)?;
        }
        if self.left != Counts::default() {
            let left = self.left.kinds();
            let left = left.iter().filter(|(count, _)| *count > 0);
            let left: Vec<_> = left.map(|(count, kind)| format!("{count} {kind}")).collect();
            write!(f, " (already there and left as they were: {})", left.join(", "))?;
        }
        Ok(())
    }
}

/// A document that is not in the table. Nothing of it is.
#[derive(Debug)]
pub struct Refused {
    /// Which file it is in: its place among those that were loaded.
    pub file: usize,
    /// Which document it is.
    pub document: String,
    /// Why.
    pub reason: Refusal,
}

/// What keeps a document out of the table.
#[derive(Debug)]
pub enum Refusal {
    /// These things, which only the table can tell.
    Invalid(ValidationError),
    /// Somebody else changed the stage at the same moment.
    Outrun,
    /// The table could not be asked, so that nothing after this was tried.
    Store(StoreError),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.document)?;
        match &self.reason {
            Refusal::Invalid(errors) => f.write_str(&spelled_out(errors, remedy).join(" ")),
            Refusal::Outrun => f.write_str(
                "was changed by somebody else at the same moment, and is as they left it; look at \
                 it and load it again",
            ),
            Refusal::Store(error) => error.fmt(f),
        }
    }
}

/// What to do about something that only the table can tell.
fn remedy(field: Field, problem: &Problem) -> Option<&'static str> {
    match (field, problem) {
        (_, Problem::NameTaken) => Some("rename one of the two, or delete the other stage"),
        (Field::ConfigureFlow, Problem::NoSuchRow(_)) => Some(
            "it is in no file and not in the table: load authentik's answer to \
             GET /flows/instances/ as well, or write null",
        ),
        (Field::Mapping, Problem::NoSuchRow(_)) => Some(
            "it is in no file and not in the table: load authentik's answer to \
             GET /propertymappings/notification/ as well, or write null",
        ),
        _ => None,
    }
}

/// What became of everything.
#[derive(Debug, Default)]
pub struct Loading {
    /// What of each file is in the table, in the files' order.
    pub files: Vec<Loaded>,
    /// What is not.
    pub refused: Vec<Refused>,
}

impl Loading {
    /// Whether the table could no longer be asked.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.refused.last().is_some_and(|last| matches!(last.reason, Refusal::Store(_)))
    }
}

/// Some documents are not in the table.
#[derive(Debug)]
pub struct LoadError(pub Vec<Refused>);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n  "))
    }
}

impl std::error::Error for LoadError {}

impl Documents {
    /// Puts it all into the table, and leaves what is there already.
    ///
    /// # Errors
    ///
    /// [`LoadError`] for documents that could not be put in; the others are in.
    pub async fn load(self, table: &StageTable) -> Result<Loaded, LoadError> {
        let loading = load(table, &[self], Existing::Leave, |_| {}).await;
        if loading.refused.is_empty() {
            Ok(loading.files.into_iter().next().unwrap_or_default())
        } else {
            Err(LoadError(loading.refused))
        }
    }
}

/// Puts files' documents into the table. `on_each` hears how many documents are done with.
///
/// The rows that stages may refer to come first, those of all files, so that the files may come in
/// any order. A document that is refused keeps no other from being put in; a table that cannot be
/// asked ends it.
pub async fn load(
    table: &StageTable,
    files: &[Documents],
    existing: Existing,
    on_each: impl FnMut(usize),
) -> Loading {
    let mut loader = Loader {
        table,
        existing,
        loading: Loading { files: vec![Loaded::default(); files.len()], refused: Vec::new() },
        done: 0,
        on_each,
    };
    for (place, file) in files.iter().enumerate() {
        loader.put_rows(place, file).await;
    }
    for (place, file) in files.iter().enumerate() {
        loader.put_stages(place, file).await;
    }
    loader.loading
}

struct Loader<'t, F> {
    table: &'t StageTable,
    existing: Existing,
    loading: Loading,
    done: usize,
    on_each: F,
}

impl<F: FnMut(usize)> Loader<'_, F> {
    async fn put_rows(&mut self, file: usize, documents: &Documents) {
        for flow in &documents.flows {
            let name = || format!("flow {}", named(flow.pk, &flow.name));
            self.put_row(file, Row::Flow(flow), name, |counts| &mut counts.flows).await;
        }
        for mapping in &documents.mappings {
            let name = || format!("mapping {}", named(mapping.pk, &mapping.name));
            let row = Row::Mapping(mapping.pk, &mapping.name);
            self.put_row(file, row, name, |counts| &mut counts.mappings).await;
        }
        for (hash, token) in &documents.tokens {
            let name = || format!("a token of {:?}", token.caller.user);
            let row = Row::Token(hash, token);
            self.put_row(file, row, name, |counts| &mut counts.tokens).await;
        }
    }

    async fn put_row(
        &mut self,
        file: usize,
        row: Row<'_>,
        name: impl FnOnce() -> String,
        count: impl FnOnce(&mut Counts) -> &mut usize,
    ) {
        if self.loading.is_stopped() {
            return;
        }
        match self.table.put_row(row, self.existing).await {
            Ok(is_put) => {
                let loaded = &mut self.loading.files[file];
                *count(if is_put { &mut loaded.put } else { &mut loaded.left }) += 1;
            }
            Err(error) => self.refuse(file, name(), Refusal::Store(error)),
        }
        self.count();
    }

    async fn put_stages(&mut self, file: usize, documents: &Documents) {
        for stage in &documents.stages {
            if self.loading.is_stopped() {
                return;
            }
            self.put_stage(file, stage).await;
            self.count();
        }
    }

    async fn put_stage(&mut self, file: usize, stage: &Stage) {
        let put = match self.existing {
            Existing::Leave => self.table.create_stage(stage.clone()).await,
            Existing::Replace => self.table.replace_stage(stage.clone()).await,
        };
        let loaded = &mut self.loading.files[file];
        let reason = match put {
            Ok(StagePut::Done) => {
                loaded.put.stages += 1;
                return;
            }
            Ok(StagePut::Replaced) => {
                loaded.put.stages += 1;
                loaded.stages_replaced += 1;
                return;
            }
            Ok(StagePut::Exists) => {
                loaded.left.stages += 1;
                return;
            }
            Ok(StagePut::Invalid(errors)) => Refusal::Invalid(errors),
            Ok(StagePut::Outrun) => Refusal::Outrun,
            Err(error) => Refusal::Store(error),
        };
        let document = format!("stage {}", named(stage.stage_uuid, &stage.name));
        self.refuse(file, document, reason);
    }

    fn refuse(&mut self, file: usize, document: String, reason: Refusal) {
        self.loading.refused.push(Refused { file, document, reason });
    }

    fn count(&mut self) {
        self.done += 1;
        (self.on_each)(self.done);
    }
}

fn named(key: Uuid, name: &str) -> String {
    format!("{key} ({name:?})")
}
