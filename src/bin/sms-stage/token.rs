//! `sms-stage token`: who may do what, and until when.

use std::{
    io::Read,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use authenticator_sms_stage::{
    permission::{CHANGE, Caller, Token, TokenHash, TokenKey, VIEW},
    store::{
        documents,
        operate::{Existing, Row},
    },
};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use uuid::Uuid;

use crate::{
    Failure, Output,
    place::{Absent, Place},
    remedy,
};

/// Digits of a hash that a list shows: enough to tell a million tokens apart.
const HASH_DIGITS_SHOWN: usize = 12;
/// Fewest digits that name a token to be revoked, lest a slip of the finger name another.
const HASH_DIGITS_MIN: usize = 8;

/// What a new token is to be.
pub struct Order {
    pub user: String,
    pub permissions: Vec<String>,
    pub stages: Vec<Uuid>,
    pub expires: Option<u64>,
}

/// Makes a token and shows its key, this once.
pub async fn create(place: &Place, order: Order) -> Result<(), Failure> {
    let table = place.open(Absent::Refuse).await?;
    let key = new_key();
    let hash = TokenKey::new(key.clone()).hash();
    let token = Token {
        caller: Caller::new(order.user, scoped(&order.permissions, &order.stages)),
        expires: order.expires,
    };
    let put = table.put_row(Row::Token(&hash, &token), Existing::Leave).await;
    put.map_err(|error| Failure::new("cannot make the token", remedy::explained(&error)))?;
    if order.permissions.iter().any(|held| held == CHANGE)
        && !order.permissions.iter().any(|held| held == VIEW)
    {
        Output::Aside
            .say("this token can change nothing: that needs the permission view as well")?;
    }
    let end = token
        .expires
        .map_or("it does not expire".to_owned(), |end| format!("it ends at {}", time(end)));
    Output::Aside.say(&format!(
        "made token {} for {:?}: {}; {end}. The key is shown this once and kept nowhere:",
        shown(&hash),
        token.caller.user,
        token.caller.permissions().join(", "),
    ))?;
    Output::Main.say(&key)
}

/// Lists the tokens, never a key.
pub async fn list(place: &Place) -> Result<(), Failure> {
    let table = place.open(Absent::Refuse).await?;
    let tokens = table.tokens().await;
    let tokens = tokens
        .map_err(|error| Failure::new("cannot list the tokens", remedy::explained(&error)))?;
    let mut rows = vec![["HASH", "USER", "EXPIRES", "STATE", "PERMISSIONS"].map(str::to_owned)];
    rows.extend(tokens.iter().map(|(hash, token)| {
        [
            shown(hash).to_owned(),
            // Whoever named the user does not write to this terminal.
            token.caller.user.escape_debug().to_string(),
            token.expires.map_or("never".to_owned(), time),
            if token.has_expired() { "expired" } else { "good" }.to_owned(),
            token.caller.permissions().join(" ").escape_debug().to_string(),
        ]
    }));
    Output::Main.say(&table_of(&rows))
}

/// Takes out the token that a hash's first digits name, or whose key is on standard input.
pub async fn revoke(place: &Place, which: &str) -> Result<(), Failure> {
    let doing = "cannot revoke the token";
    let explained = |error| Failure::new(doing, remedy::explained(&error));
    if which != "-" && !is_prefix(which) {
        // What was given is not shown: it may be a key.
        return Err(Failure::new(
            doing,
            "it is named by 8 or more hex digits of its hash, as `sms-stage token list` shows \
             them, or by its key on standard input with -",
        ));
    }
    let table = place.open(Absent::Refuse).await?;
    let hash = if which == "-" {
        let mut key = String::new();
        let read = std::io::stdin().read_to_string(&mut key);
        read.map_err(|error| Failure::new("cannot read the key from standard input", error))?;
        TokenKey::new(key.trim().to_owned()).hash()
    } else {
        let tokens = table.tokens().await.map_err(explained)?;
        let mut found = tokens.iter().filter(|(hash, _)| hash.as_str().starts_with(which));
        match (found.next(), found.count()) {
            (Some((hash, _)), 0) => hash.clone(),
            (None, _) => {
                return Err(Failure::new(doing, format!("no token's hash begins with {which}")));
            }
            (Some(_), others) => {
                let problem =
                    format!("{} tokens' hashes begin with {which}; give more digits", others + 1);
                return Err(Failure::new(doing, problem));
            }
        }
    };
    if !table.delete_token(&hash).await.map_err(explained)? {
        return Err(Failure::new(doing, "there is none with this key, or no longer"));
    }
    Output::Main.say(&format!("revoked token {}", shown(&hash)))?;
    Output::Aside.say("a function that saw it lately may take it for as long as it remembers tokens: TOKEN_MEMORY_SECONDS, 60 unless set")
}

/// A key of 244 random bits, in letters and digits that survive any header.
fn new_key() -> String {
    // Each UUID has 122 bits from the system's source of randomness.
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The permissions, each for all stages or for each of these.
fn scoped(permissions: &[String], stages: &[Uuid]) -> Vec<String> {
    if stages.is_empty() {
        return permissions.to_vec();
    }
    let pairs = permissions.iter().flat_map(|held| stages.iter().map(move |stage| (held, stage)));
    pairs.map(|(held, stage)| format!("{held}:{stage}")).collect()
}

fn is_prefix(which: &str) -> bool {
    let is_hex = which.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex && (HASH_DIGITS_MIN..=64).contains(&which.len())
}

fn shown(hash: &TokenHash) -> &str {
    &hash.as_str()[..HASH_DIGITS_SHOWN]
}

/// A time of the table as people write it.
fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let time = DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime);
    // What lies beyond the year 9999 has no such form.
    time.unwrap_or_else(|_| format!("{seconds} s after 1970"))
}

/// Columns as wide as their widest cell.
fn table_of(rows: &[[String; 5]]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..5).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads a permission: `view`, `change`, or one of the codenames that they stand for.
pub fn permission(word: &str) -> Result<String, String> {
    match word {
        "view" => Ok(VIEW.to_owned()),
        "change" => Ok(CHANGE.to_owned()),
        VIEW | CHANGE => Ok(word.to_owned()),
        _ => Err(format!("it is `view` or `change`, or in full `{VIEW}` or `{CHANGE}`")),
    }
}

/// Reads when a token ends: a time from now, or a point in time; in seconds since 1970.
pub fn expiry(word: &str) -> Result<u64, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let end = match humantime::parse_duration(word) {
        Ok(Duration::ZERO) => return Err("that is no time at all".to_owned()),
        Ok(time) => Some(now.saturating_add(time).as_secs()),
        Err(_) => documents::timestamp(word),
    };
    match end {
        Some(end) if end > now.as_secs() => Ok(end),
        Some(_) => Err("that is over already".to_owned()),
        None => Err("it is a time from now such as `30d` or `12h`, or a point in time such as \
                     `2030-01-31T12:00:00Z`"
            .to_owned()),
    }
}
