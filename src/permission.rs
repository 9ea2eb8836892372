//! What a caller may do to which stage.
//!
//! A permission is a value: [`MayChange`] and [`MayView`] are made here only, and the store does
//! nothing without one.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Django's codename for reading a stage.
pub const VIEW: &str = "authentik_stages_authenticator_sms.view_authenticatorsmsstage";
/// Django's codename for changing a stage.
pub const CHANGE: &str = "authentik_stages_authenticator_sms.change_authenticatorsmsstage";

/// What a request says of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// API Gateway's authorizer vouched for this caller. What else the request says of its sender
    /// is then not looked at.
    Authorizer(Caller),
    /// A bearer token.
    Bearer(TokenKey),
    /// Another scheme than `Bearer`.
    Unsupported,
    /// More than one `Authorization`: which of them counts is not ours to guess.
    Several,
    /// Nothing, or nothing that has a scheme and a value.
    Missing,
}

impl Credentials {
    /// Reads the value of an `Authorization` header, as authentik does: trimmed, split at the first
    /// space, the scheme in any case, the rest untouched.
    #[must_use]
    pub fn from_authorization(value: &str) -> Self {
        match value.trim().split_once(' ') {
            None => Self::Missing,
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
                Self::Bearer(TokenKey(key.to_owned()))
            }
            Some(_) => Self::Unsupported,
        }
    }
}

/// A bearer token's key, which cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey(String);

impl TokenKey {
    /// Takes a key into custody.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// SHA-256 of the key in lower-case hex, the only form in which it is kept anywhere.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(sha256_hex(&self.0))
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// SHA-256 of a token's key, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Reads 64 lower-case hex digits.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex && hex.len() == 64).then(|| Self(hex.to_owned()))
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of a text, in lower-case hex.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    let digits = Sha256::digest(text).into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A token as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose token it is, and what they may do.
    pub caller: Caller,
    /// When it ends, in seconds since 1970-01-01T00:00:00Z; never, without one.
    pub expires: Option<u64>,
}

impl Token {
    /// Whether it has ended.
    #[must_use]
    pub fn has_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.expires.is_some_and(|end| end <= now.as_secs())
    }
}

/// Somebody known, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their name, for the log.
    pub user: String,
    /// Codenames, for all stages or, as `<codename>:<stage_uuid>`, for one.
    permissions: Vec<String>,
}

impl Caller {
    /// Somebody with these permissions: codenames, each for all stages or, written
    /// `<codename>:<stage_uuid>`, for one.
    #[must_use]
    pub fn new(user: String, permissions: Vec<String>) -> Self {
        Self { user, permissions }
    }

    /// Their permissions, as [`Caller::new`] took them.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Leave to change this stage. Needs the permission to view it as well, as in authentik, since
    /// the answer shows the whole stage.
    #[must_use]
    pub fn may_change(&self, stage_uuid: Uuid) -> Option<MayChange> {
        (self.holds(CHANGE, stage_uuid) && self.holds(VIEW, stage_uuid))
            .then_some(MayChange { stage_uuid })
    }

    /// Leave to look at this stage.
    #[must_use]
    pub fn may_view(&self, stage_uuid: Uuid) -> Option<MayView> {
        self.holds(VIEW, stage_uuid).then_some(MayView { stage_uuid })
    }

    fn holds(&self, codename: &str, stage_uuid: Uuid) -> bool {
        self.permissions.iter().any(|held| match held.split_once(':') {
            None => held == codename,
            Some((held, stage)) => {
                held == codename && Uuid::try_parse(stage).is_ok_and(|uuid| uuid == stage_uuid)
            }
        })
    }
}

/// Proof that the caller may change this one stage.
#[derive(Debug)]
pub struct MayChange {
    stage_uuid: Uuid,
}

impl MayChange {
    /// The stage that may be changed.
    #[must_use]
    pub fn stage_uuid(&self) -> Uuid {
        self.stage_uuid
    }
}

/// Proof that the caller may look at this one stage.
#[derive(Debug)]
pub struct MayView {
    stage_uuid: Uuid,
}

impl MayView {
    /// The stage that may be looked at.
    #[must_use]
    pub fn stage_uuid(&self) -> Uuid {
        self.stage_uuid
    }
}
