//! The files that operators load: authentik's own API answers, and this program's own format.
//!
//! A file is one object, a list of objects, or a page of a list (`{"pagination": …, "results": […]}`),
//! as authentik answers with them: stages, and the flows and webhook mappings that they refer to. Or
//! it is an object with any of the lists `stages`, `flows`, `mappings` and `tokens`.
//!
//! Every document is one that the API could have written: its fields are read by what reads a
//! request's body. What the API derives (`component`, `export_url`, …) is not read.

use std::{collections::HashSet, fmt};

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    flow::{Flow, FlowChange},
    patch::{self, Change, Completeness, StagePatch},
    permission::{Caller, Token, TokenHash, TokenKey},
    stage::Stage,
    validation::{
        self, Blank, ElementError, Field, FieldError, FlowField, Problem, ValidationError,
    },
};

/// What stands for a credential where it is not shown. It is never loaded: it would take the
/// credential's place.
pub const MASK: &str = "[masked; --show-secrets shows it]";

/// authentik's name for what a stage is.
const STAGE_MODEL: &str = "authentik_stages_authenticator_sms.authenticatorsmsstage";

/// What is to be put into the table.
#[derive(Debug, Default)]
pub struct Documents {
    pub(super) stages: Vec<Stage>,
    pub(super) flows: Vec<Flow>,
    pub(super) mappings: Vec<Mapping>,
    pub(super) tokens: Vec<(TokenHash, Token)>,
    /// Which page of how many the file is, if there are more after it.
    pages: Option<(u64, u64)>,
}

/// A row that `mapping` may point to.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) pk: Uuid,
    pub(super) name: String,
}

/// Why a file cannot be loaded. Nothing of it was.
#[derive(Debug)]
pub enum Unreadable {
    /// It is not JSON.
    Json(serde_json::Error),
    /// It is JSON, and none of the shapes that are taken.
    Shape(&'static str),
    /// These of its documents are not as they must be.
    Documents(Vec<Faulty>),
}

/// A document with something wrong in it.
#[derive(Debug)]
pub struct Faulty {
    /// Where it is, and which.
    pub document: String,
    /// Everything that is wrong with it.
    pub problems: Vec<String>,
}

impl Unreadable {
    /// All that is wrong, a line for each document that has something wrong in it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Json(error) => vec![format!("it is no JSON: {error}")],
            Self::Shape(problem) => vec![(*problem).to_owned()],
            Self::Documents(faulty) => faulty
                .iter()
                .map(|one| format!("{}: {}", one.document, one.problems.join(" ")))
                .collect(),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for Unreadable {}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stage,
    Flow,
    Mapping,
    Token,
}

/// The lists of this program's own format.
const LISTS: [(&str, Kind); 4] = [
    ("stages", Kind::Stage),
    ("flows", Kind::Flow),
    ("mappings", Kind::Mapping),
    ("tokens", Kind::Token),
];

impl Documents {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// Says where the text is not JSON, or everything that is wrong with any document of it.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        // Windows' own tools write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::default();
        match serde_json::from_str(text).map_err(Unreadable::Json)? {
            Value::Array(elements) => reader.read_list("", elements, None),
            Value::Object(file) => reader.read_object(file)?,
            _ => return Err(Unreadable::Shape("it is no object and no list")),
        }
        if reader.faulty.is_empty() {
            Ok(reader.documents)
        } else {
            Err(Unreadable::Documents(reader.faulty))
        }
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stages.len() + self.flows.len() + self.mappings.len() + self.tokens.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which page of how many the file is, if there are more after it.
    #[must_use]
    pub fn pages(&self) -> Option<(u64, u64)> {
        self.pages
    }
}

#[derive(Default)]
struct Reader {
    documents: Documents,
    faulty: Vec<Faulty>,
}

impl Reader {
    fn read_object(&mut self, mut file: Map<String, Value>) -> Result<(), Unreadable> {
        // authentik's flows have a list `stages`, too, so what has a key of its own comes first.
        if file.contains_key("pk") {
            self.read("the document", Value::Object(file), None);
            return Ok(());
        }
        if let Some(Value::Array(results)) = file.swap_remove("results") {
            self.documents.pages = file.get("pagination").and_then(pages);
            self.read_list("results", results, None);
            return Ok(());
        }
        if !LISTS.iter().any(|(list, _)| file.contains_key(*list)) {
            return Err(Unreadable::Shape(if file.contains_key("detail") {
                "it holds an error that authentik answered with, no documents"
            } else {
                "it has no document in it: neither `pk`, nor `results`, nor any of `stages`, \
                 `flows`, `mappings` and `tokens`"
            }));
        }
        for (list, kind) in LISTS {
            match file.swap_remove(list) {
                None => {}
                Some(Value::Array(elements)) => self.read_list(list, elements, Some(kind)),
                Some(_) => self.refuse(list.to_owned(), vec!["is no list.".to_owned()]),
            }
        }
        Ok(())
    }

