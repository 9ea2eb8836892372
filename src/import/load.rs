//! Puts the documents of files into the table, each in full or not at all.

mod counts;
mod report;

use super::file::{Documents, StageDocument};
use crate::store::{
    Session, Table,
    admin::{Row, RowPut, StagePut},
};

pub use self::{
    counts::{Counts, Loaded},
    report::{Entry, Outcome, Refusal, Report},
};
pub use crate::store::admin::OnConflict;

/// Puts the documents of files into the table. Calls `on_each` with the outcome of each document.
///
/// The rows of all files are put before any stage, so that the files may come in any order. If a
/// document is refused, the others are still loaded; a failure of the table ends the load.
pub async fn load(
    table: &Table,
    files: &[Documents],
    on_conflict: OnConflict,
    on_each: impl FnMut(&Entry),
) -> Report {
    let report = Report { files: vec![Loaded::default(); files.len()], refused: Vec::new() };
    let mut loader = Loader { table, on_conflict, report, on_each };
    for (place, file) in files.iter().enumerate() {
        loader.put_rows(place, file).await;
    }
    for (place, file) in files.iter().enumerate() {
        loader.put_stages(place, file).await;
    }
    loader.report
}

struct Loader<'t, F> {
    table: &'t Table,
    on_conflict: OnConflict,
    report: Report,
    on_each: F,
}

impl<F: FnMut(&Entry)> Loader<'_, F> {
    async fn put_rows(&mut self, file: usize, documents: &Documents) {
        for flow in &documents.flows {
            self.put_row(file, Row::Flow(flow)).await;
        }
        for mapping in &documents.mappings {
            self.put_row(file, Row::Mapping(mapping.pk, &mapping.name)).await;
        }
        for (hash, token) in &documents.tokens {
            self.put_row(file, Row::Token(hash, token)).await;
        }
    }

    async fn put_row(&mut self, file: usize, row: Row<'_>) {
        if self.report.is_stopped() {
            return;
        }
        let session = self.table.session();
        let outcome = match session.put_row(row, self.on_conflict).await {
            Ok(RowPut::Put) => Outcome::Put,
            Ok(RowPut::Exists) => Outcome::Exists,
            Ok(RowPut::Revoked) => Outcome::Revoked,
            Ok(RowPut::NewerSchema) => Outcome::Refused(Refusal::NewerSchema),
            Ok(RowPut::TooLarge) => Outcome::Refused(Refusal::TooLarge),
            Err(error) => Outcome::Refused(Refusal::Store(error)),
        };
        let (kind, id, name) = described(row);
        self.finish(file, &session, kind, id, name, outcome);
    }

    async fn put_stages(&mut self, file: usize, documents: &Documents) {
        for document in &documents.stages {
            if self.report.is_stopped() {
                return;
            }
            self.put_stage(file, document).await;
        }
    }

    async fn put_stage(&mut self, file: usize, document: &StageDocument) {
        let StageDocument { stage, version } = document;
        let session = self.table.session();
        let put = session.put(stage, self.on_conflict, version.as_ref()).await;
        let outcome = match put {
            Ok(StagePut::Inserted) => Outcome::Put,
            Ok(StagePut::Replaced(old)) => Outcome::Replaced(old.version),
            Ok(StagePut::Exists) => Outcome::Exists,
            Ok(StagePut::Invalid(problems)) => Outcome::Refused(Refusal::Invalid(problems)),
            Ok(StagePut::VersionChanged(there)) => {
                Outcome::Refused(Refusal::VersionChanged(there.map(|there| there.version)))
            }
            Ok(StagePut::ForeignLock) => Outcome::Refused(Refusal::ForeignLock),
            Ok(StagePut::Conflict) => Outcome::Refused(Refusal::Conflict),
            Ok(StagePut::Unreadable(why)) => Outcome::Refused(Refusal::Unreadable(why)),
            Err(error) => Outcome::Refused(Refusal::Store(error)),
        };
        self.finish(file, &session, "stage", stage.uuid.to_string(), stage.name(), outcome);
    }

    fn finish(
        &mut self,
        file: usize,
        session: &Session<'_>,
        kind: &'static str,
        id: String,
        name: &str,
        outcome: Outcome,
    ) {
        let write_id = session.write_id().to_owned();
        let is_certain = session.is_certain();
        let name = name.to_owned();
        let entry = Entry { file, kind, id, name, write_id, is_certain, outcome };
        (self.on_each)(&entry);
        self.report.add(entry);
    }
}

fn described(row: Row<'_>) -> (&'static str, String, &str) {
    match row {
        Row::Flow(flow) => ("flow", flow.pk.to_string(), flow.name()),
        Row::Mapping(mapping, name) => ("mapping", mapping.to_string(), name),
        Row::Token(hash, token) => {
            let user = token.caller.user.as_deref().unwrap_or_default();
            ("token", hash.shown().to_owned(), user)
        }
    }
}
