//! Checks a history with a published checker: `todc-utils`, which implements Wing and Gong's search
//! with Lowe's memoization.
//!
//! It uses less information than the project's own check, so it has to search: it knows which
//! document and tag each answer showed, but not which revision a call wrote. All stages are one
//! object here, so all refusals, reads and writes must fit into one order. A list is one read for
//! each stage, because DynamoDB isolates a query from other writes only item by item. Memory use
//! grows with the square of the history, so only small runs use this checker.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use todc_utils::{
    linearizability::{
        WGLChecker,
        history::{Action, History as Actions},
    },
    specifications::Specification,
};

use crate::harness::history::{
    call::{Asked, Call, Document, Instant, Outcome, SeenWrite},
    check::History,
    model::{self, Model},
};

/// Whether there is an order in which the calls can have happened.
pub fn is_linearizable(history: &History) -> bool {
    WGLChecker::<Specified>::is_linearizable(Actions::from_actions(actions(history)))
}

/// All stages, by UUID.
type Stages = BTreeMap<Arc<str>, Stage>;

/// How the stages behave.
struct Specified;

/// An effect at one instant.
#[derive(Clone, Debug)]
enum Operation {
    /// The initial state.
    Begin(Stages),
    /// A creation, with the tag and the document in its answer if they are those of this write.
    Create(Arc<str>, Asked, Option<String>, Option<Document>, Arc<Model>),
    /// A write, with the tag and the document in its answer if they are those of this write.
    Write(Asked, Option<String>, Option<Document>, Arc<Model>),
    /// A deletion.
    Delete(Asked),
    /// A read of a version.
    Read(Asked, String, Document),
    /// A stage as a list shows it.
    Listed(Arc<str>, Vec<Document>),
    /// The stage does not exist.
    Missing(Arc<str>),
    /// A refusal because of some fields.
    Refuse(Refusal, Arc<Model>),
    /// A refusal because of the version.
    RefuseVersion(Asked),
}

/// A refusal because of some fields.
#[derive(Clone, Debug)]
struct Refusal {
    asked: Asked,
    fields: Vec<String>,
    /// Whether the stage was looked up before the fields were refused.
    needs_stage: bool,
}

/// A stage. Each step of the search copies and hashes all stages, so both are cheap.
#[derive(Clone, Debug)]
struct Stage {
    /// None if the write's answer was lost.
    tag: Option<Arc<str>>,
    document: Arc<Document>,
    hash: u64,
}

impl Stage {
    fn new(tag: Option<&str>, document: Document) -> Self {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&document);
        Self { tag: tag.map(Arc::from), document: Arc::new(document), hash }
    }

    fn allows(&self, asked: &Asked) -> bool {
        self.tag.as_ref().is_none_or(|tag| asked.allows(tag))
    }
}

impl PartialEq for Stage {
    fn eq(&self, other: &Self) -> bool {
        let is_same = Arc::ptr_eq(&self.document, &other.document);
        self.hash == other.hash
            && self.tag == other.tag
            && (is_same || self.document == other.document)
    }
}

impl Eq for Stage {}

impl Hash for Stage {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
        self.tag.hash(state);
    }
}

impl Specification for Specified {
    type State = Stages;
    type Operation = Operation;

    fn init() -> Stages {
        Stages::new()
    }

    fn apply(operation: &Operation, stages: &Stages) -> (bool, Stages) {
        let unchanged = |is_right: bool| is_right.then(|| stages.clone());
        let after =
            match operation {
                Operation::Begin(first) => Some(first.clone()),
                Operation::Create(stage, asked, tag, shown, model) => {
                    create(stage, asked, (tag.as_deref(), shown.as_ref()), model, stages)
                }
                Operation::Write(asked, tag, shown, model) => {
                    write(asked, (tag.as_deref(), shown.as_ref()), model, stages)
                }
                Operation::Delete(asked) => delete(asked, stages),
                Operation::Read(asked, tag, shown) => read(asked, tag, shown, stages),
                Operation::Listed(stage, shown) => listed(stage, shown, stages),
                Operation::Missing(stage) => unchanged(!stages.contains_key(stage)),
                Operation::Refuse(refusal, model) => unchanged(refusal.is_right(model, stages)),
                Operation::RefuseVersion(asked) => {
                    let stage = stages.get(&asked.stage);
                    unchanged(stage.is_some_and(|stage| {
                        !stage.tag.as_ref().is_some_and(|tag| asked.allows(tag))
                    }))
                }
            };
        let is_possible = after.is_some();
        (is_possible, after.unwrap_or_else(|| stages.clone()))
    }
}

/// The tag and the document in an answer.
type Answered<'a> = (Option<&'a str>, Option<&'a Document>);