    fn read_list(&mut self, list: &str, elements: Vec<Value>, kind: Option<Kind>) {
        for (place, element) in elements.into_iter().enumerate() {
            self.read(&format!("{list}[{place}]"), element, kind);
        }
    }

    fn read(&mut self, place: &str, document: Value, kind: Option<Kind>) {
        let fields = match document {
            Value::Object(fields) => fields,
            _ => return self.refuse(place.to_owned(), vec!["is no object.".to_owned()]),
        };
        let name = match fields.get("name").or_else(|| fields.get("user")) {
            Some(Value::String(name)) => format!("{place} ({name:?})"),
            _ => place.to_owned(),
        };
        let documents = &mut self.documents;
        let read = match kind.map_or_else(|| kind_of(&fields), Ok) {
            Ok(Kind::Stage) => stage(fields).map(|stage| documents.stages.push(stage)),
            Ok(Kind::Flow) => flow(fields).map(|flow| documents.flows.push(flow)),
            Ok(Kind::Mapping) => mapping(fields).map(|row| documents.mappings.push(row)),
            Ok(Kind::Token) => token(fields).map(|token| documents.tokens.push(token)),
            Err(problem) => Err(vec![problem]),
        };
        if let Err(problems) = read {
            self.refuse(name, problems);
        }
    }

