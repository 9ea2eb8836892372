//! Reads a request's JSON in one pass, within fixed limits.
//!
//! A `serde_json::Value` takes 72 bytes for a value that may take two in a body, so a megabyte of
//! `[0,0,…]` would need 75 MB. This parser checks everything, but keeps only what a field can use.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{field::Field, flow::FLOWS_MAX, parse::type_name};

/// Maximum number of JSON values in the fields of one body. The most flows that an item can hold,
/// each with every key of an answer, have less than a third of it.
pub const VALUES_MAX: usize = 100_000;

/// A request's body.
pub enum Body {
    /// An object, reduced to the keys that are fields of a stage.
    Object(Map<String, Value>),
    /// `null`.
    Null,
    /// Any other value, with Python's name for its type.
    Other(&'static str),
}

/// Why a body cannot be read.
#[derive(Debug)]
pub enum BodyError {
    /// It is not valid JSON, for this reason.
    NotJson(String),
    /// Its fields contain more than [`VALUES_MAX`] values.
    TooManyValues,
}

impl Body {
    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// [`BodyError`] for invalid JSON, or for too many values.
    pub fn from_json(bytes: &[u8]) -> Result<Self, BodyError> {
        let budget = Cell::new(VALUES_MAX);
        let is_over = Cell::new(false);
        let tree = Tree { place: Place::Body, budget: &budget, is_over: &is_over };
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = tree.deserialize(&mut deserializer);
        let value = value.and_then(|value| deserializer.end().map(|()| value));
        let value = value.map_err(|error| BodyError::NotJson(error.to_string()))?;
        if is_over.get() {
            return Err(BodyError::TooManyValues);
        }
        Ok(match value {
            Value::Object(fields) => Self::Object(fields),
            Value::Null => Self::Null,
            other => Self::Other(type_name(&other)),
        })
    }

    /// An empty object, which is what a request without a body means.
    #[must_use]
    pub fn empty() -> Self {
        Self::Object(Map::new())
    }
}

/// Where a value is in the body, which decides how much of it is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The body itself: an object's keys that are fields of a stage.
    Body,
    /// The value of `flow_set`: a list up to one element more than allowed.
    FlowSet,
    /// Anything in a field: all of it.
    Field,
    /// Anything that no field can use: nothing, but it must be valid JSON.
    Elsewhere,
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Tree<'b> {
    place: Place,
    /// How many more values may be kept.
    budget: &'b Cell<usize>,
    /// Whether there were more values.
    is_over: &'b Cell<bool>,
}

impl Tree<'_> {
    fn at(self, place: Place) -> Self {
        // Once the budget is exceeded, the rest is only checked.
        let place = if self.is_over.get() { Place::Elsewhere } else { place };
        Self { place, ..self }
    }

    fn is_kept(self) -> bool {
        self.place != Place::Elsewhere
    }

    /// Counts a value that is kept.
    fn count(self) {
        match self.budget.get().checked_sub(1) {
            Some(left) => self.budget.set(left),
            None => self.is_over.set(true),
        }
    }

    fn scalar(self, value: impl FnOnce() -> Value) -> Value {
        if self.is_kept() { value() } else { Value::Null }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value, E> {
        Ok(Value::Bool(boolean))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number);
        number.map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(self.scalar(|| Value::String(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(self.scalar(|| Value::String(text)))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Value, S::Error> {
        let kept_max = match self.place {
            Place::FlowSet => FLOWS_MAX + 1,
            Place::Field => usize::MAX,
            Place::Body | Place::Elsewhere => 0,
        };
        let mut elements = Vec::new();
        loop {
            let is_kept = elements.len() < kept_max;
            let place = if is_kept { Place::Field } else { Place::Elsewhere };
            let element = self.at(place);
            let Some(value) = list.next_element_seed(element)? else {
                return Ok(Value::Array(elements));
            };
            if element.is_kept() {
                self.count();
                elements.push(value);
            }
        }
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Value, M::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key_seed(Key { tree: self })? {
            match key {
                Some((key, place)) => {
                    let element = self.at(place);
                    let value = map.next_value_seed(element)?;
                    if element.is_kept() {
                        self.count();
                        object.insert(key, value);
                    }
                }
                None => {
                    map.next_value_seed(self.at(Place::Elsewhere))?;
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// Reads one key: returns it with the place of its value, if the value is kept.
struct Key<'b> {
    tree: Tree<'b>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<(String, Place)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Option<(String, Place)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let place = match self.tree.place {
            Place::Body => Field::from_name(key).map(|field| match field {
                Field::FLOW_SET => Place::FlowSet,
                _ => Place::Field,
            }),
            Place::FlowSet | Place::Field => Some(Place::Field),
            Place::Elsewhere => None,
        };
        Ok(place.map(|place| (key.to_owned(), place)))
    }
}
