//! Histories that cannot have been, made from one that was.

use super::{
    check::Rule,
    record::{Call, Outcome},
    world::MAPPING,
};

/// Makes the history a false one. None if it has nothing that this can be done to.
type Forge = fn(&mut Vec<Call>) -> Option<()>;

/// What is forged, and the rule that it breaks.
pub const FORGERIES: [(&str, Rule, Forge); 6] = [
    ("an acknowledged write is gone", Rule::Written, |calls| {
        let lost = (0..calls.len()).rfind(|place| is_unmistakable(&calls[*place], calls))?;
        calls.remove(lost);
        Some(())
    }),
    ("a write is undone", Rule::Document, |calls| {
        let forged = calls.iter_mut().rfind(|call| is_written(call))?;
        let Outcome::Shown(shown) = &mut forged.outcome else { return None };
        shown.document = shown.document.replace("\"from_number\":\"", "\"from_number\":\"0").into();
        Some(())
    }),
    ("a read shows what another before it showed replaced", Rule::Time, |calls| {
        let last = calls.last()?.clone();
        let newest = &last.shown()?.tag;
        let of_the_stage = calls.iter().rev().filter(|call| call.asked.stage == last.asked.stage);
        let mut shown = of_the_stage.filter_map(Call::shown);
        let older = shown.find(|shown| shown.tag != *newest)?.clone();
        calls.push(Call { outcome: Outcome::Shown(older), ..after(&last) });
        Some(())
    }),
    ("the version was the one that If-Match names", Rule::Refusal, |calls| {
        let tag = calls.last()?.shown()?.tag.clone();
        refuse(calls, "verify_only", true.into(), Outcome::PreconditionFailed)?;
        calls.last_mut()?.asked.if_match = vec![tag];
        Some(())
    }),
    ("a name was taken that no stage ever had", Rule::Refusal, |calls| {
        let outcome = Outcome::Invalid(vec!["name".to_owned()]);
        refuse(calls, "name", "nobody's".into(), outcome)
    }),
    ("a reference was unknown that has a row", Rule::Refusal, |calls| {
        let outcome = Outcome::Invalid(vec!["mapping".to_owned()]);
        refuse(calls, "mapping", MAPPING.into(), outcome)
    }),
];

fn is_written(call: &Call) -> bool {
    call.asked.is_change() && call.shown().is_some()
}

/// Whether nobody else can have done what this call did: somebody before it was shown another value,
/// somebody after it was shown its own, and no other call asked for that. Without such a call the
/// history cannot have been; without another, it may have been all the same.
fn is_unmistakable(call: &Call, calls: &[Call]) -> bool {
    let of_the_stage = || {
        calls.iter().filter(|other| other.asked.stage == call.asked.stage && other.id != call.id)
    };
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

/// The same once more, after everything else.
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
