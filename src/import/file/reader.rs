//! Finds the documents in a file, and the kind of each.

use serde_json::{Map, Value};

use super::{
    documents::{Documents, Mapping},
    error::{ImportError, InvalidDocument},
    flow,
    problem_text::Problems,
    secrets::GivenSecrets,
    stage, token,
};
use crate::import::quote::quoted;

/// The `meta_model_name` of SMS stages in authentik.
const STAGE_MODEL: &str = "authentik_stages_authenticator_sms.authenticatorsmsstage";

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DocumentKind {
    Stage,
    Flow,
    Mapping,
    Token,
}

/// The lists of this program's own format.
const LISTS: [(&str, DocumentKind); 4] = [
    ("stages", DocumentKind::Stage),
    ("flows", DocumentKind::Flow),
    ("mappings", DocumentKind::Mapping),
    ("tokens", DocumentKind::Token),
];

pub(super) struct Reader<'s> {
    pub documents: Documents,
    pub invalid: Vec<InvalidDocument>,
    secrets: &'s mut GivenSecrets,
}

impl<'s> Reader<'s> {
    pub fn new(secrets: &'s mut GivenSecrets) -> Self {
        Self { documents: Documents::default(), invalid: Vec::new(), secrets }
    }

    pub fn read_file(&mut self, file: Value) -> Result<(), ImportError> {
        match file {
            Value::Array(elements) => self.read_list("", elements, None),
            Value::Object(file) => self.read_object(file)?,
            _ => return Err(ImportError::Shape("expected an object or a list")),
        }
        Ok(())
    }

    fn read_object(&mut self, mut file: Map<String, Value>) -> Result<(), ImportError> {
        // authentik's flows have a list `stages`, too, so objects with a key are handled first.
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
            return Err(ImportError::Shape(if file.contains_key("detail") {
                "an error response of authentik; fetch the document again"
            } else {
                "no document found: the object has neither `pk` nor `results`, nor any of the \
                 lists `stages`, `flows`, `mappings` and `tokens`"
            }));
        }
        for (list, kind) in LISTS {
            match file.swap_remove(list) {
                None => {}
                Some(Value::Array(elements)) => self.read_list(list, elements, Some(kind)),
                Some(_) => self.refuse(list.to_owned(), vec!["expected a list.".to_owned()]),
            }
        }
        Ok(())
    }

    fn read_list(&mut self, list: &str, elements: Vec<Value>, kind: Option<DocumentKind>) {
        for (place, element) in elements.into_iter().enumerate() {
            self.read(&format!("{list}[{place}]"), element, kind);
        }
    }

    fn read(&mut self, place: &str, document: Value, kind: Option<DocumentKind>) {
        let Value::Object(fields) = document else {
            return self.refuse(place.to_owned(), vec!["expected an object.".to_owned()]);
        };
        let name = match fields.get("name").or_else(|| fields.get("user")) {
            Some(Value::String(name)) => format!("{place} ({})", quoted(name)),
            _ => place.to_owned(),
        };
        let documents = &mut self.documents;
        let read = match kind.map_or_else(|| kind_of(&fields), Ok) {
            Ok(DocumentKind::Stage) => {
                stage::read(fields, self.secrets).map(|stage| documents.stages.push(stage))
            }
            Ok(DocumentKind::Flow) => flow::read(fields).map(|flow| documents.flows.push(flow)),
            Ok(DocumentKind::Mapping) => mapping(fields).map(|row| documents.mappings.push(row)),
            Ok(DocumentKind::Token) => {
                token::read(fields).map(|token| documents.tokens.push(token))
            }
            Err(problem) => Err(vec![problem]),
        };
        if let Err(problems) = read {
            self.refuse(name, problems);
        }
    }

    fn refuse(&mut self, document: String, problems: Vec<String>) {
        self.invalid.push(InvalidDocument { document, problems });
    }
}

fn pages(pagination: &Value) -> Option<(u64, u64)> {
    let number = |key| pagination[key].as_u64();
    let (current, all) = (number("current")?, number("total_pages")?);
    (current < all).then_some((current, all))
}

/// Returns the kind of a document by its fields.
fn kind_of(fields: &Map<String, Value>) -> Result<DocumentKind, String> {
    let has = |key: &str| fields.contains_key(key);
    match fields.get("meta_model_name").and_then(Value::as_str) {
        Some(STAGE_MODEL) if has("provider") || has("account_sid") => Ok(DocumentKind::Stage),
        Some(STAGE_MODEL) => Err("a stage without its SMS fields; load the answer to \
            GET /stages/authenticator/sms/, not to /stages/all/."
            .to_owned()),
        Some("authentik_events.notificationwebhookmapping") => Ok(DocumentKind::Mapping),
        Some(other) => {
            let model = quoted(other);
            Err(format!("a {model} is neither an SMS stage nor anything that one refers to."))
        }
        None if has("designation") => Ok(DocumentKind::Flow),
        None if has("provider") || has("account_sid") => Ok(DocumentKind::Stage),
        None if has("expression") => Ok(DocumentKind::Mapping),
        None => Err("neither a stage nor a flow nor a mapping.".to_owned()),
    }
}

fn mapping(mut fields: Map<String, Value>) -> Result<Mapping, Vec<String>> {
    let mut problems = Problems::default();
    let pk = problems.key(&mut fields, "", "pk");
    let name = problems.text(&mut fields, "", "name", false);
    pk.zip(name).map(|(pk, name)| Mapping { pk, name }).ok_or(problems.0)
}
