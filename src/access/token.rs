//! Bearer tokens: the key that a client sends, and what the table stores for it.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

use super::caller::Caller;

/// Number of digits of a token's hash in the log: enough to tell a million tokens apart.
pub const HASH_DIGITS_SHOWN: usize = 12;

/// A bearer token's key, which cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey(String);

impl TokenKey {
    /// Wraps a key.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// SHA-256 of the key in lower-case hex, the only form in which it is stored anywhere.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

    /// The first digits, which identify a token to operators and in the log.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.0.get(..HASH_DIGITS_SHOWN).unwrap_or_default()
    }
}

/// SHA-256 of a text, in lower-case hex.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        hex.push(DIGITS[usize::from(byte >> 4)]);
        hex.push(DIGITS[usize::from(byte & 0xf)]);
    }
    hex
}

/// A token as stored in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token's owner, and what they may do.
    pub caller: Caller,
    /// When it was created, in seconds since 1970-01-01T00:00:00Z, if known.
    pub created: Option<u64>,
    /// When it expires, in seconds since 1970-01-01T00:00:00Z; `None` for never.
    pub expires: Option<u64>,
}

impl Token {
    /// Whether the token has expired.
    #[must_use]
    pub fn has_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.expires.is_some_and(|end| end <= now.as_secs())
    }
}
