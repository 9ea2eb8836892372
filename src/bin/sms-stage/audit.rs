//! Writes a line for each change by an operator, as the function logs one for each request.

use std::{
    env,
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use authenticator_sms_stage::store::{Session, time};
use clap::Args;
use serde::Serialize;

use crate::output::{Failure, printable_json, stderr};

/// Where audit lines go.
#[derive(Args, Debug)]
pub struct AuditArgs {
    /// Append a JSON line for each change to this file. Default: standard error.
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
}

impl AuditArgs {
    /// Opens the file. To be called before anything is changed.
    pub fn open(&self, place: String) -> Result<Audit, Failure> {
        let file = self.audit_log.as_ref().map(|path| {
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let doing = || format!("cannot open the audit log {}", path.display());
            options.open(path).map_err(|error| Failure::new(doing(), error))
        });
        Ok(Audit { file: file.transpose()?, caller: caller(), place })
    }
}

/// Writes audit lines.
pub struct Audit {
    file: Option<File>,
    caller: String,
    place: String,
}

/// One change.
#[derive(Default, Serialize)]
pub struct Change {
    /// What was done, named after the command.
    pub operation: &'static str,
    /// The stage's UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The flow's, mapping's or lock's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// The first digits of the token's hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The revision that was replaced or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_before: Option<u64>,
    /// The write id, which a stage's item stores.
    pub write_id: String,
    /// Whether it is certain that the change was made, or that it was not.
    pub certain: bool,
    /// Whether the table reported success.
    pub done: bool,
}

impl Change {
    /// Returns a change that this session made.
    pub fn new(operation: &'static str, session: &Session<'_>, is_done: bool) -> Self {
        let write_id = session.write_id().to_owned();
        let certain = is_done || session.is_certain();
        Self { operation, write_id, certain, done: is_done, ..Self::default() }
    }
}

/// A line, with the same field names as the function's lines.
#[derive(Serialize)]
struct Line<'l> {
    timestamp: String,
    level: &'static str,
    message: &'static str,
    caller: &'l str,
    table: &'l str,
    #[serde(flatten)]
    change: &'l Change,
}

impl Audit {
    /// Writes a change's line.
    pub fn write(&mut self, change: &Change) {
        let line = Line {
            timestamp: time::format(time::now()),
            level: if change.certain { "INFO" } else { "WARN" },
            message: "changed by an operator",
            caller: &self.caller,
            table: &self.place,
            change,
        };
        let line = printable_json(&serde_json::to_string(&line).unwrap_or_default());
        let written = self.file.as_mut().map(|file| writeln!(file, "{line}"));
        match written {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                // The change has been made, so its line must not be lost.
                stderr(&format!("sms-stage: cannot write the audit log: {error}"));
                stderr(&line);
            }
            None => stderr(&line),
        }
    }
}

/// Returns the user on this machine. The AWS identity is in the table's data events in CloudTrail.
fn caller() -> String {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    let user = user.or_else(uid).unwrap_or_else(|| "unknown".to_owned());
    match variable("SUDO_USER") {
        Some(by) => format!("operator {by} as {user}"),
        None => format!("operator {user}"),
    }
}

/// Returns the user's id, for when no variable has the name, as in a container.
#[cfg(target_os = "linux")]
fn uid() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|process| format!("uid {}", process.uid()))
}

#[cfg(not(target_os = "linux"))]
fn uid() -> Option<String> {
    None
}
