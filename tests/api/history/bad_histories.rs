//! Impossible histories, made from real ones.

mod lifetimes;
mod lists;

use crate::harness::history::{
    call::{Call, Outcome},
    check::Rule,
    fixture::MAPPING,
};

/// Makes a history impossible. Returns none if the history has no suitable call.
type Falsify = fn(&mut Vec<Call>) -> Option<()>;

/// What is false, the rule that is broken, and how the history is made.
pub type BadHistory = (&'static str, Rule, Falsify);

/// Every kind of impossible history.
pub fn bad_histories() -> impl Iterator<Item = &'static BadHistory> {
    CHANGES.iter().chain(lifetimes::LIFETIMES).chain(lists::LISTS)
}

/// Histories with impossible changes of a stage.
const CHANGES: &[BadHistory] = &[
    ("an acknowledged write is missing", Rule::Written, |calls| {
        let lost =
            (0..calls.len()).rfind(|place| is_the_only_explanation(&calls[*place], calls))?;
        calls.remove(lost);
        Some(())
    }),
    ("a write is undone", Rule::Document, |calls| {
        let changed = calls.iter_mut().rfind(|call| is_written(call))?;
        let Outcome::Shown(shown) = &mut changed.outcome else { return None };
        shown.document = shown.document.replace("\"from_number\":\"", "\"from_number\":\"0").into();
        Some(())
    }),
    ("a read shows an older version than an earlier read", Rule::Time, |calls| {
        let last = calls.last()?.clone();
        let newest = &last.shown()?.tag;
        let of_the_stage = calls.iter().rev().filter(|call| call.stage() == last.stage());
        let mut shown = of_the_stage.filter_map(Call::shown);
        let older = shown.find(|shown| shown.tag != *newest)?.clone();
        calls.push(Call { outcome: Outcome::Shown(older), ..after(&last) });
        Some(())
    }),
    ("a change of the version in If-Match was answered 412", Rule::Refusal, |calls| {
        let tag = calls.last()?.shown()?.tag.clone();
        refuse(calls, "verify_only", true.into(), Outcome::PreconditionFailed)?;
        calls.last_mut()?.asked.if_match = vec![tag];
        Some(())
    }),
    ("a name that no stage ever had was refused as taken", Rule::Refusal, |calls| {
        let outcome = Outcome::Invalid(vec!["name".to_owned()]);
        refuse(calls, "name", "unused".into(), outcome)
    }),
    ("a reference to an existing row was refused as unknown", Rule::Refusal, |calls| {
        let outcome = Outcome::Invalid(vec!["mapping".to_owned()]);
        refuse(calls, "mapping", MAPPING.into(), outcome)
    }),
];

fn is_written(call: &Call) -> bool {
    call.asked.is_change() && !call.asked.is_creation() && call.shown().is_some()
}

/// Whether only this call can have written its value: an earlier call was shown another value, a
/// later call was shown this one, and no other call sent it. Removing such a call makes the history
/// impossible; removing one of the others may not.
fn is_the_only_explanation(call: &Call, calls: &[Call]) -> bool {
    let of_the_stage =
        || calls.iter().filter(|other| other.stage() == call.stage() && other.id != call.id);
    ["from_number", "account_sid", "friendly_name"].iter().any(|field| {
        let Some(value) = call.asked.body.get(*field) else { return false };
        let text = format!("\"{field}\":{value}");
        let is_shown = |other: &Call| other.shown().map(|shown| shown.document.contains(&text));
        is_written(call)
            && of_the_stage().all(|other| other.asked.body.get(*field) != Some(value))
            && of_the_stage().any(|other| other.end < call.start && is_shown(other) == Some(false))
            && of_the_stage().any(|other| other.start > call.end && is_shown(other) == Some(true))
    })
}

/// A copy of the last call, after all others.
fn after(last: &Call) -> Call {
    Call { id: last.id + 2, start: last.end + 1, end: last.end + 2, ..last.clone() }
}

/// Adds a change that was refused.
fn refuse(
    calls: &mut Vec<Call>,
    field: &str,
    value: serde_json::Value,
    outcome: Outcome,
) -> Option<()> {
    let mut refused = after(calls.last()?);
    refused.asked.body.insert(field.to_owned(), value);
    calls.push(Call { outcome, ..refused });
    Some(())
}
