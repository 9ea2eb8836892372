//! Holds the names against each other, across the stages.
//!
//! From its own history, each stage's names are known, and the instants between which it took each
//! and gave it up. No two stages can have had a name at once: one must have given it up before the
//! other took it. Where the calls overlap, so that either order can have been, both pass.

use std::collections::HashMap;

use super::{
    check::{Rule, Violation, Window, broken},
    record::{Call, Outcome},
};

/// A stage's having a name, from one rename to the next.
#[derive(Clone, Debug)]
pub struct Holding {
    stage: usize,
    name: String,
    taken: Window,
    /// None if it has it still.
    given_up: Option<Window>,
}

impl Holding {
    /// What a stage whose versions had these names held.
    pub fn all<'n>(
        stage: usize,
        names: impl Iterator<Item = &'n str>,
        windows: &[Window],
    ) -> Vec<Self> {
        let mut holdings: Vec<Self> = Vec::new();
        for (name, window) in names.zip(windows) {
            match holdings.last_mut() {
                Some(last) if last.name == name => continue,
                Some(last) => last.given_up = Some(*window),
                None => {}
            }
            let (name, taken) = (name.to_owned(), *window);
            holdings.push(Self { stage, name, taken, given_up: None });
        }
        holdings
    }

    /// Whether it can have ended before the other began.
    fn can_precede(&self, other: &Self) -> bool {
        self.given_up.is_some_and(|end| end.earliest <= other.taken.latest)
    }

    /// Whether it can have been so at an instant of the call.
    fn can_be_during(&self, call: &Call) -> bool {
        self.taken.earliest < call.end && self.given_up.is_none_or(|end| end.latest > call.start)
    }

    /// Whether it must have been so all through the call.
    fn must_outlast(&self, call: &Call) -> bool {
        self.taken.latest < call.start && self.given_up.is_none_or(|end| end.earliest > call.end)
    }
}

/// Everything that is wrong with the names.
pub fn check(holdings: &[Holding], calls: &[Call]) -> Vec<Violation> {
    let mut by_name: HashMap<&str, Vec<&Holding>> = HashMap::new();
    for holding in holdings {
        by_name.entry(&holding.name).or_default().push(holding);
    }
    let mut violations = Vec::new();
    for held in by_name.values() {
        let pairs =
            held.iter().enumerate().flat_map(|(i, a)| held[..i].iter().map(move |b| (a, b)));
        let clash = pairs
            .into_iter()
            .find(|(a, b)| a.stage != b.stage && !a.can_precede(b) && !b.can_precede(a));
        if let Some((a, b)) = clash {
            violations.push(broken(Rule::Name, format!("{a:?} and {b:?} at once")));
        }
    }
    violations.extend(calls.iter().filter_map(|call| judge_refusal(call, &by_name)));
    violations
}

/// Whether a refusal is right about the name.
fn judge_refusal(call: &Call, by_name: &HashMap<&str, Vec<&Holding>>) -> Option<Violation> {
    let Outcome::Invalid(fields) = &call.outcome else { return None };
    let name = call.asked.body.get("name")?.as_str()?;
    let held = by_name.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut others = held.iter().filter(|holding| holding.stage != call.asked.stage);
    let (is_right, words) = if fields.iter().any(|field| field == "name") {
        (others.any(|holding| holding.can_be_during(call)), "free all the time")
    } else {
        (!others.any(|holding| holding.must_outlast(call)), "taken all the time")
    };
    (!is_right).then(|| broken(Rule::Refusal, format!("{name} was {words}: {call:?}")))
}
