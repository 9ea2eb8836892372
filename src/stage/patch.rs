//! Turns a request's body into changes, or into all of its problems.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json};

use super::{
    body::Body,
    field::{FIELDS, FLOW_FIELDS, FLOW_SLUG, Field, Kind, Spec},
    flow::{FLOWS_MAX, FlowPatch},
    parse::{self, Parsed, type_name},
    problem::{ElementProblems, FieldProblems, Problem, Problems},
    rules::Rules,
    value::{Change, Value},
};

/// The changes that a body requests. A field that it does not contain keeps its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The change of each field, in the order of [`FIELDS`]; always `Keep` for `flow_set`.
    changes: Vec<Change<Value>>,
    /// The stage's new flows, if the body contains them.
    pub flow_set: Option<Vec<FlowPatch>>,
    /// The keys of rows, as the client spelled them.
    spellings: Vec<(Field, String)>,
    /// Whether every stored secret must be sent along with a new address.
    pub guards_secrets: bool,
}

/// A body with problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// All of its problems.
    pub problems: Problems,
    /// The valid changes. They are still checked against the table, where a name may be taken or a
    /// row missing, so that the client gets all problems at once.
    pub accepted: Patch,
}

/// Which fields a body must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// None: PATCH.
    Partial,
    /// Those without a default in authentik's model: PUT and POST.
    Full,
}

impl Patch {
    /// A patch without changes.
    fn new(rules: &Rules) -> Self {
        Self {
            changes: vec![Change::Keep; FIELDS.len()],
            flow_set: None,
            spellings: Vec::new(),
            guards_secrets: rules.guards_secrets,
        }
    }

    /// Reads the changes that a body requests. Unknown and read-only keys are ignored.
    ///
    /// # Errors
    ///
    /// Lists every invalid field, not only the first, so that a form can mark them all at once.
    pub fn parse(body: Body, rules: &Rules, needs: Completeness) -> Result<Self, Box<Rejected>> {
        let problem = match body {
            Body::Object(fields) => return Self::parse_fields(fields, rules, needs),
            Body::Null => Problem::NoData,
            Body::Other(kind) => Problem::NotAnObject(kind),
        };
        Err(Box::new(Rejected { problems: Problems::Body(problem), accepted: Self::new(rules) }))
    }

    fn parse_fields(
        mut body: Map<String, Json>,
        rules: &Rules,
        needs: Completeness,
    ) -> Result<Self, Box<Rejected>> {
        let mut patch = Self::new(rules);
        let mut problems = BTreeMap::new();
        for field in Field::all().filter(|field| rules.is_writable(*field)) {
            let outcome = match body.swap_remove(field.as_str()) {
                Some(json) => patch.read(field, json, rules),
                None if needs == Completeness::Full && field.spec().required => {
                    Err(FieldProblems::Field(vec![Problem::Required]))
                }
                None => Ok(()),
            };
            if let Err(wrong) = outcome {
                problems.insert(field, wrong);
            }
        }
        if problems.is_empty() {
            return Ok(patch);
        }
        Err(Box::new(Rejected { problems: Problems::Fields(problems), accepted: patch }))
    }

    /// Reads one field's value.
    fn read(&mut self, field: Field, json: Json, rules: &Rules) -> Result<(), FieldProblems> {
        if field.spec().kind == Kind::Flows {
            self.flow_set = Some(flow_set(json, rules)?);
            return Ok(());
        }
        let (change, spelling) = value(field, json, rules).map_err(FieldProblems::Field)?;
        self.changes[field.index()] = change;
        self.spellings.extend(spelling.map(|sent| (field, sent)));
        Ok(())
    }

    /// The change of a field other than `flow_set`.
    #[must_use]
    pub fn change(&self, field: Field) -> &Change<Value> {
        self.changes.get(field.index()).unwrap_or(&Change::Keep)
    }

    /// Whether the body contains this field.
    #[must_use]
    pub fn contains(&self, field: Field) -> bool {
        match field {
            Field::FLOW_SET => self.flow_set.is_some(),
            _ => self.change(field).is_sent(),
        }
    }

    /// The fields that the body contains, in the contract's order.
    pub fn fields(&self) -> impl Iterator<Item = Field> + Clone {
        Field::all().filter(|field| self.contains(*field))
    }

