//! Records histories of many clients' calls, and checks them against a model of the stage.

pub mod call;
pub mod check;
pub mod client;
pub mod fixture;
pub mod model;
pub mod names;
pub mod recorder;

use std::collections::BTreeMap;

use self::call::{Asked, Call, Outcome};
use self::recorder::{Function, Recorder};

/// Lists all stages, and reads each.
pub async fn read_all(function: &impl Function, recorder: &Recorder) {
    recorder.call(function, Asked::list()).await;
    for stage in recorder.known() {
        recorder.call(function, Asked::of("GET", &stage)).await;
    }
}

/// The number of calls with each outcome, for printing.
pub fn summary(calls: &[Call]) -> String {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(kind(call)).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} calls: {}", calls.len(), counts.join(", "))
}

fn kind(call: &Call) -> &'static str {
    match &call.outcome {
        Outcome::Shown(_) if call.asked.is_creation() => match call.seen_write {
            None => "created",
            Some(_) => "created, answer dropped",
        },
        Outcome::Shown(shown) => match (call.written_tag(), call.asked.is_change()) {
            (_, false) => "read",
            (None, true) => "written",
            (Some(tag), true) if tag == shown.tag => "written, answer dropped",
            (Some(_), true) => "written, answer dropped, other writes before the next attempt",
        },
        Outcome::Listed(_) => "listed",
        Outcome::Deleted => match call.seen_write {
            None => "deleted",
            Some(_) => "deleted, answer dropped",
        },
        Outcome::Missing => "missing (404)",
        Outcome::Invalid(_) => "refused (400)",
        Outcome::PreconditionFailed => "refused (412)",
        Outcome::Conflict => "conflict (409)",
        Outcome::Unknown if call.asked.is_creation() => "unknown creation (503)",
        Outcome::Unknown if call.asked.is_deletion() => "unknown deletion (503)",
        Outcome::Unknown => "unknown (503)",
        Outcome::Unexpected(_) => "unexpected",
    }
}

/// Prints a line about a run.
#[expect(clippy::print_stderr, reason = "large runs show their progress")]
pub fn print(line: &str) {
    eprintln!("{line}");
}

/// A number from an environment variable.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|digits| digits.parse().unwrap())
}
