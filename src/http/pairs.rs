//! Reads the objects of an event that contain headers or query parameters.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

/// Names and values in the order of the event. A name may occur more than once.
#[derive(Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EachName)
    }
}

struct EachName;

impl<'de> Visitor<'de> for EachName {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and their values")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
        // JSON does not give the number of members; most requests have some 15 headers.
        let mut pairs = Pairs(Vec::with_capacity(map.size_hint().unwrap_or(16)));
        while let Some(name) = map.next_key()? {
            map.next_value_seed(ValuesOf { name, pairs: &mut pairs })?;
        }
        Ok(pairs)
    }
}

/// Adds the values of one name: a string, a list of strings, or null for none.
struct ValuesOf<'p> {
    name: String,
    pairs: &'p mut Pairs,
}

impl<'de> DeserializeSeed<'de> for ValuesOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValuesOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.pairs.0.push((self.name, value.to_owned()));
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut values: S) -> Result<(), S::Error> {
        while let Some(value) = values.next_element::<Option<String>>()? {
            self.pairs.0.extend(value.map(|value| (self.name.clone(), value)));
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