    fn refuse(&mut self, document: String, problems: Vec<String>) {
        self.faulty.push(Faulty { document, problems });
    }
}

fn pages(pagination: &Value) -> Option<(u64, u64)> {
    let number = |key| pagination[key].as_u64();
    let (current, all) = (number("current")?, number("total_pages")?);
    (current < all).then_some((current, all))
}

/// Tells what authentik answered with.
fn kind_of(fields: &Map<String, Value>) -> Result<Kind, String> {
    let has = |key: &str| fields.contains_key(key);
    match fields.get("meta_model_name").and_then(Value::as_str) {
        Some(STAGE_MODEL) if has("provider") || has("account_sid") => Ok(Kind::Stage),
        Some(STAGE_MODEL) => Err("is a stage without its own fields; load the answer to \
            GET /stages/authenticator/sms/, not to /stages/all/."
            .to_owned()),
        Some("authentik_events.notificationwebhookmapping") => Ok(Kind::Mapping),
        Some(other) => {
            Err(format!("is a {other}, and neither an SMS stage nor anything that one refers to."))
        }
        None if has("designation") => Ok(Kind::Flow),
        None if has("provider") || has("account_sid") => Ok(Kind::Stage),
        None if has("expression") => Ok(Kind::Mapping),
        None => Err("is neither a stage nor a flow nor a mapping.".to_owned()),
    }
}

/// Reads a stage as authentik answers with it.
///
/// A request may leave out what has a default. A document that does so is no whole answer, and
/// whether the default is meant is not ours to guess.
fn stage(mut fields: Map<String, Value>) -> Result<Stage, Vec<String>> {
    let mut problems = Problems::default();
    let stage_uuid = problems.key(&mut fields, "", "pk");
    for field in Field::ALL.into_iter().filter(|field| !fields.contains_key(field.as_str())) {
        problems.add("", field.as_str(), &Problem::Required, remedy(field, &Problem::Required));
    }
    let flows = fields.get_mut("flow_set").and_then(Value::as_array_mut);
    let made: Vec<_> = (flows.into_iter().flatten().enumerate())
        .filter_map(|(place, flow)| problems.made(&format!("flow_set[{place}]."), flow))
        .collect();
    let mut keys = HashSet::new();
    if let Some(made) = made.iter().find(|made| !keys.insert(made.pk)) {
        problems.0.push(format!("flow_set: two flows have the pk {}.", made.pk));
    }
    let patch = match patch::parse(Value::Object(fields), Completeness::Partial) {
        Ok(patch) => patch,
        Err(rejected) => {
            problems.0.extend(spelled_out(&rejected.errors, remedy));
            rejected.accepted
        }
    };
    for (field, secret) in [("auth", &patch.auth), ("auth_password", &patch.auth_password)] {
        if secret.as_ref().is_some_and(|secret| secret.reveal() == MASK) {
            problems.0.push(format!("{field}: is masked; get the stage with --show-secrets."));
        }
    }
    let stage = stage_uuid.and_then(|pk| assembled(pk, patch, made));
    stage.filter(|_| problems.0.is_empty()).ok_or(problems.0)
}

/// The stage of a patch that names every field.
fn assembled(stage_uuid: Uuid, patch: StagePatch, made: Vec<Made>) -> Option<Stage> {
    let flow_set = patch.flow_set?.iter().zip(made).map(|(flow, made)| made.flow(flow)).collect();
    Some(Stage {
        stage_uuid,
        name: patch.name?,
        flow_set,
        configure_flow: patch.configure_flow.set().map(|flow| flow.uuid),
        friendly_name: match patch.friendly_name {
            Change::Set(name) => Some(name),
            Change::Keep | Change::Clear => None,
        },
        provider: patch.provider?,
        from_number: patch.from_number?,
        account_sid: patch.account_sid?,
        auth: patch.auth?,
        auth_password: patch.auth_password?,
        auth_type: patch.auth_type?,
        verify_only: patch.verify_only?,
        mapping: patch.mapping.set().map(|mapping| mapping.uuid),
    })
}

/// Reads a flow as authentik answers with it.
fn flow(fields: Map<String, Value>) -> Result<Flow, Vec<String>> {
    let mut problems = Problems::default();
    let mut element = Value::Object(fields);
    let made = problems.made("", &mut element);
    // What reads a stage's flows reads this one.
    let body = Map::from_iter([("flow_set".to_owned(), Value::Array(vec![element]))]);
    let change = match patch::parse(Value::Object(body), Completeness::Partial) {
        Ok(patch) => patch.flow_set.and_then(|mut flows| flows.pop()),
        Err(rejected) => {
            let lines = spelled_out(&rejected.errors, remedy).into_iter();
            problems.0.extend(lines.map(|line| line.replacen("flow_set[0].", "", 1)));
            None
        }
    };
    let flow = made.zip(change).map(|(made, change)| made.flow(&change));
    flow.filter(|_| problems.0.is_empty()).ok_or(problems.0)
}

/// What the server makes of a flow, and what a request may leave out.
struct Made {
    pk: Uuid,
    policybindingmodel_ptr_id: Uuid,
    background: String,
}

impl Made {
    fn flow(self, change: &FlowChange) -> Flow {
        let flow = change.apply(None, || (self.pk, self.policybindingmodel_ptr_id));
        Flow { background: self.background, ..flow }
    }
}

fn mapping(mut fields: Map<String, Value>) -> Result<Mapping, Vec<String>> {
    let mut problems = Problems::default();
    let pk = problems.key(&mut fields, "", "pk");
    let name = problems.text(&mut fields, "", "name", Blank::Refused);
    pk.zip(name).map(|(pk, name)| Mapping { pk, name }).ok_or(problems.0)
}

fn token(mut fields: Map<String, Value>) -> Result<(TokenHash, Token), Vec<String>> {
    let mut problems = Problems::default();
    let user = problems.text(&mut fields, "", "user", Blank::Refused);
    let key = problems.text(&mut fields, "", "key", Blank::Refused);
    let permissions = match fields.swap_remove("permissions") {
        Some(Value::Array(held)) => {
            held.into_iter().map(|held| validation::text(held, Blank::Refused)).collect()
        }
        _ => Err(vec![Problem::NotAString]),
    };
    if permissions.is_err() {
        problems.0.push("permissions: is no list of codenames.".to_owned());
    }
    let expires = match fields.swap_remove("expires") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => timestamp(&text).or_else(|| problems.no_time()),
        Some(_) => problems.no_time(),
    };
    match (user, key, permissions) {
        (Some(user), Some(key), Ok(permissions)) if problems.0.is_empty() => {
            let caller = Caller::new(user, permissions);
            Ok((TokenKey::new(key).hash(), Token { caller, expires }))
        }
        _ => Err(problems.0),
    }
}

/// An RFC 3339 time, in seconds since 1970; one before that has passed, and counts as 1970.
#[must_use]
pub fn timestamp(text: &str) -> Option<u64> {
    let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()?;
    Some(u64::try_from(time.secs()).unwrap_or_default())
}

