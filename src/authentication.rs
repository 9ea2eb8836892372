//! Who is asking.
//!
//! A caller is known by the API Gateway authorizer that vouched for them, or else by a bearer token,
//! which a warm function may remember for a while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, StoreError},
    permission::{Caller, Credentials, Token, TokenHash, TokenKey},
    store::Session,
};

/// The tokens that a warm function need not ask the table for again.
///
/// Only tokens that were found are remembered: a refusal is asked for anew every time, so that a
/// token made a moment ago works at once. One that was revoked works for up to `keep` longer.
#[derive(Debug)]
pub struct TokenMemory {
    keep: Duration,
    known: Mutex<HashMap<TokenHash, Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    token: Token,
    until: Instant,
}

/// Most tokens that are remembered at once. A token takes some hundred bytes, so this is less than
/// a megabyte; a function with more callers than this asks the table more often.
const TOKENS_MAX: usize = 1024;

impl TokenMemory {
    /// Remembers each token for this long; not at all for zero.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self { keep, known: Mutex::default() }
    }

    fn recall(&self, hash: &TokenHash) -> Option<Token> {
        if self.keep.is_zero() {
            return None;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .filter(|remembered| Instant::now() < remembered.until)
            .map(|remembered| remembered.token.clone())
    }

    fn remember(&self, hash: TokenHash, token: &Token) {
        if self.keep.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS_MAX {
            known.retain(|_, remembered| now < remembered.until);
        }
        if known.len() < TOKENS_MAX {
            known.insert(hash, Remembered { token: token.clone(), until: now + self.keep });
        }
    }
}

/// Finds out who is asking.
///
/// # Errors
///
/// [`Error::NotAuthenticated`], [`Error::UnsupportedAuthentication`] or [`Error::BadToken`];
/// [`Error::Store`] if the table could not be asked.
pub async fn authenticate(
    credentials: Credentials,
    memory: &TokenMemory,
    session: &Session<'_>,
) -> Result<Caller, Error> {
    match credentials {
        Credentials::Authorizer(caller) => Ok(caller),
        Credentials::Missing => Err(Error::NotAuthenticated),
        Credentials::Unsupported => Err(Error::UnsupportedAuthentication),
        Credentials::Several => Err(Error::BadToken),
        Credentials::Bearer(key) => {
            let token = find(&key, memory, session).await?;
            token
                .filter(|token| !token.has_expired())
                .map(|token| token.caller)
                .ok_or(Error::BadToken)
        }
    }
}

async fn find(
    key: &TokenKey,
    memory: &TokenMemory,
    session: &Session<'_>,
) -> Result<Option<Token>, StoreError> {
    let hash = key.hash();
    if let Some(token) = memory.recall(&hash) {
        return Ok(Some(token));
    }
    let found = session.token(&hash).await?;
    if let Some(token) = &found {
        memory.remember(hash, token);
    }
    Ok(found)
}