    /// Whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().next().is_none()
    }

    /// The text that the body sets a field to, if any.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        self.change(field).set().and_then(Value::as_str)
    }

    /// The texts that the body sets, with their fields.
    pub fn texts(&self) -> impl Iterator<Item = (Field, &str)> {
        Field::all().filter_map(|field| self.text(field).map(|text| (field, text)))
    }

    /// The key of a row in this field, as the client spelled it.
    #[must_use]
    pub fn spelling(&self, field: Field) -> String {
        let spelling = self.spellings.iter().find(|(known, _)| *known == field);
        spelling.map(|(_, sent)| sent.clone()).unwrap_or_default()
    }
}

/// Reads a field that is not a list, according to its kind.
fn value(field: Field, json: Json, rules: &Rules) -> Result<Parsed, Vec<Problem>> {
    let spec = field.spec();
    if json.is_null() && rules.allows_null(field) {
        return Ok((Change::Clear, None));
    }
    let value = match spec.kind {
        Kind::Reference(_) => return parse::reference(json),
        Kind::Text => Value::Text(parse::text(json, rules.allows_blank(field))?),
        Kind::Secret => Value::secret(parse::text(json, spec.blank)?),
        kind => return scalar(spec, kind, json, rules).map(|value| (Change::Set(value), None)),
    };
    // A missing display name is always null here, however a release writes it.
    let is_null = spec.nullable && value.as_str() == Some("");
    Ok((if is_null { Change::Clear } else { Change::Set(value) }, None))
}

/// Reads a value of a kind that both stages and flows have.
fn scalar(spec: &Spec, kind: Kind, json: Json, rules: &Rules) -> Result<Value, Vec<Problem>> {
    match kind {
        Kind::Text => parse::text(json, spec.blank).map(Value::Text),
        Kind::Slug => parse::slug(json, rules.slug_characters_max).map(Value::Text),
        Kind::Choice(words) => parse::choice(&json, rules.words(spec, words)).map(Value::Word),
        Kind::Boolean => parse::boolean(&json).map(Value::Boolean),
        // No caller passes a field of these kinds.
        Kind::Secret | Kind::Reference(_) | Kind::Flows => Err(vec![Problem::NotAString]),
    }
}

/// Reads a whole `flow_set`.
fn flow_set(json: Json, rules: &Rules) -> Result<Vec<FlowPatch>, FieldProblems> {
    let elements = match json {
        Json::Array(elements) => elements,
        Json::Null => return Err(FieldProblems::Field(vec![Problem::Null])),
        other => return Err(FieldProblems::List(Problem::NotAList(type_name(&other)))),
    };
    if elements.len() > FLOWS_MAX {
        // One message, before any element is read: with one for each element, the answer could be
        // fifty times as large as the body.
        return Err(FieldProblems::List(Problem::TooManyElements(FLOWS_MAX)));
    }
    let mut slugs = HashSet::with_capacity(elements.len());
    let mut flows = Vec::with_capacity(elements.len());
    let mut problems = Vec::with_capacity(elements.len());
    for element in elements {
        match flow(element, rules, &mut slugs) {
            Ok(flow) => {
                flows.push(flow);
                problems.push(ElementProblems::Fields(Vec::new()));
            }
            Err(wrong) => problems.push(wrong),
        }
    }
    if problems.iter().all(ElementProblems::is_empty) {
        Ok(flows)
    } else {
        Err(FieldProblems::Elements(problems))
    }
}

/// Reads one element of a `flow_set`; `slugs` are those of the preceding elements.
fn flow(
    element: Json,
    rules: &Rules,
    slugs: &mut HashSet<String>,
) -> Result<FlowPatch, ElementProblems> {
    let mut body = match element {
        Json::Object(fields) => fields,
        Json::Null => return Err(ElementProblems::Null),
        other => return Err(ElementProblems::NotAnObject(type_name(&other))),
    };
    let mut values = Vec::with_capacity(FLOW_FIELDS.len());
    let mut problems = Vec::new();
    for (index, spec) in FLOW_FIELDS.iter().enumerate() {
        let parsed = match body.swap_remove(spec.name) {
            Some(json) => scalar(spec, spec.kind, json, rules).map(Some),
            None if spec.required => Err(vec![Problem::Required]),
            None => Ok(None),
        };
        match parsed {
            Ok(Some(Value::Text(slug))) if index == FLOW_SLUG && !slugs.insert(slug.clone()) => {
                problems.push((spec.name, vec![Problem::SlugTaken]));
            }
            Ok(value) => values.push(value),
            Err(wrong) => problems.push((spec.name, wrong)),
        }
    }
    if problems.is_empty() {
        Ok(FlowPatch { values })
    } else {
        Err(ElementProblems::Fields(problems))
    }
}
