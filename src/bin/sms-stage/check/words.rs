//! Findings in words, each with what to do about it.

use authenticator_sms_stage::{
    access::token::HASH_DIGITS_SHOWN,
    store::{
        admin::UnreadableItem,
        check::{Finding, LockFault, LockFinding},
        item::Unreadable,
        key::{ID, Kind},
        time,
    },
};

/// One line for a finding; with what was done about it, if something was.
pub fn line(finding: &Finding, mended: Option<&str>) -> String {
    let (words, advice) = match finding {
        Finding::Unreadable(item) => unreadable(item),
        Finding::Lock(lock) => described(lock),
        Finding::DanglingReference { stage, field, row } => (
            format!("STAGE {stage}: {} refers to {row}, which is not in the table", field.as_str()),
            "load that row, or set the field to null".to_owned(),
        ),
        Finding::ExpiredToken { id, expired } => (
            format!("note: TOKEN {}: ended at {}", token(id), time::format(*expired)),
            "the table's time to live takes it out within days, and --repair at once".to_owned(),
        ),
    };
    match mended {
        Some(mended) => format!("{words}: {mended}"),
        None => format!("{words} ({advice})"),
    }
}

/// The digits by which a token is named.
pub fn token(id: &str) -> String {
    id.chars().take(HASH_DIGITS_SHOWN).collect()
}

fn unreadable(item: &UnreadableItem) -> (String, String) {
    let UnreadableItem { key, why } = item;
    let shown = if key.kind == Kind::Token { token(&key.id) } else { key.id.clone() };
    let advice = match (why, key.kind) {
        // The commands would ask for another key.
        (Unreadable::Attribute(ID), _) => {
            "no command asks for such a key: take the item out by hand".to_owned()
        }
        (Unreadable::Schema(Some(_)), _) => {
            "if a newer version of this program wrote it, work on it with that".to_owned()
        }
        (_, Kind::Stage) => format!(
            "mend the item by hand, or delete it with `sms-stage delete --force {shown}` and load \
             the stage again"
        ),
        (_, Kind::Token) => {
            format!("mend the item by hand, or revoke it: `sms-stage token revoke {shown}`")
        }
        (_, Kind::Flow | Kind::Mapping | Kind::Name) => {
            "load it again with `sms-stage load --replace`".to_owned()
        }
    };
    (format!("{} {shown}: cannot be read: {why}", key.kind.as_str()), advice)
}

fn described(lock: &LockFinding) -> (String, String) {
    let words = match &lock.fault {
        LockFault::Missing(stage) => format!("the stage {stage} has no lock of its name"),
        LockFault::Unreadable(why) => format!("the lock cannot be read: {why}"),
        LockFault::NoStage(owner) => {
            format!("the lock is of the stage {owner}, which is not there")
        }
        LockFault::OtherName(owner) => {
            format!("the lock is of the stage {owner}, which has another name")
        }
        LockFault::WrongOwner(owner, stage) => {
            format!("the lock is of {owner}, which does not have the name; the stage {stage} does")
        }
        LockFault::Shared(stages) => {
            let stages: Vec<_> = stages.iter().map(ToString::to_string).collect();
            format!("several stages have this name: {}", stages.join(", "))
        }
    };
    let name = lock.name.as_ref().map(|name| format!(" ({name:?})")).unwrap_or_default();
    (format!("NAME {}{name}: {words}", lock.id), advice(lock).to_owned())
}

fn advice(lock: &LockFinding) -> &'static str {
    match &lock.fault {
        _ if lock.is_mendable => "--repair mends it",
        LockFault::Shared(_) => {
            "get one of them with --show-secrets, delete it with --force, and load it with another \
             name"
        }
        LockFault::Unreadable(_) => {
            "mend the stages that cannot be read first; if a newer version of this program wrote \
             it, check with that"
        }
        _ => "other writers came first; check again",
    }
}
