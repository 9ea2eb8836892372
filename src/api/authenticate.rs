//! Identifies a request's caller.
//!
//! A caller is identified by the API Gateway authorizer that vouched for the request, or else by a
//! bearer token, which a warm function may remember for a while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::error::Error;
use crate::{
    access::{
        caller::Caller,
        token::{Token, TokenHash, TokenKey},
    },
    http::request::{Authorization, Request},
    store::{Session, error::StoreError},
};

/// The tokens that a warm function need not look up again.
///
/// Only tokens that were found are remembered: an unknown token is looked up every time, so that a
/// new token works at once. A revoked token works for up to `keep` longer.
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

/// Maximum number of tokens that are remembered at once. Most take a few hundred bytes, so this is
/// about a megabyte; a function with more callers than this looks up tokens more often.
const TOKENS_MAX: usize = 1024;

impl TokenMemory {
    /// Creates a memory that keeps each token for this long; zero keeps none.
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

    fn remember(&self, hash: &TokenHash, token: &Token) {
        if self.keep.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS_MAX {
            known.retain(|_, remembered| now < remembered.until);
        }
        if known.len() < TOKENS_MAX {
            let remembered = Remembered { token: token.clone(), until: now + self.keep };
            known.insert(hash.clone(), remembered);
        }
    }
}

/// A caller, and the token that identified them, if any.
pub struct Authenticated {
    /// The caller.
    pub caller: Caller,
    /// The hash of the token.
    pub token: Option<TokenHash>,
}

/// Identifies the caller.
///
/// # Errors
///
/// [`Error::NotAuthenticated`], [`Error::UnsupportedAuthentication`] or [`Error::BadToken`];
/// [`Error::Store`] if the token could not be looked up.
pub async fn authenticate(
    request: &Request,
    memory: &TokenMemory,
    session: &Session<'_>,
) -> Result<Authenticated, Error> {
    if let Some(identity) = request.identity() {
        // Any other credentials in the request are ignored.
        let caller = Caller::new(identity.user.clone(), identity.permissions.clone());
        return Ok(Authenticated { caller, token: None });
    }
    let hash = bearer_key(request.authorization())?.hash();
    let token = find(&hash, memory, session).await?;
    let token = token.filter(|token| !token.has_expired()).ok_or(Error::BadToken)?;
    Ok(Authenticated { caller: token.caller, token: Some(hash) })
}

/// Reads an `Authorization` header as authentik does: trimmed, split at the first space, the scheme
/// in any letter case, the rest unchanged.
fn bearer_key(authorization: Authorization<'_>) -> Result<TokenKey, Error> {
    match authorization {
        Authorization::Missing => Err(Error::NotAuthenticated),
        // Choosing one of them would be a guess.
        Authorization::Several => Err(Error::BadToken),
        Authorization::One(value) => match value.trim().split_once(' ') {
            None => Err(Error::NotAuthenticated),
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
                Ok(TokenKey::new(key.to_owned()))
            }
            Some(_) => Err(Error::UnsupportedAuthentication),
        },
    }
}

async fn find(
    hash: &TokenHash,
    memory: &TokenMemory,
    session: &Session<'_>,
) -> Result<Option<Token>, StoreError> {
    if let Some(token) = memory.recall(hash) {
        return Ok(Some(token));
    }
    let found = session.token(hash).await?;
    if let Some(token) = &found {
        memory.remember(hash, token);
    }
    Ok(found)
}
