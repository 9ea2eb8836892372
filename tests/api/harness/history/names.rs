//! Checks the names of the stages against each other.
//!
//! Each stage's own history shows which names it had, and the windows of time in which it took and
//! released each. Two stages cannot have had the same name at once: one must have released it
//! before the other took it. If calls overlap, so that either order is possible, both orders are
//! accepted.

use std::{collections::HashMap, sync::Arc};

use super::{
    call::{Call, Outcome},
    check::{Rule, Violation, Window, violation},
};

/// A stage's name, from the stage's creation or a rename to the next rename or the deletion.
#[derive(Clone, Debug)]
pub struct Holding {
    stage: Arc<str>,
    name: String,
    taken: Window,
    /// None if the stage still has it.
    released: Option<Window>,
}

impl Holding {
    /// The holdings of a stage that had these names one after another (none while it did not
    /// exist).
    pub fn all<'n>(
        stage: &Arc<str>,
        names: impl Iterator<Item = Option<&'n str>>,
        windows: &[Window],
    ) -> Vec<Self> {
        let mut holdings: Vec<Self> = Vec::new();
        for (name, window) in names.zip(windows) {
            match holdings.last_mut() {
                Some(last) if name == Some(&*last.name) => continue,
                Some(last) => last.released = Some(*window),
                None => {}
            }
            if let Some(name) = name {
                let (stage, name) = (Arc::clone(stage), name.to_owned());
                holdings.push(Self { stage, name, taken: *window, released: None });
            }
        }
        holdings
    }

    /// Whether it can have ended before the other began.
    fn can_precede(&self, other: &Self) -> bool {
        self.released.is_some_and(|end| end.earliest <= other.taken.latest)
    }

    /// Whether the stage can have had the name at an instant of the call.
    fn can_be_during(&self, call: &Call) -> bool {
        self.taken.earliest < call.end && self.released.is_none_or(|end| end.latest > call.start)
    }

    /// Whether the stage must have had the name during the whole call.
    fn must_outlast(&self, call: &Call) -> bool {
        self.taken.latest < call.start && self.released.is_none_or(|end| end.earliest > call.end)
    }
}

/// The violations that concern names. The calls in `hidden` may have taken a name, although no
/// answer shows it.
pub fn check(holdings: &[Holding], calls: &[Call], hidden: &[&Call]) -> Vec<Violation> {
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
            violations.push(violation(Rule::Name, format!("{a:?} and {b:?} overlap")));
        }
    }
    violations.extend(calls.iter().filter_map(|call| check_refusal(call, &by_name, hidden)));
    violations
}

/// Checks that a refusal is correct about the name.
fn check_refusal(
    call: &Call,
    by_name: &HashMap<&str, Vec<&Holding>>,
    hidden: &[&Call],
) -> Option<Violation> {
    let Outcome::Invalid(fields) = &call.outcome else { return None };
    let name = call.asked.body.get("name")?.as_str()?;
    let held = by_name.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut others = held.iter().filter(|holding| holding.stage != call.asked.stage);
    let (is_right, description) = if fields.iter().any(|field| field == "name") {
        let is_hidden = hidden.iter().any(|other| {
            other.start < call.end && other.asked.body.get("name") == call.asked.body.get("name")
        });
        let is_taken = is_hidden || others.any(|holding| holding.can_be_during(call));
        (is_taken, "free during the whole call")
    } else {
        (!others.any(|holding| holding.must_outlast(call)), "taken during the whole call")
    };
    (!is_right).then(|| violation(Rule::Refusal, format!("{name} was {description}: {call:?}")))
}
