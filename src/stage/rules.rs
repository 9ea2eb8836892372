//! What a contract lets a request do, where it departs from the table of fields.

use super::field::{Field, LAYOUTS, Spec};

/// How a stage without a display name is written in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDisplayName {
    /// As null; an empty text is refused.
    Null,
    /// As an empty text; null is refused.
    Blank,
    /// As either.
    Either,
}

/// The rules for one request's body. Everything that they do not name is as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How a stage without a display name is written.
    pub no_display_name: NoDisplayName,
    /// Whether `flow_set` can be written; if not, it is ignored.
    pub flow_set_is_writable: bool,
    /// Maximum number of characters (Unicode code points) in a slug, if there is one.
    pub slug_characters_max: Option<usize>,
    /// How many of [`LAYOUTS`], from the first on, a flow may have.
    pub layouts: usize,
    /// Whether a new address (`provider`, `account_sid`) needs every stored secret to be sent with
    /// it, so that no secret goes where its owner did not send it.
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
    pub fn is_nullable(&self, field: Field) -> bool {
        match self.no_display_name {
            NoDisplayName::Blank => field.spec().nullable && field != Field::FRIENDLY_NAME,
            NoDisplayName::Null | NoDisplayName::Either => field.spec().nullable,
        }
    }

    /// Whether the field's text may be empty.
    #[must_use]
    pub fn is_blank(&self, field: Field) -> bool {
        let display_name = self.no_display_name != NoDisplayName::Null;
        field.spec().blank || (display_name && field == Field::FRIENDLY_NAME)
    }

    /// The words of a choice of a flow.
    #[must_use]
    pub fn words(&self, spec: &Spec, words: &'static [&'static str]) -> &'static [&'static str] {
        if spec.name == "layout" { words.get(..self.layouts).unwrap_or(&LAYOUTS) } else { words }
    }
}

/// The rules for a list of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRules {
    /// How many stages a page has where the request does not say.
    pub page_size_default: usize,
    /// Maximum number of stages on a page, if there is one; a larger `page_size` counts as this.
    pub page_size_max: Option<usize>,
    /// What a `page_size` that is no positive number counts as.
    pub page_size_odd: usize,
    /// Whether null is smaller than every value in an order; if not, it is larger.
    pub nulls_first: bool,
    /// Whether a stage without a display name is null in an order; if not, it has an empty one.
    pub null_display_name: bool,
    /// Whether `search` is applied before it is asked whether there is any stage that the caller may
    /// view, so that a search that finds none of them is refused.
    pub search_before_permission: bool,
    /// Whether a list can be filtered and ordered by secrets.
    pub secrets: bool,
}
