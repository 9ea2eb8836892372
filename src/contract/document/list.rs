//! How an answer shows one page of a list.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{contract::Contract, stage::paging::Page};

/// The completions of a search: an empty object, since there is no search language here.
const NO_COMPLETIONS: BTreeMap<&str, &str> = BTreeMap::new();

/// One page of a list.
#[derive(Clone, Copy, Debug)]
pub struct ListDocument<'r, T> {
    /// The contract.
    pub contract: Contract,
    /// Which page it is.
    pub page: Page,
    /// The page's entries.
    pub results: &'r [T],
}

impl<T: Serialize> Serialize for ListDocument<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pagination", &self.page)?;
        map.serialize_entry("results", self.results)?;
        if self.contract.has_autocomplete() {
            map.serialize_entry("autocomplete", &NO_COMPLETIONS)?;
        }
        map.end()
    }
}
