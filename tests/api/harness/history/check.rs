//! Checks a history against the model, stage by stage.
//!
//! Every answer that shows a stage has its revision, so the answers themselves give an order of the
//! writes. That order is replayed against the model and compared with real time: each write must
//! have taken effect at an instant within its call, after the write before it, and what a call was
//! shown must have been true at an instant within that call. An order that passes is a
//! linearization, so the check needs no search, and its time grows only with the length of the
//! history.
//!
//! A stage's life begins with the fixture or with the call that created it, and ends with a call
//! that deleted it. A list is checked stage by stage: it must show each stage at most once, as it
//! was at an instant of the call, and may omit a stage only if the stage did not exist at an
//! instant of the call.
//!
//! A call without an answer may have taken effect at any instant after its start, or never: a
//! revision that no answered call wrote was written by such a call. A write whose answer was
//! dropped may be answered with a later revision than its own.
//!
//! Refusals have no revision. Each is checked separately, against every version that the stage can
//! have had during the call; in the small runs, the published checker orders all of them together.

mod life;
mod lists;
mod replay;
mod windows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use self::{life::Life, lists::Lists, replay::StageHistory};
use super::{
    super::{Snapshot, violations},
    call::{Call, Outcome},
    fixture::Fixture,
    model::Model,
    names,
};

pub use self::windows::Window;

/// A rule that a history breaks.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What happened.
    pub description: String,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every answer is one that the contract defines.
    Answer,
    /// A write is made once.
    Once,
    /// Every revision and every stage was written by a call.
    Written,
    /// The document is the result of the writes before it.
    Document,
    /// `If-Match` allows the version that is changed or deleted.
    Precondition,
    /// A call takes effect between its start and its end.
    Time,
    /// A refusal was correct at some instant of its call.
    Refusal,
    /// A list shows each stage once, as it was at an instant of the call, unless it did not exist.
    List,
    /// A name belongs to one stage at a time.
    Name,
    /// The table's invariants hold.
    Table,
}

/// A violation of a rule.
pub fn violation(rule: Rule, description: impl Into<String>) -> Violation {
    Violation { rule, description: description.into() }
}

/// The table's invariants that are violated.
pub fn check_table(snapshot: &Snapshot) -> Vec<Violation> {
    violations(snapshot).into_iter().map(|found| violation(Rule::Table, found)).collect()
}

/// All requests and answers of a run's clients.
pub struct History {
    /// The rows that stages may refer to.
    pub model: Model,
    /// The calls, in the order in which they began. The first calls of each stage are reads.
    pub calls: Vec<Call>,
    /// The stages that existed at the beginning.
    pub first: Vec<Arc<str>>,
}

impl History {
    /// The history of a run that began with this fixture.
    pub fn new(fixture: &Fixture, calls: Vec<Call>) -> Self {
        let shown = calls.iter().find_map(Call::shown).expect("no answer shows a stage");
        let model = fixture.model.clone().with_constants_of(shown.parse());
        Self { model, calls, first: fixture.stages.clone() }
    }

    /// Every stage that a call is about, or that a list shows.
    pub fn stages(&self) -> BTreeSet<Arc<str>> {
        let listed = self.calls.iter().filter_map(Call::listed).flatten();
        let stages = self.calls.iter().filter_map(Call::stage);
        stages.chain(listed.map(|listed| Arc::clone(&listed.stage))).collect()
    }

    /// The calls about each stage, without the lists.
    fn calls_by_stage(&self) -> BTreeMap<Arc<str>, Vec<&Call>> {
        let mut by_stage: BTreeMap<_, Vec<_>> =
            self.stages().into_iter().map(|stage| (stage, Vec::new())).collect();
        for call in &self.calls {
            if let Some(stage) = call.stage() {
                by_stage.entry(stage).or_default().push(call);
            }
        }
        by_stage
    }
}

/// Finds the violations in a history: for each stage, only the first.
pub fn check(history: &History) -> Vec<Violation> {
    let mut violations: Vec<_> = history.calls.iter().filter_map(check_alone).take(1).collect();
    violations.extend(history.calls.iter().find_map(|call| refused_creation(call, &history.model)));
    let lists = Lists::of(&history.calls);
    let is_lost = |call: &&Call| call.asked.is_creation() && call.stage().is_none();
    let mut creations: Vec<_> =
        history.calls.iter().filter(is_lost).filter(|call| call.is_unknown()).collect();
    let (mut holdings, mut hidden) = (Vec::new(), Vec::new());
    for (stage, calls) in history.calls_by_stage() {
        let is_first = history.first.contains(&stage);
        let life = StageHistory::read(&history.model, &stage, calls, is_first, &lists).and_then(
            |mut stage_history| {
                let versions = stage_history.replay(&mut creations)?;
                Life::find(stage_history, versions)
            },
        );
        match life {
            Ok(life) => {
                holdings.extend(life.holdings(&stage));
                hidden.extend(life.hidden().map(|call| call.id));
            }
            Err(violation) => {
                let description = format!("stage {stage}: {}", violation.description);
                violations.push(Violation { description, ..violation });
            }
        }
    }
    // The names of a stage with a violation are unknown.
    if violations.iter().all(|violation| violation.rule == Rule::Answer) {
        let hidden = history.calls.iter().filter(|call| hidden.contains(&call.id));
        violations.extend(names::check(&holdings, &history.calls, &hidden.collect::<Vec<_>>()));
    }
    violations
}

/// The violation in an answer that is wrong whatever the state of the stages.
fn check_alone(call: &Call) -> Option<Violation> {
    let Outcome::Unexpected(answer) = &call.outcome else { return None };
    Some(violation(Rule::Answer, format!("{answer} to {:?}", call.asked)))
}

/// Checks that a creation was refused for exactly the invalid fields of its body. Whether the name
/// is taken cannot be seen from the body.
fn refused_creation(call: &Call, model: &Model) -> Option<Violation> {
    let Outcome::Invalid(fields) = &call.outcome else { return None };
    if !call.asked.is_creation() {
        return None;
    }
    let wrong = model.create(&call.asked.body).err().unwrap_or_default();
    let is_right = wrong == without_name(fields);
    (!is_right).then(|| violation(Rule::Refusal, format!("{fields:?} refused in {:?}", call.asked)))
}

/// The fields except the name.
fn without_name(fields: &[String]) -> BTreeSet<&str> {
    fields.iter().map(String::as_str).filter(|field| *field != "name").collect()
}
