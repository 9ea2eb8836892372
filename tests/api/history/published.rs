//! Confirms a history by a published checker: `todc-utils`, which implements Wing and Gong's search
//! with Lowe's memory.
//!
//! It knows less than our own check, and so has to search: not which revision a call wrote, only which
//! document and tag each answer showed. All stages are one object here, so that the refusals, reads and
//! writes of all of them must fit into one order. Its memory grows with the square of the history, so
//! it is used for small runs only.

use serde_json::Value;
use todc_utils::{
    linearizability::{
        WGLChecker,
        history::{Action, History as Actions},
    },
    specifications::Specification,
};

use crate::harness::history::{
    check::History,
    model::{self, Model},
    recorder::{Asked, Call, Document, Outcome},
};

/// Whether the calls can have happened in some order.
pub fn is_linearizable(history: &History) -> bool {
    WGLChecker::<Stages>::is_linearizable(Actions::from_actions(actions(history)))
}

/// All stages.
struct Stages;

/// An effect at one instant.
#[derive(Clone, Debug)]
enum Operation {
    /// The first state.
    Begin(Vec<Stage>),
    /// A write; with the tag and the document of its answer, if they are those of the write.
    Write(Asked, Option<String>, Option<Document>, Model),
    /// A version that was shown.
    Read(Asked, String, Document),
    /// A refusal of these fields.
    Refuse(Asked, Vec<String>, Model),
    /// A refusal of the version.
    RefuseVersion(Asked),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stage {
    /// None if the write's answer was lost.
    tag: Option<String>,
    document: Value,
}

impl Stage {
    fn document(&self) -> &Document {
        self.document.as_object().unwrap()
    }

    fn allows(&self, asked: &Asked) -> bool {
        self.tag.as_ref().is_none_or(|tag| asked.allows(tag))
    }
}

impl Specification for Stages {
    type State = Vec<Stage>;
    type Operation = Operation;

    fn init() -> Vec<Stage> {
        Vec::new()
    }

