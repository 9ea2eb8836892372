//! The order of a list of stages.

use std::cmp::Reverse;

use uuid::Uuid;

use super::{
    field::{Field, Kind},
    rules::ListRules,
    stage::Stage,
    value::Value,
};

/// Maximum number of bytes of a text that are compared, so that the sort keys of a list stay small
/// although a text can have nearly 400 KB.
const COMPARED_BYTES_MAX: usize = 1024;

/// The sort order of a list. No two stages compare equal, so pages never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    terms: Vec<Term>,
    nulls_first: bool,
    null_display_name: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Term {
    column: Column,
    is_descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Key,
    Field(Field),
}

/// The sort key of one stage, small enough that those of a whole list can be held.
///
/// Only keys of the same order can be compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey {
    cells: Box<[Directed]>,
    uuid: Uuid,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Directed {
    Ascending(Cell),
    Descending(Reverse<Cell>),
}

/// A value; the variants are in ascending order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    NullBeforeAll,
    Text(Box<[u8]>),
    Boolean(bool),
    Key(Uuid),
    NullAfterAll,
}

impl Order {
    /// Reads the parameter `ordering`. Unknown fields are ignored; if there is no other, the order
    /// is by name.
    #[must_use]
    pub fn parse(ordering: Option<&str>, rules: &ListRules) -> Self {
        Self::parse_known(ordering, rules, |field| match field.spec().kind {
            Kind::Secret => rules.secrets,
            Kind::Flows => false,
            _ => true,
        })
    }

    /// Reads the parameter for a list that includes stages of other kinds, which share only the key
    /// and the name with these.
    #[must_use]
    pub fn parse_for_any_kind(ordering: Option<&str>, rules: &ListRules) -> Self {
        Self::parse_known(ordering, rules, |field| field == Field::NAME)
    }

    fn parse_known(
        ordering: Option<&str>,
        rules: &ListRules,
        is_known: impl Fn(Field) -> bool,
    ) -> Self {
        let mut terms: Vec<Term> = Vec::new();
        for part in ordering.unwrap_or_default().split(',') {
            let term = Term::parse(part.trim(), &is_known);
            // Only the first mention of a column counts.
            terms.extend(term.filter(|term| terms.iter().all(|known| known.column != term.column)));
        }
        let name = Column::Field(Field::NAME);
        if terms.iter().all(|term| term.column != name) {
            terms.push(Term { column: name, is_descending: false });
        }
        let ListRules { nulls_first, null_display_name, .. } = *rules;
        Self { terms, nulls_first, null_display_name }
    }

    /// A stage's sort key. A secret that is not shown to the caller counts as an empty text.
    #[must_use]
    pub fn key(&self, stage: &Stage, shows_secrets: bool) -> SortKey {
        let cells = self.terms.iter().map(|term| {
            let cell = match term.column {
                Column::Key => Cell::Key(stage.uuid),
                Column::Field(field) => self.cell(stage, field, shows_secrets),
            };
            if term.is_descending {
                Directed::Descending(Reverse(cell))
            } else {
                Directed::Ascending(cell)
            }
        });
        SortKey { cells: cells.collect(), uuid: stage.uuid }
    }

    fn cell(&self, stage: &Stage, field: Field, shows_secrets: bool) -> Cell {
        match stage.get(field) {
            Some(Value::Secret(_)) if !shows_secrets => Cell::Text(Box::default()),
            Some(Value::Boolean(boolean)) => Cell::Boolean(*boolean),
            Some(Value::Key(key)) => Cell::Key(*key),
            Some(value) => Cell::Text(beginning(value.as_str().unwrap_or_default())),
            None if field == Field::FRIENDLY_NAME && !self.null_display_name => {
                Cell::Text(Box::default())
            }
            None if self.nulls_first => Cell::NullBeforeAll,
            None => Cell::NullAfterAll,
        }
    }
}

/// What is compared of a text: bytes, whose order is that of the characters.
fn beginning(text: &str) -> Box<[u8]> {
    let bytes = text.as_bytes();
    bytes.get(..COMPARED_BYTES_MAX).unwrap_or(bytes).into()
}

impl Term {
    fn parse(text: &str, is_known: impl Fn(Field) -> bool) -> Option<Self> {
        let (name, is_descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let column = match name {
            "pk" => Column::Key,
            _ => Column::Field(Field::from_name(name).filter(|field| is_known(*field))?),
        };
        Some(Self { column, is_descending })
    }
}

impl SortKey {
    /// The stage's UUID.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }
}
