//! Problems with fields and parameters, in Django REST framework's format.

use serde_json::{Map, Value, json};

use crate::stage::problem::{ElementProblems, FieldProblems, Problem, Problems};

/// The body of a refusal that reports problems with a request's fields.
pub(super) fn body_of(problems: &Problems) -> Value {
    match problems {
        Problems::Body(problem) => {
            let messages = messages(std::slice::from_ref(problem));
            fields_body([("non_field_errors", messages)].into_iter())
        }
        Problems::Fields(fields) => fields_body(
            fields.iter().map(|(field, problems)| (field.as_str(), field_body(problems))),
        ),
    }
}

/// The body of a refusal: messages by field or parameter name.
pub(super) fn fields_body<'f>(fields: impl Iterator<Item = (&'f str, Value)>) -> Value {
    let code = [("code", json!("invalid"))];
    fields.chain(code).map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

fn field_body(problems: &FieldProblems) -> Value {
    match problems {
        FieldProblems::Field(problems) => messages(problems),
        FieldProblems::List(problem) => {
            json!({"non_field_errors": messages(std::slice::from_ref(problem))})
        }
        FieldProblems::Elements(elements) => elements.iter().map(element_body).collect(),
    }
}

fn element_body(problems: &ElementProblems) -> Value {
    match problems {
        ElementProblems::Null => messages(&[Problem::Null]),
        ElementProblems::NotAnObject(kind) => {
            json!({"non_field_errors": messages(&[Problem::NotAnObject(kind)])})
        }
        ElementProblems::Fields(fields) => fields
            .iter()
            .map(|(field, problems)| ((*field).to_owned(), messages(problems)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// The messages of one field.
pub(super) fn messages(problems: &[Problem]) -> Value {
    problems.iter().map(ToString::to_string).collect()
}
