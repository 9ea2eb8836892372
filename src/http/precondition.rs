//! Entity tags and preconditions.
//!
//! RFC 9110, sections 8.8.3 (entity tags), 13.1.1 (`If-Match`), 13.1.2 (`If-None-Match`) and 13.2.2
//! (their order).

use std::fmt;

use super::error::MalformedTags;

/// Number of hex digits of the newest write id in an entity tag.
const WRITE_ID_DIGITS: usize = 8;

/// A version's identifier in HTTP: `"<revision>-<first 8 hex digits of the newest write id>"`.
///
/// The revision alone would repeat after a table is restored or its items are loaded again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// Number of writes up to this version.
    pub revision: u64,
    /// The beginning of the newest write id.
    pub write_id_prefix: String,
}

impl EntityTag {
    /// The tag after `revision` writes, the newest of which has the id `write_id`.
    #[must_use]
    pub fn new(revision: u64, write_id: &str) -> Self {
        Self { revision, write_id_prefix: write_id.chars().take(WRITE_ID_DIGITS).collect() }
    }

    /// Reads the text between the quotes; `None` for a tag that this function never sends.
    fn parse(opaque: &str) -> Option<Self> {
        let (revision, write_id_prefix) = opaque.split_once('-')?;
        // Only the spelling that this function sends: "+1" and "01" parse as numbers as well.
        let is_canonical = revision.bytes().all(|byte| byte.is_ascii_digit())
            && (revision == "0" || !revision.starts_with('0'))
            && write_id_prefix.len() == WRITE_ID_DIGITS;
        let revision = revision.parse().ok()?;
        is_canonical.then(|| Self { revision, write_id_prefix: write_id_prefix.to_owned() })
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-{}\"", self.revision, self.write_id_prefix)
    }
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tags {
    /// The header was not sent.
    #[default]
    Absent,
    /// `*`: any version at all.
    Any,
    /// One of these. Tags that this function never sends are left out, so the list may be empty.
    OneOf(Vec<ListedTag>),
}

/// One member of a list of tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTag {
    /// The version that the tag identifies.
    pub version: EntityTag,
    /// Whether the tag began with `W/`. A gateway that compresses answers may add it.
    pub is_weak: bool,
}

impl Tags {
    /// Reads the values of all headers of one name.
    ///
    /// # Errors
    ///
    /// [`MalformedTags`] unless the only value is `*`, or each value is a list of quoted tags, with
    /// or without `W/`.
    pub fn parse<'v>(values: impl Iterator<Item = &'v str>) -> Result<Self, MalformedTags> {
        let (mut tags, mut count, mut is_any) = (Vec::new(), 0, false);
        for value in values {
            count += 1;
            match value.trim() {
                "*" => is_any = true,
                list => parse_list(list, &mut tags).ok_or(MalformedTags)?,
            }
        }
        match (count, is_any) {
            (0, _) => Ok(Self::Absent),
            (1, true) => Ok(Self::Any),
            (_, true) => Err(MalformedTags),
            (_, false) => Ok(Self::OneOf(tags)),
        }
    }

    /// Whether the header is `*`.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// The listed versions, including those with `W/`: what a weak comparison may match.
    pub fn versions(&self) -> impl Iterator<Item = &EntityTag> {
        self.listed().iter().map(|tag| &tag.version)
    }

    /// The listed versions without `W/`: what a strong comparison may match.
    pub fn strong_versions(&self) -> impl Iterator<Item = &EntityTag> {
        self.listed().iter().filter(|tag| !tag.is_weak).map(|tag| &tag.version)
    }

    fn listed(&self) -> &[ListedTag] {
        match self {
            Self::Absent | Self::Any => &[],
            Self::OneOf(tags) => tags,
        }
    }
}

/// Reads `"a", W/"b", …`; `None` for anything else. Empty members are allowed and ignored, but at
/// least one tag is required (RFC 9110, section 5.6.1.2).
fn parse_list(list: &str, tags: &mut Vec<ListedTag>) -> Option<()> {
    let mut rest = list.trim_start_matches([' ', '\t', ',']);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let is_weak = rest.starts_with("W/");
        let quoted = rest.strip_prefix("W/").unwrap_or(rest);
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        // Section 8.8.3: any visible character except the quote.
        if opaque.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return None;
        }
        tags.extend(EntityTag::parse(opaque).map(|version| ListedTag { version, is_weak }));
        let after = after.trim_start_matches([' ', '\t']);
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    Some(())
}

/// A request's conditions on the stored version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The version must be one of these.
    pub if_match: Tags,
    /// The version must not be one of these.
    pub if_none_match: Tags,
}

/// The outcome of a request's [`Preconditions`] for GET and HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// Answer with the stored version.
    Proceed,
    /// The client has this version already (304).
    NotModified,
    /// `If-Match` lists only other versions (412).
    Failed,
}

impl Preconditions {
    /// Whether a request may make its change (otherwise 412). `current` is the stored version, if
    /// there is one.
    #[must_use]
    pub fn allow_change(&self, current: Option<&EntityTag>) -> bool {
        self.matches(current) && !self.excludes(current)
    }

    /// The outcome for a GET or HEAD. `current` is the stored version, if there is one.
    #[must_use]
    pub fn on_read(&self, current: Option<&EntityTag>) -> ReadOutcome {
        // The order of section 13.2.2: If-Match comes first.
        if !self.matches(current) {
            ReadOutcome::Failed
        } else if self.excludes(current) {
            ReadOutcome::NotModified
        } else {
            ReadOutcome::Proceed
        }
    }

    /// Whether `If-Match` holds, by strong comparison (section 13.1.1).
    fn matches(&self, current: Option<&EntityTag>) -> bool {
        match &self.if_match {
            Tags::Absent => true,
            Tags::Any => current.is_some(),
            listed @ Tags::OneOf(_) => listed.strong_versions().any(|tag| Some(tag) == current),
        }
    }

    /// Whether `If-None-Match` lists this version, by weak comparison (section 13.1.2).
    fn excludes(&self, current: Option<&EntityTag>) -> bool {
        match &self.if_none_match {
            Tags::Absent => false,
            Tags::Any => current.is_some(),
            listed @ Tags::OneOf(_) => listed.versions().any(|tag| Some(tag) == current),
        }
    }
}