fn create(
    stage: &Arc<str>,
    asked: &Asked,
    answered: Answered<'_>,
    model: &Model,
    stages: &Stages,
) -> Option<Stages> {
    if stages.contains_key(stage) || is_name_taken(asked, stages) {
        return None;
    }
    let mut document = model.create(&asked.body).ok()?;
    document["pk"] = (&**stage).into();
    put(stage, document, answered, stages)
}

fn write(asked: &Asked, answered: Answered<'_>, model: &Model, stages: &Stages) -> Option<Stages> {
    let stage = stages.get(&asked.stage)?;
    if !stage.allows(asked) || is_name_taken(asked, stages) {
        return None;
    }
    let document = model.apply(&stage.document, &asked.body).ok()?;
    put(&asked.stage, document, answered, stages)
}

fn put(
    stage: &Arc<str>,
    mut document: Document,
    (tag, shown): Answered<'_>,
    stages: &Stages,
) -> Option<Stages> {
    if let Some(shown) = shown {
        model::copy_generated_keys(&mut document, shown)?;
    }
    let mut after = stages.clone();
    after.insert(Arc::clone(stage), Stage::new(tag, document));
    Some(after)
}

fn delete(asked: &Asked, stages: &Stages) -> Option<Stages> {
    let mut after = stages.clone();
    after.remove(&asked.stage).filter(|stage| stage.allows(asked))?;
    Some(after)
}

fn read(asked: &Asked, tag: &str, shown: &Document, stages: &Stages) -> Option<Stages> {
    let stage = stages.get(shown["pk"].as_str()?)?;
    let is_same = stage.tag.as_deref().is_none_or(|known| known == tag);
    if !is_same || !(asked.is_change() || asked.allows(tag)) {
        return None;
    }
    see(&shown["pk"].as_str()?.into(), (Some(tag), Some(shown)), stages)
}

fn listed(stage: &Arc<str>, shown: &[Document], stages: &Stages) -> Option<Stages> {
    let [shown] = shown else { return None };
    let there = stages.get(stage)?;
    see(stage, (there.tag.as_deref(), Some(shown)), stages)
}

/// Shows a stage, and fills in what was not known about it.
fn see(stage: &Arc<str>, (tag, shown): Answered<'_>, stages: &Stages) -> Option<Stages> {
    let there = &stages[stage];
    if there.tag.as_deref() == tag && Some(&*there.document) == shown {
        return Some(stages.clone());
    }
    put(stage, Document::clone(&there.document), (tag, shown), stages)
}

impl Refusal {
    fn is_right(&self, model: &Model, stages: &Stages) -> bool {
        let Self { asked, fields, needs_stage } = self;
        let stage = stages.get(&asked.stage);
        if *needs_stage && stage.is_none() {
            return false;
        }
        let old = stage.map_or(&model.blank, |stage| &*stage.document);
        let mut wrong = model.apply(old, &asked.body).err().unwrap_or_default();
        let is_allowed =
            wrong.contains("provider") || stage.is_none_or(|stage| stage.allows(asked));
        if is_name_taken(asked, stages) {
            wrong.insert("name");
        }
        is_allowed
            && fields.len() == wrong.len()
            && fields.iter().all(|field| wrong.contains(&**field))
    }
}

fn is_name_taken(asked: &Asked, stages: &Stages) -> bool {
    let Some(name) = asked.body.get("name") else { return false };
    let mut others = stages.iter().filter(|(stage, _)| **stage != asked.stage);
    others.any(|(_, other)| other.document["name"] == *name)
}

/// The history in the published checker's form. A process in it does one operation at a time, so
/// each operation is its own process.
fn actions(history: &History) -> Vec<(usize, Action<Operation>)> {
    let first = |stage: &Arc<str>| {
        let shown = history.calls.iter().filter(|call| call.asked.stage == *stage);
        let shown = shown.filter_map(Call::shown).next().unwrap();
        Stage::new(Some(&shown.tag), shown.parse())
    };
    let begin = history.first.iter().map(|stage| (Arc::clone(stage), first(stage)));
    let begin = Operation::Begin(begin.collect());
    let (stages, model) = (history.stages(), Arc::new(history.model.clone()));
    let mut events = Vec::new();
    let mut processes = 1;
    for call in &history.calls {
        for operation in operations(call, &model, &stages) {
            let end = end(call, &operation, &history.calls);
            events.push((call.start, (processes, Action::Call(operation.clone()))));
            events.push((end, (processes, Action::Response(operation))));
            processes += 1;
        }
    }
    events.sort_by_key(|(instant, _)| *instant);
    let begin = [(0, Action::Call(begin.clone())), (0, Action::Response(begin))];
    begin.into_iter().chain(events.into_iter().map(|(_, event)| event)).collect()
}

