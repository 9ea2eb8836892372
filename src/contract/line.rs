//! Everything in which the contracts of two lines of releases can differ, as plain data.

use crate::stage::rules::NoDisplayName;

use super::release::Release;

/// The contract of one line of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line's newest known release.
    pub newest: Release,
    /// How a stage without a display name is written in a request; if null is refused, an answer
    /// shows an empty string.
    pub no_display_name: NoDisplayName,
    /// Whether `flow_set` can be written.
    pub flow_set_is_writable: bool,
    /// Maximum number of characters in a flow's slug, if there is a limit.
    pub slug_characters_max: Option<usize>,
    /// How many of the layouts are allowed for a flow, starting with the first.
    pub layouts: usize,
    /// Which keys hold a flow's background.
    pub background: BackgroundKeys,
    /// The first patch in which listed flows have the key `background_themed_urls`, if any.
    pub themed_backgrounds_from_patch: Option<u16>,
    /// The first patch whose answers have no secrets, if any.
    pub secrets_gone_from_patch: Option<u16>,
    /// Whether a list has the key `autocomplete`.
    pub has_autocomplete: bool,
    /// Number of entries on a page if the request does not set it.
    pub page_size_default: usize,
    /// Maximum number of entries on a page, if there is a limit.
    pub page_size_max: Option<usize>,
    /// The page size if `page_size` is not a positive number.
    pub page_size_invalid: usize,
    /// Whether null sorts before every value.
    pub nulls_first: bool,
    /// Whether a list is searched before checking that the caller may view anything in it.
    pub search_before_permission: bool,
}

/// Which keys of a flow hold the location of its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundKeys {
    /// `background`.
    Background,
    /// `background_url`; in the list of flows, `background` as well.
    Url,
    /// Both.
    Both,
}

impl Line {
    /// What the next line inherits. Changes made by a patch of this line apply from the next line's
    /// first patch on, so that no new line shows secrets by omission.
    #[must_use]
    pub const fn inherited(self) -> Self {
        Self {
            themed_backgrounds_from_patch: from_first_patch(self.themed_backgrounds_from_patch),
            secrets_gone_from_patch: from_first_patch(self.secrets_gone_from_patch),
            ..self
        }
    }

    /// The contract of a later line that changed nothing; `patch` is that line's newest.
    #[must_use]
    pub const fn unchanged_in(self, year: u16, month: u16, patch: u16) -> Self {
        Self { newest: Release { year, month, patch }, ..self.inherited() }
    }
}

const fn from_first_patch(patch: Option<u16>) -> Option<u16> {
    match patch {
        Some(_) => Some(0),
        None => None,
    }
}
