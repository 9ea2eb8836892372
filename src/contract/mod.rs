//! The contracts of authentik's releases: what a request may contain, and how an answer shows it.
//! The only place that names a release.
//!
//! A stage is stored as the union of all contracts; a contract is a view of it.

pub mod document;
pub mod every_release;
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

/// The contract that the function follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    line: &'static Line,
    patch: u16,
    is_every_release: bool,
}

/// What clients of every release can send and read.
impl Default for Contract {
    fn default() -> Self {
        let line = &every_release::LINE;
        Self { line, patch: line.newest.patch, is_every_release: true }
    }
}

impl Contract {
    /// The contract of a release; of the newest patch of its line, if the text has no patch.
    ///
    /// # Errors
    ///
    /// [`UnknownRelease`] for any other text.
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
        Self { line, patch, is_every_release: false }
    }

    /// The release, if this is the contract of a single one.
    #[must_use]
    pub fn release(&self) -> Option<Release> {
        let release = Release { patch: self.patch, ..self.line.newest };
        (!self.is_every_release).then_some(release)
    }

    /// The effective setting for secrets: if none is set, they are shown to editors, unless the
    /// release's answers have none.
    #[must_use]
    pub fn secrets(&self, setting: Option<Secrets>) -> Secrets {
        let by_release = if self.has_secret_keys() { Secrets::Editors } else { Secrets::WriteOnly };
        setting.unwrap_or(by_release)
    }

    /// What a request's body may contain.
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

    /// What a list's parameters may contain, and what they mean.
    #[must_use]
    pub fn list_rules(&self, secrets: Secrets) -> ListRules {
        ListRules {
            page_size_default: self.line.page_size_default,
            page_size_max: self.line.page_size_max,
            page_size_invalid: self.line.page_size_invalid,
            nulls_first: self.line.nulls_first,
            null_display_name: !self.shows_blank_display_name(),
            search_before_permission: self.line.search_before_permission,
            secrets: self.has_readable_secrets(secrets),
        }
    }

    /// Whether any caller can be shown secrets.
    fn has_readable_secrets(&self, secrets: Secrets) -> bool {
        self.has_secret_keys() && secrets != Secrets::WriteOnly
    }

    /// Whether a stage in an answer has keys for its secrets.
    #[must_use]
    pub fn has_secret_keys(&self) -> bool {
        self.line.secrets_gone_from_patch.is_none_or(|patch| self.patch < patch)
    }

    /// Whether a list in an answer has the key `autocomplete`.
    #[must_use]
    pub fn has_autocomplete(&self) -> bool {
        self.line.has_autocomplete
    }

    /// Whether a missing display name is shown as an empty string; if not, as null.
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

    /// The release in a client's `User-Agent`, if its line is newer than the contract's. Patches
    /// are not compared: within a line, clients can read all answers.
    #[must_use]
    pub fn newer_client(&self, user_agent: &str) -> Option<Release> {
        let client = Release::of_client(user_agent)?;
        (client.line() > self.line.newest.line()).then_some(client)
    }
}

/// The release, or `every release`.
impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.release() {
            Some(release) => release.fmt(f),
            None => f.write_str("every release"),
        }
    }
}

/// The text does not name a known release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRelease(String);

impl fmt::Display for UnknownRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a known release of authentik; known releases are", self.0)?;
        for (at, line) in LINES.iter().enumerate() {
            let Release { year, month, patch } = line.newest;
            write!(f, "{} {year}.{month} (.0 to .{patch})", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownRelease {}
