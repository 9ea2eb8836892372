//! Findings as text, each with what to do about it.

use super::Outcome;
use authenticator_sms_stage::{
    access::token::HASH_DIGITS_SHOWN,
    import::quote::quoted,
    store::{
        admin::UnreadableItem,
        check::{Finding, LockFault, LockFinding},
        key::{ID, Kind},
        schema::Unreadable,
        time,
    },
};

/// Returns a finding's line, with the repair that was made or, without one, what to do.
pub fn line(finding: &Finding, outcome: &Outcome) -> String {
    let (words, advice) = match finding {
        Finding::Unreadable(item) => unreadable(item),
        Finding::Lock(lock) => described(lock),
        Finding::DanglingReference { stage, field, row } => (
            format!("STAGE {stage}: {} refers to {row}, which is not in the table", field.as_str()),
            "load that row, or set the field to null".to_owned(),
        ),
        Finding::ExpiredToken { id, expired } => (
            format!("note: TOKEN {}: expired at {}", token(id), time::format(*expired)),
            "the table's time to live deletes it within days; --repair deletes it now".to_owned(),
        ),
    };
    match outcome {
        Outcome::Settled(how) => format!("{words}: {how}"),
        // The advice is for what was found first.
        Outcome::Changed => {
            format!("{words} (it changed meanwhile and was not repaired; check again)")
        }
        Outcome::Left => format!("{words} ({advice})"),
    }
}

/// Returns the digits of a token's hash that are shown.
pub fn token(id: &str) -> String {
    id.chars().take(HASH_DIGITS_SHOWN).collect()
}

fn unreadable(item: &UnreadableItem) -> (String, String) {
    let UnreadableItem { key, why } = item;
    let shown = if key.kind == Kind::Token { token(&key.id) } else { key.id.clone() };
    let advice = match (why, key.kind) {
        // The commands would use another key.
        (Unreadable::Attribute(ID), _) => {
            "no command can use such a key; delete the item by hand".to_owned()
        }
        (Unreadable::Schema(Some(_)), _) => {
            "if a newer version of this program wrote it, use that version".to_owned()
        }
        (_, Kind::Stage) => format!(
            "repair the item by hand, or delete it with `sms-stage delete --force {shown}` and \
             load the stage again"
        ),
        (_, Kind::Token) => {
            format!("repair the item by hand, or revoke it: `sms-stage token revoke {shown}`")
        }
        (_, Kind::Flow | Kind::Mapping | Kind::Name) => {
            "load it again with `sms-stage load --replace`".to_owned()
        }
    };
    (format!("{} {shown}: cannot be read: {why}", key.kind.as_str()), advice)
}

fn described(lock: &LockFinding) -> (String, String) {
    let words = match &lock.fault {
        LockFault::Missing(stage) => format!("the lock of the stage {stage} is missing"),
        LockFault::Unreadable(why) => format!("the lock cannot be read: {why}"),
        LockFault::NoStage(owner) => {
            format!("the lock belongs to the stage {owner}, which does not exist")
        }
        LockFault::OtherName(owner) => {
            format!("the lock belongs to the stage {owner}, which has another name")
        }
        LockFault::WrongOwner(owner, stage) => {
            format!("the lock belongs to {owner}, which does not have the name; stage {stage} does")
        }
        LockFault::Shared(stages) => {
            let stages: Vec<_> = stages.iter().map(ToString::to_string).collect();
            format!("several stages have this name: {}", stages.join(", "))
        }
    };
    let name = lock.name.as_ref().map(|name| format!(" ({})", quoted(name))).unwrap_or_default();
    (format!("NAME {}{name}: {words}", lock.id), advice(lock).to_owned())
}

fn advice(lock: &LockFinding) -> &'static str {
    match &lock.fault {
        _ if lock.is_repairable => "--repair fixes it",
        LockFault::Shared(_) => {
            "save one of them with `get --show-secrets`, delete it with `delete --force`, and \
             load it with another name"
        }
        LockFault::Unreadable(_) => {
            "first repair the stages that cannot be read; if a newer version of this program wrote \
             it, check with that version"
        }
        _ => "other writers changed it meanwhile; check again",
    }
}
