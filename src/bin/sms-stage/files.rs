//! Files of documents on their way into a table: what `sms-stage load` and `--load` do.

use std::{
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use authenticator_sms_stage::store::{
    StageTable,
    documents::Documents,
    loading::{self, Refusal, Refused},
    operate::Existing,
};

use crate::{Failure, Output, remedy};

/// Reads all files, and says of each that cannot be loaded why.
pub fn read_all(files: &[PathBuf]) -> Result<Vec<Documents>, Failure> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match read(file) {
            Ok(read) => documents.push(read),
            Err(lines) => problems.extend(lines.iter().map(|line| cannot_load(file, line))),
        }
    }
    if problems.is_empty() { Ok(documents) } else { Err(Failure(problems.join("\n"))) }
}

fn read(file: &Path) -> Result<Documents, Vec<String>> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| vec![error.to_string()])?;
    Documents::parse(&text).map_err(|error| error.lines())
}

/// Puts documents that were read from these files into the table, and says what became of them.
pub async fn put_in(
    table: &StageTable,
    files: &[PathBuf],
    documents: &[Documents],
    existing: Existing,
    to: Output,
) -> Result<(), Failure> {
    let mut progress = Progress::new(documents.iter().map(Documents::len).sum());
    let loading = loading::load(table, documents, existing, |done| progress.show(done)).await;
    progress.end();
    for ((file, documents), loaded) in files.iter().zip(documents).zip(&loading.files) {
        to.say(&format!("loaded {}: {loaded}", shown(file)))?;
        if let Some((current, all)) = documents.pages() {
            Output::Aside.say(&format!(
                "{} is page {current} of {all}: load the other pages as well",
                shown(file)
            ))?;
        }
    }
    if loading.refused.is_empty() {
        return Ok(());
    }
    let lines = loading.refused.iter().map(|refused| {
        let file = files.get(refused.file).map_or(Path::new("?"), PathBuf::as_path);
        cannot_load(file, &explained(refused))
    });
    Err(Failure(lines.collect::<Vec<_>>().join("\n")))
}

fn cannot_load(file: &Path, problem: &str) -> String {
    format!("cannot load {}: {problem}", shown(file))
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

fn explained(refused: &Refused) -> String {
    match &refused.reason {
        Refusal::Store(error) => format!(
            "{}: {}; nothing after it was tried, so load again when that is mended",
            refused.document,
            remedy::explained(error)
        ),
        Refusal::Invalid(_) | Refusal::Outrun => refused.to_string(),
    }
}

/// How far a long load has come, on standard error: in place on a terminal, else in a line now and
/// then.
struct Progress {
    total: usize,
    is_terminal: bool,
    shown: Instant,
    is_shown: bool,
}

/// Time between two looks, and before the first: what takes less needs none.
const SHOWN_EVERY: Duration = Duration::from_millis(300);
/// Documents between two lines.
const LINE_EVERY: usize = 200;

impl Progress {
    fn new(total: usize) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { total, is_terminal, shown: Instant::now(), is_shown: false }
    }

    fn show(&mut self, done: usize) {
        let text = format!("{done} of {} documents", self.total);
        if !self.is_terminal {
            if done.is_multiple_of(LINE_EVERY) && done < self.total {
                // A line that cannot be written is no reason to stop.
                let _ = Output::Aside.say(&text);
            }
        } else if self.shown.elapsed() >= SHOWN_EVERY {
            self.shown = Instant::now();
            self.is_shown = true;
            let _ = write!(std::io::stderr(), "\r{text}");
        }
    }

    fn end(&self) {
        if self.is_shown {
            // Over what stands there, back to the beginning of the line.
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
