//! The contracts of authentik's releases: what a request may say, and how an answer says it. The
//! only place that names a release.
//!
//! A stage is stored as the union of all contracts; a contract is a view of it.

pub mod document;
pub mod every_year;
pub mod line;
pub mod release;
pub mod releases;
pub mod secrets;

use std::fmt;

use crate::stage::rules::{ListRules, NoDisplayName, Rules};

pub use self::{release::Release, secrets::Secrets};

use self::{
    line::{BackgroundKeys, Line},
    releases::LINES,
};

/// The contract that the function answers by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    line: &'static Line,
    patch: u16,
    is_every_year: bool,
}

/// What clients of every release can send and read.
impl Default for Contract {
    fn default() -> Self {
        let line = &every_year::LINE;
        Self { line, patch: line.newest.patch, is_every_year: true }
    }
}

impl Contract {
    /// The contract of a release, which is named with its patch or without: without, it is the
    /// newest of its line.
    ///
    /// # Errors
    ///
    /// [`UnknownRelease`] for any other.
    pub fn parse(text: &str) -> Result<Self, UnknownRelease> {
        Self::known(text).ok_or_else(|| UnknownRelease(text.to_owned()))
    }

    fn known(text: &str) -> Option<Self> {
        LINES.iter().find_map(|line| {
            let Release { year, month, patch } = line.newest;
            let rest = text.strip_prefix(&format!("{year}.{month}"))?;
            if rest.is_empty() {
                return Some(Self::of(line, patch));
            }
            let sent = rest.strip_prefix('.')?;
            let patch = (0..=patch).find(|patch| patch.to_string() == sent)?;
            Some(Self::of(line, patch))
        })
    }

    /// The contract of this patch of a line.
    #[must_use]
    pub fn of(line: &'static Line, patch: u16) -> Self {
        Self { line, patch, is_every_year: false }
    }

    /// The release, if it is the contract of one.
    #[must_use]
    pub fn release(&self) -> Option<Release> {
        let release = Release { patch: self.patch, ..self.line.newest };
        (!self.is_every_year).then_some(release)
    }

    /// The setting for secrets that counts: where none is set, they are shown to editors, unless the
    /// release's answers have none.
    #[must_use]
    pub fn secrets(&self, setting: Option<Secrets>) -> Secrets {
        let by_release = if self.secret_keys() { Secrets::Editors } else { Secrets::WriteOnly };
        setting.unwrap_or(by_release)
    }

    /// What a request's body may say.
    #[must_use]
    pub fn rules(&self, secrets: Secrets) -> Rules {
        Rules {
            no_display_name: self.line.no_display_name,
            flow_set_is_writable: self.line.flow_set_is_writable,
            slug_characters_max: self.line.slug_characters_max,
            layouts: self.line.layouts,
            guards_secrets: secrets == Secrets::WriteOnly,
        }
    }

    /// What a list's parameters may say, and what they mean.
    #[must_use]
    pub fn list_rules(&self, secrets: Secrets) -> ListRules {
        ListRules {
            page_size_default: self.line.page_size_default,
            page_size_max: self.line.page_size_max,
            page_size_odd: self.line.page_size_odd,
            nulls_first: self.line.nulls_first,
            null_display_name: !self.shows_blank_display_name(),
            search_before_permission: self.line.search_before_permission,
            secrets: self.has_readable_secrets(secrets),
        }
    }

    /// Whether there is any caller to whom secrets are shown.
    fn has_readable_secrets(&self, secrets: Secrets) -> bool {
        self.secret_keys() && secrets != Secrets::WriteOnly
    }

    /// Whether a stage in an answer has keys for its secrets.
    #[must_use]
    pub fn secret_keys(&self) -> bool {
        self.line.secrets_gone_from_patch.is_none_or(|patch| self.patch < patch)
    }

    /// Whether a list in an answer has the key `autocomplete`.
    #[must_use]
    pub fn has_autocomplete(&self) -> bool {
        self.line.has_autocomplete
    }

    /// What used_by says of a flow.
    #[must_use]
    pub fn used_by(&self) -> &'static str {
        self.line.flow_used_by
    }

    /// Whether a stage without a display name is shown with an empty one; if not, with null.
    fn shows_blank_display_name(&self) -> bool {
        self.line.no_display_name == NoDisplayName::Blank
    }

    /// Whether a listed flow has the key for backgrounds that depend on the theme.
    fn has_themed_backgrounds(&self) -> bool {
        self.line.themed_backgrounds_from_patch.is_some_and(|patch| self.patch >= patch)
    }

    fn background(&self) -> BackgroundKeys {
        self.line.background
    }

    /// The release that a client names in its `User-Agent`, if it is of a newer line than what the
    /// function answers by. Patches are not compared: within a line, clients read all answers.
    #[must_use]
    pub fn is_older_than(&self, user_agent: &str) -> Option<Release> {
        let client = Release::of_client(user_agent)?;
        (client.line() > self.line.newest.line()).then_some(client)
    }
}

/// What the setting takes.
impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.release() {
            Some(release) => release.fmt(f),
            None => f.write_str("every release"),
        }
    }
}

/// No release of this name is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRelease(String);

impl fmt::Display for UnknownRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a release of authentik that is known; known are", self.0)?;
        for (at, line) in LINES.iter().enumerate() {
            let Release { year, month, patch } = line.newest;
            write!(f, "{} {year}.{month} (.0 to .{patch})", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownRelease {}
