//! Turns a JSON value into a field's value, according to the field's kind.
//!
//! Every kind is read as Django REST framework reads it, with the same messages;
//! `tests/conformance/cases.json` holds the reference's answers. There are two differences: a
//! message echoes only the beginning of a value, as JSON and not as Python would write it; and
//! numbers, trimming and UUID spellings are those of the Rust libraries.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    echo::Echo,
    problem::Problem,
    value::{Change, Value},
};

/// The pattern of a slug: the contract's `^[-a-zA-Z0-9_]+$`, with anchors that allow no newline.
pub const SLUG_PATTERN: &str = r"\A[-a-zA-Z0-9_]+\z";

static SLUG: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant; the tests compile it")]
    Regex::new(SLUG_PATTERN).expect("the slug's pattern is a regular expression")
});

/// A value or null; and for a key, the client's spelling, which a message echoes.
pub type Parsed = (Change<Value>, Option<String>);

/// Python's name for the type of a JSON value, as in the reference's messages.
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

/// A value as a message echoes it: as JSON, but a string without its quotes.
fn shown(value: &Json) -> Cow<'_, str> {
    match value {
        Json::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Reads a text and trims it; a number is read as its digits.
///
/// # Errors
///
/// Null, a blank text if that is not allowed, a boolean, a list, an object, U+0000.
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

/// Reads a slug: a text that matches [`SLUG_PATTERN`], of at most `characters_max` characters.
///
/// # Errors
///
/// Whatever [`text`] refuses, and all problems of the slug, in the reference's order.
pub fn slug(value: Json, characters_max: Option<usize>) -> Result<String, Vec<Problem>> {
    // The reference's slug field has the same message for a wrong type as for a wrong text.
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

/// Trims a text; nearly every text has nothing to trim, and is not copied.
fn trimmed(text: String) -> String {
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// Reads one of these words, untrimmed and spelled exactly.
///
/// # Errors
///
/// Null, and any other value, echoed.
pub fn choice(value: &Json, words: &[&'static str]) -> Result<&'static str, Vec<Problem>> {
    if value.is_null() {
        return Err(vec![Problem::Null]);
    }
    let shown = shown(value);
    let word = words.iter().find(|word| **word == shown);
    word.copied().ok_or_else(|| vec![Problem::NotAChoice(Echo::of(shown))])
}

/// Reads true or false, in any spelling that the reference accepts.
///
/// # Errors
///
/// Null, and any value that means neither.
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

/// Reads the key of a row, and its spelling; null and an empty text clear the field.
///
/// # Errors
///
/// A boolean, and any value that the `uuid` crate does not accept, echoed.
pub fn reference(value: Json) -> Result<Parsed, Vec<Problem>> {
    match value {
        Json::Null => Ok((Change::Clear, None)),
        Json::Bool(_) => Err(vec![Problem::BooleanAsKey]),
        Json::String(sent) if sent.is_empty() => Ok((Change::Clear, None)),
        Json::String(sent) => match Uuid::try_parse(&sent) {
            Ok(uuid) => Ok((Change::Set(Value::Key(uuid)), Some(sent))),
            Err(_) => Err(vec![Problem::NotAUuid(Echo::of(sent))]),
        },
        other => Err(vec![Problem::NotAUuid(Echo::of(shown(&other)))]),
    }
}
