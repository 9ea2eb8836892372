//! One JSON value into one field's value, by the field's kind.
//!
//! Every kind is read the way Django REST framework does, to the letter of its messages;
//! `tests/conformance/cases.json` holds what the reference answered. Two things are decided
//! differently: a message echoes a value as JSON text, not as Python's, and numbers, trimming and
//! UUID spellings are those of the Rust libraries.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    problem::Problem,
    value::{Change, Value},
};

/// What a slug may look like: the contract's `^[-a-zA-Z0-9_]+$`, with ends that no newline passes.
pub const SLUG_PATTERN: &str = r"\A[-a-zA-Z0-9_]+\z";

static SLUG: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant; the tests compile it")]
    Regex::new(SLUG_PATTERN).expect("the slug's pattern is a regular expression")
});

/// Maximum number of characters of a value that a message echoes. The reference echoes all of it;
/// an answer has to stay smaller than what brought it.
pub const ECHO_CHARACTERS_MAX: usize = 2_000;

/// A value or null; and for a key, how the client spelled it, which a message echoes.
pub type Parsed = (Change<Value>, Option<String>);

/// Python's name for the type of a JSON value, as the reference's messages have it.
#[must_use]
pub fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

/// A value as a message echoes it: its JSON text, a string without its quotes; of a very long one,
/// the beginning.
fn shown(value: &Json) -> Cow<'_, str> {
    match value {
        Json::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

pub(super) fn echo(shown: Cow<'_, str>) -> String {
    match shown.char_indices().nth(ECHO_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.into_owned(),
    }
}

/// A text: trimmed; a number is taken as its digits.
///
/// # Errors
///
/// Null, blank where that is refused, a boolean, a list, an object, a U+0000.
pub fn text(value: Json, is_blank_allowed: bool) -> Result<String, Vec<Problem>> {
    let text = trimmed(untrimmed(value, Problem::NotAString)?);
    if text.is_empty() && !is_blank_allowed {
        return Err(vec![Problem::Blank]);
    }
    if text.contains('\0') {
        return Err(vec![Problem::NullCharacter]);
    }
    Ok(text)
}

/// A slug: a text that matches [`SLUG_PATTERN`], of at most `characters_max` characters.
///
/// # Errors
///
/// What [`text`] refuses, and all that is wrong with the slug, in the reference's order.
pub fn slug(value: Json, characters_max: Option<usize>) -> Result<String, Vec<Problem>> {
    // The reference's slug field says of any other type what it says of any other text.
    let slug = trimmed(untrimmed(value, Problem::NotASlug)?);
    if slug.is_empty() {
        return Err(vec![Problem::Blank]);
    }
    let mut problems = Vec::new();
    if let Some(max) = characters_max.filter(|max| slug.chars().count() > *max) {
        problems.push(Problem::TooLong(max));
    }
    if slug.contains('\0') {
        problems.push(Problem::NullCharacter);
    }
    if !SLUG.is_match(&slug) {
        problems.push(Problem::NotASlug);
    }
    if problems.is_empty() { Ok(slug) } else { Err(problems) }
}

fn untrimmed(value: Json, otherwise: Problem) -> Result<String, Vec<Problem>> {
    match value {
        Json::String(text) => Ok(text),
        Json::Number(number) => Ok(number.to_string()),
        Json::Null => Err(vec![Problem::Null]),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => Err(vec![otherwise]),
    }
}

/// Trims without copying a text that has nothing to trim, which is nearly every text.
fn trimmed(text: String) -> String {
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// One of these words, untrimmed and in its exact spelling.
///
/// # Errors
///
/// Null, and anything else, echoed.
pub fn choice(value: &Json, words: &[&'static str]) -> Result<&'static str, Vec<Problem>> {
    if value.is_null() {
        return Err(vec![Problem::Null]);
    }
    let shown = shown(value);
    let word = words.iter().find(|word| **word == shown);
    word.copied().ok_or_else(|| vec![Problem::NotAChoice(echo(shown))])
}

/// True or false, in any of the spellings that the reference takes.
///
/// # Errors
///
/// Null, and anything that means neither.
pub fn boolean(value: &Json) -> Result<bool, Vec<Problem>> {
    let meaning = match value {
        Json::Null => return Err(vec![Problem::Null]),
        Json::Bool(boolean) => Some(*boolean),
        Json::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Json::String(word) => match word.to_ascii_lowercase().as_str() {
            "t" | "y" | "yes" | "true" | "on" | "1" => Some(true),
            "f" | "n" | "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        },
        Json::Array(_) | Json::Object(_) => None,
    };
    meaning.ok_or_else(|| vec![Problem::NotABoolean])
}

/// The key of another row and how it was spelled; null and an empty text clear the field.
///
/// # Errors
///
/// A boolean, and anything that the `uuid` crate does not read, echoed.
pub fn reference(value: Json) -> Result<Parsed, Vec<Problem>> {
    match value {
        Json::Null => Ok((Change::Clear, None)),
        Json::Bool(_) => Err(vec![Problem::BooleanAsKey]),
        Json::String(sent) if sent.is_empty() => Ok((Change::Clear, None)),
        Json::String(sent) => match Uuid::try_parse(&sent) {
            Ok(uuid) => Ok((Change::Set(Value::Key(uuid)), Some(sent))),
            Err(_) => Err(vec![Problem::NotAUuid(echo(sent.into()))]),
        },
        other => Err(vec![Problem::NotAUuid(echo(shown(&other)))]),
    }
}
