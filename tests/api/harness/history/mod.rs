//! Histories of many clients' calls, and their check against a model of the stage.

pub mod check;
pub mod client;
pub mod fixture;
pub mod model;
pub mod names;
pub mod recorder;

use std::collections::BTreeMap;

use self::{
    fixture::Fixture,
    recorder::{Asked, Call, Document, Function, Outcome, Recorder},
};

/// Reads every stage.
pub async fn read_all(function: &impl Function, fixture: &Fixture, recorder: &Recorder) {
    for stage in 0..fixture.stages.len() {
        let (body, if_match) = (Document::new(), Vec::new());
        let asked = Asked { stage, method: "GET", body, if_match };
        recorder.call(function, &fixture.stages, asked).await;
    }
}

/// The number of calls with each outcome, to be printed.
pub fn summary(calls: &[Call]) -> String {
    let mut counts = BTreeMap::new();
    for call in calls {
        let kind = match &call.outcome {
            Outcome::Shown(shown) => match (&call.landed, call.asked.is_change()) {
                (_, false) => "read",
                (None, true) => "written",
                (Some(landed), true) if landed.tag == shown.tag => "written, answer dropped",
                (Some(_), true) => "written, answer dropped, other writes before the next attempt",
            },
            Outcome::Invalid(_) => "refused (400)",
            Outcome::PreconditionFailed => "refused (412)",
            Outcome::Conflict => "conflict (409)",
            Outcome::Unknown => "unknown (503)",
            Outcome::Unexpected(_) => "unexpected",
        };
        *counts.entry(kind).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} calls: {}", calls.len(), counts.join(", "))
}

/// Prints a line about a run.
#[expect(clippy::print_stderr, reason = "a large run is watched")]
pub fn print(line: &str) {
    eprintln!("{line}");
}

/// A number from an environment variable.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|digits| digits.parse().unwrap())
}