    fn apply(operation: &Operation, stages: &Vec<Stage>) -> (bool, Vec<Stage>) {
        let after = match operation {
            Operation::Begin(first) => Some(first.clone()),
            Operation::Write(asked, tag, shown, model) => {
                write(asked, tag.as_ref(), shown.as_ref(), model, stages)
            }
            Operation::Read(asked, tag, shown) => read(asked, tag, shown, stages),
            Operation::Refuse(asked, fields, model) => {
                let is_right = is_refusal_right(asked, fields, model, stages);
                is_right.then(|| stages.clone())
            }
            Operation::RefuseVersion(asked) => {
                let tag = &stages[asked.stage].tag;
                let is_right = !tag.as_ref().is_some_and(|tag| asked.allows(tag));
                is_right.then(|| stages.clone())
            }
        };
        let is_possible = after.is_some();
        (is_possible, after.unwrap_or_else(|| stages.clone()))
    }
}

fn write(
    asked: &Asked,
    tag: Option<&String>,
    shown: Option<&Document>,
    model: &Model,
    stages: &[Stage],
) -> Option<Vec<Stage>> {
    let stage = &stages[asked.stage];
    if !stage.allows(asked) || is_name_taken(asked, stages) {
        return None;
    }
    let mut document = model.apply(stage.document(), &asked.body).ok()?;
    if let Some(shown) = shown {
        model::settle(&mut document, shown)?;
    }
    let mut after = stages.to_vec();
    after[asked.stage] = Stage { tag: tag.cloned(), document: document.into() };
    Some(after)
}

fn read(asked: &Asked, tag: &String, shown: &Document, stages: &[Stage]) -> Option<Vec<Stage>> {
    let stage = &stages[asked.stage];
    let is_same = stage.tag.as_ref().is_none_or(|known| known == tag);
    if !is_same || !(asked.is_change() || asked.allows(tag)) {
        return None;
    }
    let mut document = stage.document().clone();
    model::settle(&mut document, shown)?;
    let mut after = stages.to_vec();
    after[asked.stage] = Stage { tag: Some(tag.clone()), document: document.into() };
    Some(after)
}

fn is_refusal_right(asked: &Asked, fields: &[String], model: &Model, stages: &[Stage]) -> bool {
    let stage = &stages[asked.stage];
    let mut wrong = model.apply(stage.document(), &asked.body).err().unwrap_or_default();
    let is_allowed = wrong.contains("provider") || stage.allows(asked);
    if is_name_taken(asked, stages) {
        wrong.insert("name");
    }
    is_allowed && fields.len() == wrong.len() && fields.iter().all(|field| wrong.contains(&**field))
}

fn is_name_taken(asked: &Asked, stages: &[Stage]) -> bool {
    let Some(name) = asked.body.get("name") else { return false };
    let mut others = stages.iter().enumerate().filter(|(place, _)| *place != asked.stage);
    others.any(|(_, other)| other.document["name"] == *name)
}

/// The history in the published checker's form. Its processes do one operation at a time, so each
/// operation is a process of its own.
fn actions(history: &History) -> Vec<(usize, Action<Operation>)> {
    let first = |stage| history.calls.iter().find(|call| call.asked.stage == stage);
    let begin = (0..history.stages).map(|stage| {
        let shown = first(stage).and_then(Call::shown).unwrap();
        Stage { tag: Some(shown.tag.clone()), document: shown.parse().into() }
    });
    let begin = Operation::Begin(begin.collect());
    let mut events = Vec::new();
    let mut processes = 1;
    for call in &history.calls {
        for operation in operations(call, &history.model) {
            events.push((call.start, (processes, Action::Call(operation.clone()))));
            events.push((call.end, (processes, Action::Response(operation))));
            processes += 1;
        }
    }
    events.sort_by_key(|(instant, _)| *instant);
    let begin = [(0, Action::Call(begin.clone())), (0, Action::Response(begin))];
    begin.into_iter().chain(events.into_iter().map(|(_, event)| event)).collect()
}

/// The effects of a call. A call whose answer was dropped wrote one version and may have been shown
/// a later one.
fn operations(call: &Call, model: &Model) -> Vec<Operation> {
    let asked = call.asked.clone();
    let landed = call.landed.as_ref().map(|landed| landed.tag.clone());
    match &call.outcome {
        Outcome::Shown(shown) => {
            let (tag, document) = (shown.tag.clone(), shown.parse());
            let read = Operation::Read(asked.clone(), tag.clone(), document.clone());
            match landed {
                _ if !call.asked.is_change() => vec![read],
                Some(landed) if landed != tag => {
                    vec![Operation::Write(asked, Some(landed), None, model.clone()), read]
                }
                _ => vec![Operation::Write(asked, Some(tag), Some(document), model.clone())],
            }
        }
        Outcome::Invalid(fields) => refusals(&asked, fields, model),
        Outcome::PreconditionFailed => vec![Operation::RefuseVersion(asked)],
        // Nothing is known of its effect.
        Outcome::Conflict | Outcome::Unexpected(_) => Vec::new(),
        Outcome::Unknown => {
            let written = landed.filter(|_| call.asked.is_change());
            written
                .map(|tag| Operation::Write(asked, Some(tag), None, model.clone()))
                .into_iter()
                .collect()
        }
    }
}

/// A refusal at one instant; or, where the body itself is invalid and the table was only asked for
/// further errors, one for the name and one for the rest.
fn refusals(asked: &Asked, fields: &[String], model: &Model) -> Vec<Operation> {
    if !fields.iter().any(|field| field == "provider") {
        return vec![Operation::Refuse(asked.clone(), fields.to_vec(), model.clone())];
    }
    let part = |of: fn(&str) -> bool| {
        let body = asked.body.iter().filter(|(field, _)| of(field));
        let body = body.map(|(field, value)| (field.clone(), value.clone())).collect();
        let fields = fields.iter().filter(|field| of(field)).cloned().collect();
        let asked = Asked { body, if_match: Vec::new(), ..asked.clone() };
        Operation::Refuse(asked, fields, model.clone())
    };
    vec![part(|field| field == "name"), part(|field| field != "name")]
}
