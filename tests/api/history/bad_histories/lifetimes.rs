//! Histories with impossible creations and deletions of stages.

use serde_json::{Value, json};

use super::{BadHistory, after};
use crate::harness::history::{
    call::{Asked, Call, Document, Outcome, Shown},
    check::Rule,
    fixture::MAPPING,
};

/// The histories.
pub const LIFETIMES: &[BadHistory] = &[
    ("a deleted stage is read", Rule::Time, |calls| {
        let (deletion, shown) = deleted(calls)?;
        let asked = Asked::of("GET", &deletion.asked.stage);
        push(calls, asked, Outcome::Shown(shown))
    }),
    ("a change brings a deleted stage back", Rule::Time, |calls| {
        let (deletion, shown) = deleted(calls)?;
        let body = Document::from_iter([("from_number".to_owned(), json!("back"))]);
        let asked = Asked { body, ..Asked::of("PATCH", &deletion.asked.stage) };
        let mut document = shown.parse();
        document["from_number"] = json!("back");
        let tag = format!("\"{}-ffffffff\"", shown.revision() + 1);
        push(calls, asked, Outcome::Shown(Shown { tag, document: text(document) }))
    }),
    ("a stage is deleted twice", Rule::Once, |calls| {
        let (deletion, _) = deleted(calls)?;
        push(calls, deletion.asked, Outcome::Deleted)
    }),
    ("a stage disappears although no call deleted it", Rule::List, |calls| {
        let (deletion, _) = deleted(calls)?;
        calls.retain(|call| call.id != deletion.id);
        Some(())
    }),
    ("an existing stage is not found", Rule::Refusal, |calls| {
        let stage = calls.last()?.shown()?.stage();
        push(calls, Asked::of("GET", &stage), Outcome::Missing)
    }),
    ("a version that is not in If-Match was deleted", Rule::Precondition, |calls| {
        let deletion = calls.iter_mut().find(|call| matches!(call.outcome, Outcome::Deleted))?;
        deletion.asked.if_match = vec!["\"0-00000000\"".to_owned()];
        Some(())
    }),
    ("a stage exists that no call created", Rule::Written, |calls| {
        let place = calls.iter().position(is_created)?;
        calls.remove(place);
        Some(())
    }),
    ("a new stage has the name of another stage", Rule::Name, |calls| {
        let name = calls.last()?.shown()?.parse()["name"].clone();
        let mut created = calls.iter().find(|call| is_created(call))?.clone();
        let mut document = created.shown()?.parse();
        document["pk"] = json!("ffffffff-0000-4000-8000-000000000000");
        document["name"] = name.clone();
        created.asked.body["name"] = name;
        let shown = Shown { tag: "\"1-ffffffff\"".to_owned(), document: text(document) };
        push(calls, created.asked, Outcome::Shown(shown))
    }),
    ("a new stage has a wrong default", Rule::Document, |calls| {
        let is_suitable =
            |call: &&mut Call| is_created(call) && !call.asked.body.contains_key("auth_type");
        let created = calls.iter_mut().find(is_suitable)?;
        let mut document = created.shown()?.parse();
        document["auth_type"] = json!("bearer");
        let tag = created.shown()?.tag.clone();
        created.outcome = Outcome::Shown(Shown { tag, document: text(document) });
        Some(())
    }),
    ("a new stage was refused for a name that no stage ever had", Rule::Refusal, |calls| {
        refuse(calls, "name", json!("unused"))
    }),
    ("a new stage was refused for a reference to an existing row", Rule::Refusal, |calls| {
        refuse(calls, "mapping", json!(MAPPING))
    }),
];

fn is_created(call: &Call) -> bool {
    call.asked.is_creation() && call.shown().is_some()
}

/// A deletion, and the stage as it was last shown.
fn deleted(calls: &[Call]) -> Option<(Call, Shown)> {
    calls.iter().filter(|call| matches!(call.outcome, Outcome::Deleted)).find_map(|deletion| {
        let of_the_stage = calls.iter().filter(|call| call.stage() == deletion.stage());
        let shown = of_the_stage.filter_map(Call::shown).max_by_key(|shown| shown.revision())?;
        Some((deletion.clone(), shown.clone()))
    })
}

fn text(document: Document) -> std::sync::Arc<str> {
    Value::Object(document).to_string().into()
}

/// Adds a call after all others.
fn push(calls: &mut Vec<Call>, asked: Asked, outcome: Outcome) -> Option<()> {
    let last = after(calls.last()?);
    calls.push(Call { asked, outcome, ..last });
    Some(())
}

/// Adds a creation that was refused because of this field.
fn refuse(calls: &mut Vec<Call>, field: &str, value: Value) -> Option<()> {
    let mut asked = calls.iter().find(|call| is_created(call))?.asked.clone();
    asked.body.insert("name".to_owned(), json!("also unused"));
    asked.body.insert(field.to_owned(), value);
    push(calls, asked, Outcome::Invalid(vec![field.to_owned()]))
}
