//! The pages of a list.

use std::ops::Range;

use serde::Serialize;

use super::rules::ListRules;

/// The page that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    size: usize,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The page of this number, counted from one.
    Number(usize),
    /// The last page.
    Last,
    /// Not a page of any list.
    Invalid,
}

/// One page of a list: the numbers in its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The number of the page after this one; 0 if there is none.
    pub next: usize,
    /// The number of the page before this one; 0 if there is none.
    pub previous: usize,
    /// How many entries the whole list has.
    pub count: usize,
    /// The number of this page, counted from one.
    pub current: usize,
    /// How many pages there are; an empty list has one.
    pub total_pages: usize,
    /// The number of the page's first entry, counted from one; 0 if the list is empty.
    pub start_index: usize,
    /// The number of the page's last entry; 0 if the list is empty.
    pub end_index: usize,
}

/// The list has no such page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPage;

impl Paging {
    /// Reads the parameters `page` and `page_size`. Only [`Paging::page`] refuses an invalid
    /// `page`, because an invalid filter takes precedence.
    #[must_use]
    pub fn parse(page: Option<&str>, page_size: Option<&str>, rules: &ListRules) -> Self {
        let size = match page_size {
            None => rules.page_size_default,
            Some(text) => match positive(text) {
                None => rules.page_size_invalid,
                Some(size) => rules.page_size_max.map_or(size, |max| size.min(max)),
            },
        };
        let wanted = match page {
            None | Some("") => Wanted::Number(1),
            Some("last") => Wanted::Last,
            Some(text) => positive(text).map_or(Wanted::Invalid, Wanted::Number),
        };
        // A page has at least one entry, whatever the rules say.
        Self { size: size.max(1), wanted }
    }

    /// The requested page of a list with `count` entries.
    ///
    /// # Errors
    ///
    /// [`InvalidPage`] if the page is beyond the last one, or is not a positive number.
    pub fn page(&self, count: usize) -> Result<Page, InvalidPage> {
        let total_pages = self.total_pages(count);
        let current = match self.wanted {
            Wanted::Number(number) if number <= total_pages => number,
            Wanted::Last => total_pages,
            Wanted::Number(_) | Wanted::Invalid => return Err(InvalidPage),
        };
        Ok(self.numbers(current, count))
    }

    /// The numbers of a page whose list has lost this many entries since. If the list now ends
    /// before the page, the page stays the current one, without entries.
    #[must_use]
    pub fn shorter(&self, page: Page, gone: usize) -> Page {
        self.numbers(page.current, page.count.saturating_sub(gone))
    }

    fn numbers(&self, current: usize, count: usize) -> Page {
        let total_pages = self.total_pages(count);
        // The product cannot overflow: the previous page is, or was, within the list.
        let skipped = (current - 1) * self.size;
        Page {
            next: if current < total_pages { current + 1 } else { 0 },
            previous: current - 1,
            count,
            current,
            total_pages,
            start_index: if count == 0 { 0 } else { skipped + 1 },
            end_index: skipped.saturating_add(self.size).min(count),
        }
    }

    fn total_pages(&self, count: usize) -> usize {
        count.div_ceil(self.size).max(1)
    }
}

impl Page {
    /// The range of the page's entries in the whole list.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start_index.saturating_sub(1)..self.end_index
    }
}

/// Reads a positive integer in decimal digits; one that is too large counts as `usize::MAX`.
fn positive(text: &str) -> Option<usize> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(usize::MAX)).filter(|number| *number > 0)
}
