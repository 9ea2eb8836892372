//! Entity tags: what a stage's version is called on the wire, and what a request asks of it.
//!
//! RFC 9110, sections 8.8.3 (entity tags), 13.1.1 (`If-Match`) and 13.1.2 (`If-None-Match`).

use std::fmt;

/// How many hex digits of the newest write id are in an entity tag.
const WRITE_ID_DIGITS: usize = 8;

/// Which version of a stage this is: `"<revision>-<first 8 hex digits of the newest write id>"`.
///
/// The revision alone would come again after the table is restored or the stage loaded anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// How often the stage was written.
    pub revision: u64,
    /// The beginning of the newest write's id.
    pub write_id_prefix: String,
}

impl EntityTag {
    /// The tag of a stage that was written `revision` times, by `write_id` most recently.
    #[must_use]
    pub fn new(revision: u64, write_id: &str) -> Self {
        let write_id_prefix = write_id.chars().take(WRITE_ID_DIGITS).collect();
        Self { revision, write_id_prefix }
    }

    /// Reads what is between the quotes; `None` for a tag that is not one of ours.
    fn parse(opaque: &str) -> Option<Self> {
        let (revision, write_id_prefix) = opaque.split_once('-')?;
        let revision: u64 = revision.parse().ok()?;
        let tag = Self { revision, write_id_prefix: write_id_prefix.to_owned() };
        // Only the one spelling that we send: "+1-…" and "01-…" read as numbers, too.
        let is_ours =
            write_id_prefix.len() == WRITE_ID_DIGITS && format!("\"{opaque}\"") == tag.to_string();
        is_ours.then_some(tag)
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-{}\"", self.revision, self.write_id_prefix)
    }
}

/// What a request asks the stage's version to be (`If-Match`) or not to be (`If-None-Match`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tags {
    /// The header was not sent.
    #[default]
    Absent,
    /// `*`: any version at all.
    Any,
    /// One of these. Tags that cannot be ours are left out, so the list may be empty.
    OneOf(Vec<Tag>),
}

/// One tag of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The version it names.
    pub version: EntityTag,
    /// Whether it was sent with `W/` in front. A gateway that compresses our answer may put it
    /// there.
    pub is_weak: bool,
}

/// A header that is no list of entity tags.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl Tags {
    /// Reads the values of all headers of that name.
    ///
    /// # Errors
    ///
    /// [`Malformed`], unless each is `*`, or a list of quoted tags, each with or without `W/`.
    pub fn parse<'v>(values: impl Iterator<Item = &'v str>) -> Result<Self, Malformed> {
        let mut tags = Vec::new();
        let mut is_any = false;
        let mut count = 0;
        for value in values {
            let value = value.trim();
            count += 1;
            if value == "*" {
                is_any = true;
            } else {
                parse_list(value, &mut tags)?;
            }
        }
        match (count, is_any) {
            (0, _) => Ok(Self::Absent),
            (1, true) => Ok(Self::Any),
            (_, true) => Err(Malformed),
            (_, false) => Ok(Self::OneOf(tags)),
        }
    }

    /// The versions that a strong comparison may match.
    pub fn strong(&self) -> impl Iterator<Item = &EntityTag> {
        let tags = match self {
            Self::Absent | Self::Any => &[],
            Self::OneOf(tags) => tags.as_slice(),
        };
        tags.iter().filter(|tag| !tag.is_weak).map(|tag| &tag.version)
    }

    /// Whether `If-Match` lets a change of this version happen. Weak tags never match (RFC 9110,
    /// 13.1.1: strong comparison).
    #[must_use]
    pub fn allow_change_of(&self, version: &EntityTag) -> bool {
        match self {
            Self::Absent | Self::Any => true,
            Self::OneOf(_) => self.strong().any(|strong| strong == version),
        }
    }

    /// Whether `If-None-Match` says that the client has this version already. Weak tags match, too
    /// (RFC 9110, 13.1.2: weak comparison).
    #[must_use]
    pub fn know(&self, version: &EntityTag) -> bool {
        match self {
            Self::Absent => false,
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| tag.version == *version),
        }
    }
}

/// Reads `"a", W/"b", …` (RFC 9110, 5.6.1: empty members count for nothing).
fn parse_list(value: &str, tags: &mut Vec<Tag>) -> Result<(), Malformed> {
    let mut rest = value;
    let mut members = 0;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return if members == 0 { Err(Malformed) } else { Ok(()) };
        }
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) =
            quoted.strip_prefix('"').and_then(|text| text.split_once('"')).ok_or(Malformed)?;
        // RFC 9110, 8.8.3: etagc is any visible character but the quote.
        if opaque.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Malformed);
        }
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(Malformed);
        }
        members += 1;
        tags.extend(EntityTag::parse(opaque).map(|version| Tag { version, is_weak }));
    }
}
