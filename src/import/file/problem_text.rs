//! The problems of documents, as text for operators.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::stage::{
    field::Field,
    parse,
    problem::{ElementProblems, FieldProblems, Problem, Problems as BodyProblems},
    value::Change,
};

/// The problems found so far in a document, as text.
#[derive(Default)]
pub(super) struct Problems(pub Vec<String>);

impl Problems {
    pub fn add(&mut self, path: &str, field: &str, problem: &Problem, remedy: Option<&str>) {
        self.0.push(line(&format!("{path}{field}"), problem, remedy));
    }

    /// Removes a required field and reads its value.
    pub fn take<T>(
        &mut self,
        fields: &mut Map<String, Value>,
        path: &str,
        field: &str,
        read: impl FnOnce(Value) -> Result<T, Vec<Problem>>,
    ) -> Option<T> {
        let value = fields.swap_remove(field).ok_or_else(|| vec![Problem::Required]);
        let problems = match value.and_then(read) {
            Ok(value) => return Some(value),
            Err(problems) => problems,
        };
        for problem in &problems {
            self.add(path, field, problem, None);
        }
        None
    }

    /// Removes a field and reads it as the key of a row.
    pub fn key(
        &mut self,
        fields: &mut Map<String, Value>,
        path: &str,
        field: &str,
    ) -> Option<Uuid> {
        self.take(fields, path, field, |value| match parse::reference(value)?.0 {
            Change::Set(key) => key.as_key().ok_or_else(|| vec![Problem::Null]),
            Change::Keep | Change::Clear => Err(vec![Problem::Null]),
        })
    }

    /// Removes a field and reads it as a text.
    pub fn text(
        &mut self,
        fields: &mut Map<String, Value>,
        path: &str,
        field: &str,
        is_blank_allowed: bool,
    ) -> Option<String> {
        self.take(fields, path, field, |value| parse::text(value, is_blank_allowed))
    }
}

fn line(path: &str, problem: &Problem, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{path}: {problem} ({remedy})"),
        None => format!("{path}: {problem}"),
    }
}

/// Returns a line for each problem, with its remedy if there is one.
pub(in crate::import) fn problem_lines(
    problems: &BodyProblems,
    remedy: impl Fn(Field, &Problem) -> Option<&'static str>,
) -> Vec<String> {
    let fields = match problems {
        BodyProblems::Body(problem) => return vec![problem.to_string()],
        BodyProblems::Fields(fields) => fields,
    };
    let mut lines = Vec::new();
    for (field, problems) in fields {
        let name = field.as_str();
        match problems {
            FieldProblems::Field(problems) => lines.extend(
                problems.iter().map(|problem| line(name, problem, remedy(*field, problem))),
            ),
            FieldProblems::List(problem) => lines.push(line(name, problem, None)),
            FieldProblems::Elements(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    push_element_lines(&format!("{name}[{place}]"), element, &mut lines);
                }
            }
        }
    }
    lines
}

fn push_element_lines(path: &str, element: &ElementProblems, lines: &mut Vec<String>) {
    match element {
        ElementProblems::Null => lines.push(line(path, &Problem::Null, None)),
        ElementProblems::NotAnObject(kind) => {
            lines.push(line(path, &Problem::NotAnObject(kind), None));
        }
        ElementProblems::Fields(fields) => {
            for (field, problems) in fields {
                let path = format!("{path}.{field}");
                lines.extend(problems.iter().map(|problem| line(&path, problem, None)));
            }
        }
    }
}
