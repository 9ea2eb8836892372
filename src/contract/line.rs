//! All that one line of releases asks for and answers with otherwise than another, as plain data.

use crate::stage::rules::NoDisplayName;

use super::release::Release;

/// The contract of one line of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line's newest release that is known.
    pub newest: Release,
    /// How a stage without a display name is written in a request; where null is refused, an answer
    /// shows an empty text.
    pub no_display_name: NoDisplayName,
    /// Whether `flow_set` can be written.
    pub flow_set_is_writable: bool,
    /// Maximum number of characters in a flow's slug, if there is one.
    pub slug_characters_max: Option<usize>,
    /// How many of the layouts, from the first on, a flow may have.
    pub layouts: usize,
    /// Which keys hold a flow's background.
    pub background: BackgroundKeys,
    /// The first patch in which listed flows have the key `background_themed_urls`, if there is one.
    pub themed_backgrounds_from_patch: Option<u16>,
    /// The first patch whose answers have no secrets, if there is one.
    pub secrets_gone_from_patch: Option<u16>,
    /// Whether a list has the key `autocomplete`.
    pub has_autocomplete: bool,
    /// How many entries a page has where the request does not say.
    pub page_size_default: usize,
    /// Maximum number of entries on a page, if there is one.
    pub page_size_max: Option<usize>,
    /// What a `page_size` that is no positive number counts as.
    pub page_size_odd: usize,
    /// Whether null is smaller than every value in an order.
    pub nulls_first: bool,
    /// Whether a list is searched before it is asked whether the caller may view anything in it.
    pub search_before_permission: bool,
    /// What used_by says of a flow: what happens to the stage's place in it when the stage goes.
    pub flow_used_by: &'static str,
}

/// Which keys of a flow hold where its background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundKeys {
    /// `background`.
    Background,
    /// `background_url`; where flows are listed by themselves, `background` as well.
    Url,
    /// Both.
    Both,
}

impl Line {
    /// What the next line has of this one: what came with a patch is there from the first on, so
    /// that no new line shows secrets because it does not say otherwise.
    #[must_use]
    pub const fn inherited(self) -> Self {
        Self {
            themed_backgrounds_from_patch: from_the_first(self.themed_backgrounds_from_patch),
            secrets_gone_from_patch: from_the_first(self.secrets_gone_from_patch),
            ..self
        }
    }

    /// The contract of a later line that changed nothing; `patch` is its newest.
    #[must_use]
    pub const fn unchanged_in(self, year: u16, month: u16, patch: u16) -> Self {
        Self { newest: Release { year, month, patch }, ..self.inherited() }
    }
}

const fn from_the_first(patch: Option<u16>) -> Option<u16> {
    match patch {
        Some(_) => Some(0),
        None => None,
    }
}
