//! A file of secrets for stages whose documents come without them.
//!
//! It is a JSON object, from a stage's UUID or name to `{"auth": …, "auth_password": …}`.

use std::{collections::HashMap, fmt};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::text::decode;
use crate::{
    import::quote::quoted,
    stage::{field::Field, value::Secret},
};

/// Secrets of stages.
#[derive(Debug, Default)]
pub struct GivenSecrets {
    stages: Vec<StageSecrets>,
    /// The place of each name in `stages`.
    by_name: HashMap<String, usize>,
    /// The place of each name that is a UUID, which may be written in several forms.
    by_uuid: HashMap<Uuid, usize>,
}

#[derive(Debug)]
struct StageSecrets {
    /// The stage's UUID or name.
    stage: String,
    values: Vec<(&'static str, Secret)>,
    is_used: bool,
}

/// What is wrong with a file of secrets. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSecrets(String);

impl fmt::Display for InvalidSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSecrets {}

impl GivenSecrets {
    /// Reads a file of secrets.
    ///
    /// # Errors
    ///
    /// [`InvalidSecrets`], with what is wrong.
    pub fn parse(file: &[u8]) -> Result<Self, InvalidSecrets> {
        let text = decode(file).map_err(|problem| InvalidSecrets(problem.to_owned()))?;
        let value = serde_json::from_str(text);
        // The parser's message may quote a part of the file.
        let value = value.map_err(|error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            InvalidSecrets(format!("not valid JSON at line {line}, column {column}"))
        })?;
        let Value::Object(stages) = value else {
            return Err(InvalidSecrets(
                "expected an object: {\"UUID or name\": {\"auth\": …, \"auth_password\": …}, …}"
                    .to_owned(),
            ));
        };
        let stages = stages.into_iter().map(|(stage, secrets)| StageSecrets::read(stage, secrets));
        stages.collect::<Result<_, _>>().map(Self::new)
    }

    fn new(stages: Vec<StageSecrets>) -> Self {
        let mut by_name = HashMap::new();
        let mut by_uuid = HashMap::new();
        for (place, given) in stages.iter().enumerate() {
            by_name.insert(given.stage.clone(), place);
            if let Ok(uuid) = Uuid::try_parse(&given.stage) {
                // The first form of a UUID counts; the others stay unused, and are reported.
                by_uuid.entry(uuid).or_insert(place);
            }
        }
        Self { stages, by_name, by_uuid }
    }

    /// Puts a stage's secrets into its document. Returns the names of the fields that were set.
    pub(super) fn complete(
        &mut self,
        uuid: Option<Uuid>,
        fields: &mut Map<String, Value>,
    ) -> Vec<&'static str> {
        let name = fields.get(Field::NAME.as_str()).and_then(Value::as_str);
        let of_uuid = uuid.and_then(|uuid| self.by_uuid.get(&uuid));
        let place = of_uuid.or_else(|| self.by_name.get(name?));
        let Some(given) = place.and_then(|place| self.stages.get_mut(*place)) else {
            return Vec::new();
        };
        given.is_used = true;
        for (field, secret) in &given.values {
            fields.insert((*field).to_owned(), Value::String(secret.reveal().to_owned()));
        }
        given.values.iter().map(|(field, _)| *field).collect()
    }

    /// Returns the UUIDs and names that matched no document.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().filter(|given| !given.is_used).map(|given| given.stage.as_str())
    }
}

impl StageSecrets {
    fn read(stage: String, secrets: Value) -> Result<Self, InvalidSecrets> {
        let invalid = |problem: &str| Err(InvalidSecrets(format!("{}: {problem}", quoted(&stage))));
        let Value::Object(secrets) = secrets else {
            return invalid("expected an object with `auth`, `auth_password` or both");
        };
        let mut values = Vec::new();
        for (name, secret) in secrets {
            let Some(field) = Field::secrets().find(|field| field.as_str() == name) else {
                return invalid("has a key that is neither `auth` nor `auth_password`");
            };
            let Value::String(secret) = secret else {
                return invalid("a secret is not a string");
            };
            values.push((field.as_str(), Secret::new(secret)));
        }
        Ok(Self { stage, values, is_used: false })
    }
}
