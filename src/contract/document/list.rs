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
        map.serialize_entry("pagination", &Pagination(self.page))?;
        map.serialize_entry("results", self.results)?;
        if self.contract.has_autocomplete() {
            map.serialize_entry("autocomplete", &NO_COMPLETIONS)?;
        }
        map.end()
    }
}

struct Pagination(Page);

impl Serialize for Pagination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let page = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("next", &page.next)?;
        map.serialize_entry("previous", &page.previous)?;
        map.serialize_entry("count", &page.count)?;
        map.serialize_entry("current", &page.current)?;
        map.serialize_entry("total_pages", &page.total_pages)?;
        map.serialize_entry("start_index", &page.start_index)?;
        map.serialize_entry("end_index", &page.end_index)?;
        map.end()
    }
}
