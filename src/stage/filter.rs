//! The filters of a list of stages.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    echo::Echo,
    field::{Field, Kind},
    problem::Problem,
    rules::ListRules,
    stage::Stage,
    value::Value,
};

/// The parameter that selects one stage by its UUID.
const STAGE_UUID: &str = "stage_uuid";

/// The filters in a list request's parameters.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    uuid: Option<Uuid>,
    wanted: Vec<(Field, Value)>,
    /// The problems, by field; `stage_uuid` is not a field (`None`) and comes first.
    problems: BTreeMap<Option<Field>, Problem>,
}

impl Filters {
    /// Reads the parameters; `last` returns a key's last value. Empty values are ignored. Invalid
    /// ones are in [`Filters::problems`].
    pub fn parse<'q>(last: impl Fn(&str) -> Option<&'q str>, rules: &ListRules) -> Self {
        let mut filters = Self::default();
        if let Some(sent) = last(STAGE_UUID).map(str::trim).filter(|sent| !sent.is_empty()) {
            match Uuid::try_parse(sent) {
                Ok(uuid) => filters.uuid = Some(uuid),
                Err(_) => filters.refuse(None, Problem::NotAUuidParameter),
            }
        }
        for field in Field::all().filter(|field| is_known(*field, rules)) {
            match last(field.as_str()).map_or(Ok(None), |sent| value(field.spec().kind, sent)) {
                Ok(value) => filters.wanted.extend(value.map(|value| (field, value))),
                Err(problem) => filters.refuse(Some(field), problem),
            }
        }
        filters
    }

    fn refuse(&mut self, field: Option<Field>, problem: Problem) {
        self.problems.insert(field, problem);
    }

    /// The rows that the filters refer to, each of which must exist.
    pub fn references(&self) -> impl Iterator<Item = (Field, Uuid)> {
        self.wanted.iter().filter_map(|(field, value)| Some((*field, value.as_key()?)))
    }

    /// Records that the row in this field's filter does not exist.
    pub fn refuse_reference(&mut self, field: Field) {
        self.refuse(Some(field), Problem::NoSuchOption);
    }

    /// All problems, with the parameters' names, in the model's order.
    pub fn problems(&self) -> impl Iterator<Item = (&'static str, &Problem)> {
        let name = |field: &Option<Field>| field.map_or(STAGE_UUID, Field::as_str);
        self.problems.iter().map(move |(field, problem)| (name(field), problem))
    }

    /// Whether a stage matches. A secret that is not shown to the caller counts as an empty text,
    /// which no filter can select.
    #[must_use]
    pub fn matches(&self, stage: &Stage, shows_secrets: bool) -> bool {
        let is_shown = |value: &Value| shows_secrets || !matches!(value, Value::Secret(_));
        self.uuid.is_none_or(|uuid| uuid == stage.uuid)
            && self
                .wanted
                .iter()
                .all(|(field, value)| is_shown(value) && stage.get(*field) == Some(value))
    }
}

/// Whether the list can be filtered by this field.
fn is_known(field: Field, rules: &ListRules) -> bool {
    let spec = field.spec();
    spec.filter && (rules.secrets || spec.kind != Kind::Secret)
}

/// Reads one parameter, according to the field's kind.
fn value(kind: Kind, sent: &str) -> Result<Option<Value>, Problem> {
    match kind {
        Kind::Text | Kind::Slug => Ok(text(sent)?.map(Value::Text)),
        Kind::Secret => Ok(text(sent)?.map(Value::secret)),
        Kind::Boolean => Ok(match sent.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Boolean(true)),
            "false" | "0" => Some(Value::Boolean(false)),
            // Any other value is ignored, as in the reference.
            _ => None,
        }),
        Kind::Choice(_) | Kind::Reference(_) | Kind::Flows if sent.is_empty() => Ok(None),
        Kind::Choice(words) => match words.iter().find(|word| **word == sent) {
            Some(word) => Ok(Some(Value::Word(word))),
            None => Err(Problem::NotAnOption(Echo::of(sent))),
        },
        Kind::Reference(_) => match Uuid::try_parse(sent) {
            Ok(key) => Ok(Some(Value::Key(key))),
            Err(_) => Err(Problem::NotAUuid(Echo::of(sent))),
        },
        Kind::Flows => Ok(None),
    }
}

/// Trims a text; an empty one becomes `None`.
fn text(sent: &str) -> Result<Option<String>, Problem> {
    if sent.contains('\0') {
        return Err(Problem::NullCharacter);
    }
    Ok(Some(sent.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
}