/// The end of an operation. A list's reads are in no order, and the search tries all combinations of
/// those in progress. The read of a stage that is not written during the list sees the same at any
/// of its instants, so it is given only the first, and the search stays small.
fn end(call: &Call, operation: &Operation, calls: &[Call]) -> Instant {
    let (Operation::Listed(stage, _) | Operation::Missing(stage)) = operation else {
        return call.end;
    };
    let writes_it = |other: &Call| {
        let may_write = other.asked.is_change() || other.asked.is_deletion();
        may_write
            && matches!(other.outcome, Outcome::Shown(_) | Outcome::Deleted | Outcome::Unknown)
            && other.stage().as_ref() == Some(stage)
    };
    let mut during = calls.iter().filter(|other| other.start < call.end && call.start < other.end);
    if call.asked.is_list() && !during.any(writes_it) { call.start } else { call.end }
}

/// The effects of a call.
fn operations(call: &Call, model: &Arc<Model>, stages: &BTreeSet<Arc<str>>) -> Vec<Operation> {
    let asked = call.asked.clone();
    match &call.outcome {
        Outcome::Listed(_) => stages.iter().map(|stage| seen_by_list(call, stage)).collect(),
        Outcome::Deleted => vec![Operation::Delete(asked)],
        Outcome::Missing => vec![Operation::Missing(asked.stage)],
        Outcome::Shown(_) => shown(call, model),
        Outcome::Invalid(fields) => refusals(&asked, fields, model),
        Outcome::PreconditionFailed => vec![Operation::RefuseVersion(asked)],
        // Nothing is known about the effect.
        Outcome::Conflict | Outcome::Unexpected(_) => Vec::new(),
        Outcome::Unknown => match &call.seen_write {
            Some(SeenWrite::Deleted) => vec![Operation::Delete(asked)],
            Some(SeenWrite::Written { stage, tag }) => {
                vec![written(call, stage, Some(tag.clone()), None, model)]
            }
            None => Vec::new(),
        },
    }
}

fn seen_by_list(call: &Call, stage: &Arc<str>) -> Operation {
    let listed = call.listed().unwrap_or_default().iter();
    let listed = listed.filter(|listed| listed.stage == *stage);
    let shown: Vec<Document> =
        listed.map(|listed| serde_json::from_str(&listed.document).unwrap()).collect();
    if shown.is_empty() {
        return Operation::Missing(Arc::clone(stage));
    }
    Operation::Listed(Arc::clone(stage), shown)
}

/// A call whose answer was dropped wrote one version and may have been shown a later one.
fn shown(call: &Call, model: &Arc<Model>) -> Vec<Operation> {
    let Some(shown) = call.shown() else { return Vec::new() };
    let (tag, document) = (shown.tag.clone(), shown.parse());
    let stage = shown.stage();
    let read = Operation::Read(call.asked.clone(), tag.clone(), document.clone());
    match call.written_tag() {
        _ if !call.asked.is_change() => vec![read],
        Some(seen_write) if *seen_write != tag => {
            vec![written(call, &stage, Some(seen_write.to_owned()), None, model), read]
        }
        _ => vec![written(call, &stage, Some(tag), Some(document), model)],
    }
}

fn written(
    call: &Call,
    stage: &Arc<str>,
    tag: Option<String>,
    shown: Option<Document>,
    model: &Arc<Model>,
) -> Operation {
    let asked = call.asked.clone();
    if asked.is_creation() {
        return Operation::Create(Arc::clone(stage), asked, tag, shown, model.clone());
    }
    Operation::Write(asked, tag, shown, model.clone())
}

/// A refusal at one instant; or, if the body itself is invalid and the table was only asked for
/// further errors, one refusal for the name and one for the rest.
fn refusals(asked: &Asked, fields: &[String], model: &Arc<Model>) -> Vec<Operation> {
    if !fields.iter().any(|field| field == "provider") {
        let (asked, fields) = (asked.clone(), fields.to_vec());
        let needs_stage = !asked.is_creation();
        return vec![Operation::Refuse(Refusal { asked, fields, needs_stage }, model.clone())];
    }
    let part = |of: fn(&str) -> bool| {
        let body = asked.body.iter().filter(|(field, _)| of(field));
        let body = body.map(|(field, value)| (field.clone(), value.clone())).collect();
        let fields = fields.iter().filter(|field| of(field)).cloned().collect();
        let asked = Asked { body, if_match: Vec::new(), ..asked.clone() };
        Operation::Refuse(Refusal { asked, fields, needs_stage: false }, model.clone())
    };
    vec![part(|field| field == "name"), part(|field| field != "name")]
}
