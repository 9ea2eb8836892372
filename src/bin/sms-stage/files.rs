//! Loads files of documents into a table, for `sms-stage load` and `--load`.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use authenticator_sms_stage::{
    import::{
        file::{self, Documents, GivenSecrets, ImportError},
        load::{self, Entry, OnConflict, Outcome, Refusal, Report},
        quote::quoted,
    },
    store::Table,
};

use crate::{
    advice,
    audit::{Audit, Change},
    output::{Failure, printable, stderr, stdout},
    progress::Progress,
};

/// Maximum number of documents of one load that are listed one by one.
const LISTED_MAX: usize = 100;

/// Reads a file, or standard input for `-`, as text without a byte order mark.
pub fn read_text(file: &Path) -> Result<String, String> {
    let bytes = read_bytes(file)?;
    file::decode(&bytes).map(str::to_owned).map_err(str::to_owned)
}

fn read_bytes(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map(|_| bytes).map_err(|error| error.to_string())
}

/// Reads all files. The failure says why each invalid one cannot be loaded.
pub fn read_all(files: &[PathBuf]) -> Result<Vec<Documents>, Failure> {
    read_all_with(files, &mut GivenSecrets::default())
}

/// Like [`read_all`], with secrets from a file of their own.
pub fn read_all_with(
    files: &[PathBuf],
    secrets: &mut GivenSecrets,
) -> Result<Vec<Documents>, Failure> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let read = read_bytes(file).map_err(|problem| vec![problem]).and_then(|bytes| {
            Documents::parse_with(&bytes, secrets).map_err(|error: ImportError| error.lines())
        });
        match read {
            Ok(read) => documents.push(read),
            Err(lines) => problems.extend(lines.iter().map(|line| cannot_load(&name(file), line))),
        }
    }
    if problems.is_empty() { Ok(documents) } else { Err(Failure(problems.join("\n"))) }
}

/// Reads a file of secrets.
pub fn read_secrets(file: &Path) -> Result<GivenSecrets, Failure> {
    let read = read_bytes(file)
        .and_then(|bytes| GivenSecrets::parse(&bytes).map_err(|error| error.to_string()));
    read.map_err(|problem| {
        Failure::new(format!("cannot read the secrets in {}", name(file)), problem)
    })
}

/// Returns the files' names for messages.
pub fn names(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| name(file)).collect()
}

fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        printable(&file.to_string_lossy())
    }
}

fn cannot_load(file: &str, problem: &str) -> String {
    format!("cannot load {file}: {}", printable(problem))
}

/// Loads files before the actual work of a command, with a summary on standard error.
pub async fn load_quietly(
    table: &Table,
    files: &[PathBuf],
    documents: &[Documents],
) -> Result<(), Failure> {
    quietly(table, &names(files), documents).await
}

/// Like [`load_quietly`], for documents that are not from a file.
pub async fn load_documents_quietly(
    name: &str,
    table: &Table,
    documents: Documents,
) -> Result<(), Failure> {
    quietly(table, &[name.to_owned()], &[documents]).await
}

async fn quietly(table: &Table, names: &[String], documents: &[Documents]) -> Result<(), Failure> {
    let loading = Loading { table, names, documents, on_conflict: OnConflict::Skip };
    let report = loading.load(|_| {}).await;
    for line in loading.summary(&report) {
        stderr(&line);
    }
    loading.warn_of_pages();
    loading.failure(&report)
}

/// Documents to be put into a table.
pub struct Loading<'l> {
    pub table: &'l Table,
    /// The names of the files that the documents are from.
    pub names: &'l [String],
    pub documents: &'l [Documents],
    pub on_conflict: OnConflict,
}

impl Loading<'_> {
    /// Puts them into the table, and prints the outcome of each.
    pub async fn run(&self, audit: &mut Audit) -> Result<(), Failure> {
        let mut lines = Vec::new();
        let report = self
            .load(|entry| {
                record(audit, entry);
                if !matches!(entry.outcome, Outcome::Refused(_)) && lines.len() < LISTED_MAX {
                    lines.push(printable(&entry.to_string()));
                }
            })
            .await;
        let loaded = report.files.iter().map(load::Loaded::total).sum::<usize>();
        let more = loaded.saturating_sub(lines.len());
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.extend(self.summary(&report));
        stdout(&lines.join("\n"))?;
        self.warn_of_pages();
        self.failure(&report)
    }

    async fn load(&self, mut on_each: impl FnMut(&Entry)) -> Report {
        let total = self.documents.iter().map(Documents::len).sum();
        let mut progress = Progress::new("documents", Some(total));
        let on_each = |entry: &Entry| {
            on_each(entry);
            progress.advance();
        };
        let report = load::load(self.table, self.documents, self.on_conflict, on_each).await;
        progress.end();
        report
    }

    /// Returns a line for each file, with its counts.
    fn summary(&self, report: &Report) -> Vec<String> {
        let loaded = self.names.iter().zip(&report.files);
        loaded.map(|(file, loaded)| format!("loaded {file}: {loaded}")).collect()
    }

    /// Warns of files that are one page of several.
    fn warn_of_pages(&self) {
        for (file, documents) in self.names.iter().zip(self.documents) {
            if let Some((current, all)) = documents.pages() {
                stderr(&format!("{file} is page {current} of {all}: load the other pages as well"));
            }
        }
    }

    fn failure(&self, report: &Report) -> Result<(), Failure> {
        let lines = report.refused.iter().map(|entry| {
            let file = self.names.get(entry.file).map_or("?", String::as_str);
            cannot_load(file, &explained(entry))
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { Ok(()) } else { Err(Failure(lines.join("\n"))) }
    }
}

fn explained(entry: &Entry) -> String {
    match &entry.outcome {
        Outcome::Refused(Refusal::Store(error)) => format!(
            "{} {} ({}): {}; no later document was tried: fix this and load the files again",
            entry.kind,
            entry.id,
            quoted(&entry.name),
            advice::explained(error)
        ),
        _ => entry.to_string(),
    }
}

/// Writes the audit line of a document that was, or may have been, put into the table.
fn record(audit: &mut Audit, entry: &Entry) {
    let (is_done, revision_before) = match &entry.outcome {
        Outcome::Put => (true, None),
        Outcome::Replaced(old) => (true, Some(old.revision)),
        Outcome::Exists | Outcome::Revoked | Outcome::Refused(_) => (false, None),
    };
    if !is_done && entry.is_certain {
        return;
    }
    let key = |kinds: &[&str]| kinds.contains(&entry.kind).then(|| entry.id.clone());
    audit.write(&Change {
        operation: "load",
        stage: key(&["stage"]),
        row: key(&["flow", "mapping"]),
        token: key(&["token"]),
        revision_before,
        write_id: entry.write_id.clone(),
        certain: is_done || entry.is_certain,
        done: is_done,
    });
}