/// What is wrong with a document, in words, found so far.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, path: &str, field: &str, problem: &Problem, remedy: Option<&str>) {
        self.0.push(line(&format!("{path}{field}"), problem, remedy));
    }

    /// Takes a field out, which has to be there.
    fn take<T>(
        &mut self,
        fields: &mut Map<String, Value>,
        path: &str,
        field: &str,
        kind: impl FnOnce(Value) -> Result<T, Vec<Problem>>,
    ) -> Option<T> {
        let value = fields.swap_remove(field).ok_or_else(|| vec![Problem::Required]);
        let problems = match value.and_then(kind) {
            Ok(value) => return Some(value),
            Err(problems) => problems,
        };
        for problem in &problems {
            self.add(path, field, problem, None);
        }
        None
    }

    fn key(&mut self, fields: &mut Map<String, Value>, path: &str, field: &str) -> Option<Uuid> {
        self.take(fields, path, field, |value| {
            let key = validation::reference(value)?;
            key.map(|key| key.uuid).ok_or_else(|| vec![Problem::Null])
        })
    }

    fn text(
        &mut self,
        fields: &mut Map<String, Value>,
        path: &str,
        field: &str,
        blank: Blank,
    ) -> Option<String> {
        self.take(fields, path, field, |value| validation::text(value, blank))
    }

    /// Takes out of a flow what a request does not write, and misses what it may leave out.
    fn made(&mut self, path: &str, flow: &mut Value) -> Option<Made> {
        // Of what is no object, the body's own reader complains.
        let fields = flow.as_object_mut()?;
        let pk = self.key(fields, path, "pk");
        let parent = self.key(fields, path, "policybindingmodel_ptr_id");
        let background = self.text(fields, path, "background", Blank::Allowed);
        for field in [
            FlowField::PolicyEngineMode,
            FlowField::CompatibilityMode,
            FlowField::Layout,
            FlowField::DeniedAction,
        ] {
            if !fields.contains_key(field.as_str()) {
                self.add(path, field.as_str(), &Problem::Required, None);
            }
        }
        Some(Made { pk: pk?, policybindingmodel_ptr_id: parent?, background: background? })
    }

    fn no_time(&mut self) -> Option<u64> {
        self.0.push("expires: is no time such as 2030-01-31T12:00:00Z, and not null.".to_owned());
        None
    }
}

/// What to do about a field that an answer of authentik lacks, or has in another form than the
/// contract: authentik up to 2025.8 answers as the contract has it.
fn remedy(field: Field, problem: &Problem) -> Option<&'static str> {
    match (field, problem) {
        (Field::Auth, Problem::Required) => Some(
            "newer authentik keeps it to itself: add it to the document, as the SMS provider gave              it to you",
        ),
        (Field::AuthPassword, Problem::Required) => Some(
            "newer authentik keeps it to itself: add it to the document; \"\" where there is none",
        ),
        (Field::FlowSet, Problem::Required) => {
            Some("newer authentik may leave it out: add it; [] where there are no flows")
        }
        (Field::FriendlyName, Problem::Required | Problem::Blank) => {
            Some("newer authentik has no null here: write null where there is none")
        }
        (_, Problem::Required) => Some("a whole answer of authentik has it"),
        _ => None,
    }
}

fn line(path: &str, problem: &Problem, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{path}: {problem} ({remedy})"),
        None => format!("{path}: {problem}"),
    }
}

/// Everything that is wrong, a line for each, with what to do about it where that can be told.
pub(super) fn spelled_out(
    errors: &ValidationError,
    remedy: impl Fn(Field, &Problem) -> Option<&'static str>,
) -> Vec<String> {
    let mut lines = Vec::new();
    let fields = match errors {
        ValidationError::Body(problem) => return vec![problem.to_string()],
        ValidationError::Fields(fields) => fields,
    };
    for (field, error) in fields {
        let name = field.as_str();
        match error {
            FieldError::Field(problems) => lines.extend(
                problems.iter().map(|problem| line(name, problem, remedy(*field, problem))),
            ),
            FieldError::List(problem) => lines.push(line(name, problem, None)),
            FieldError::Elements(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    spell_out_element(&format!("{name}[{place}]"), element, &mut lines);
                }
            }
        }
    }
    lines
}

fn spell_out_element(path: &str, element: &ElementError, lines: &mut Vec<String>) {
    match element {
        ElementError::Null => lines.push(line(path, &Problem::Null, None)),
        ElementError::NotAnObject(kind) => {
            lines.push(line(path, &Problem::NotAnObject(kind), None));
        }
        ElementError::Fields(fields) => {
            for (field, problems) in fields {
                let path = format!("{path}.{}", field.as_str());
                lines.extend(problems.iter().map(|problem| line(&path, problem, None)));
            }
        }
    }
}
