//! A contract's rules for requests, where they differ from the table of fields.

use super::field::{Field, LAYOUTS, Spec};

/// How a request writes a missing display name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDisplayName {
    /// As null; an empty text is refused.
    Null,
    /// As an empty text; null is refused.
    Blank,
    /// As either.
    Either,
}

/// The rules for a request's body. Everything else is as in the table of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How a missing display name is written.
    pub no_display_name: NoDisplayName,
    /// Whether `flow_set` can be written; if not, it is ignored.
    pub flow_set_is_writable: bool,
    /// Maximum number of characters (Unicode code points) in a slug, if limited.
    pub slug_characters_max: Option<usize>,
    /// How many of [`LAYOUTS`], counted from the first, a flow may use.
    pub layouts: usize,
    /// Whether every stored secret must be sent along with a new address (`provider`,
    /// `account_sid`), so that only callers who know the secrets can redirect them.
    pub guards_secrets: bool,
}

impl Rules {
    /// Whether a request can write the field; if not, it is ignored.
    #[must_use]
    pub fn is_writable(&self, field: Field) -> bool {
        self.flow_set_is_writable || field != Field::FLOW_SET
    }

    /// Whether the field may be null.
    #[must_use]
    pub fn allows_null(&self, field: Field) -> bool {
        match self.no_display_name {
            NoDisplayName::Blank => field.spec().nullable && field != Field::FRIENDLY_NAME,
            NoDisplayName::Null | NoDisplayName::Either => field.spec().nullable,
        }
    }

    /// Whether the field's text may be empty.
    #[must_use]
    pub fn allows_blank(&self, field: Field) -> bool {
        let display_name = self.no_display_name != NoDisplayName::Null;
        field.spec().blank || (display_name && field == Field::FRIENDLY_NAME)
    }

    /// The words that a choice allows.
    #[must_use]
    pub fn words(&self, spec: &Spec, words: &'static [&'static str]) -> &'static [&'static str] {
        if spec.name == "layout" { words.get(..self.layouts).unwrap_or(&LAYOUTS) } else { words }
    }
}

/// The rules for a list of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRules {
    /// Number of stages on a page if the request does not specify it.
    pub page_size_default: usize,
    /// Maximum number of stages on a page, if limited; a larger `page_size` counts as this.
    pub page_size_max: Option<usize>,
    /// Number of stages on a page for a `page_size` that is not a positive number.
    pub page_size_invalid: usize,
    /// Whether null sorts before every value; if not, it sorts after.
    pub nulls_first: bool,
    /// Whether a missing display name sorts as null; if not, as an empty text.
    pub null_display_name: bool,
    /// Whether `search` is applied before the check that there is any stage that the caller may
    /// view, so that a search that finds none of those is refused.
    pub search_before_permission: bool,
    /// Whether a list can be filtered and ordered by secrets.
    pub secrets: bool,
}
