//! Field kinds, and what can be wrong with a field.
//!
//! Every kind turns one JSON value into one domain value the way Django REST framework does, to
//! the letter of its messages; `tests/conformance/cases.json` holds what the reference answered.
//! Two things are decided differently from it: a message echoes a value as JSON text, not as
//! Python's, and numbers, trimming and UUID spellings are those of the Rust libraries.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::LazyLock};

use regex::Regex;
use serde_json::Value;
use uuid::Uuid;

use crate::choice::Choice;

/// Longest slug, in characters (Unicode code points): the contract's limit.
pub const SLUG_CHARACTERS_MAX: usize = 50;

/// What a slug may look like: the contract's `^[-a-zA-Z0-9_]+$`, with ends that no newline passes.
pub const SLUG_PATTERN: &str = r"\A[-a-zA-Z0-9_]+\z";

static SLUG: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant; the tests compile it")]
    Regex::new(SLUG_PATTERN).expect("the slug's pattern is a regular expression")
});

/// One thing that is wrong with a field. Its `Display` is the message that the client reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The field must be there and is not.
    Required,
    /// The field is null and may not be.
    Null,
    /// The text is empty, or nothing but white space.
    Blank,
    /// The value is no text and no number.
    NotAString,
    /// The text has a U+0000 in it.
    NullCharacter,
    /// The text has more characters than this.
    TooLong(usize),
    /// The text is no slug.
    NotASlug,
    /// Another element of the same `flow_set` has the slug already.
    SlugTaken,
    /// The value, shown, is none of the field's words.
    NotAChoice(String),
    /// The value means neither true nor false.
    NotABoolean,
    /// The value, shown, is no UUID.
    NotAUuid(String),
    /// A boolean stands where a key belongs.
    BooleanAsKey,
    /// No row has the key, shown as it was sent.
    NoSuchRow(String),
    /// Another stage has the name.
    NameTaken,
    /// The body is `null`.
    NoData,
    /// A value of this type stands where an object belongs.
    NotAnObject(&'static str),
    /// A value of this type stands where a list belongs.
    NotAList(&'static str),
    /// With this value the stage would be larger than DynamoDB keeps an item.
    TooLarge,
    /// The stored secret would go to a new address unless it is sent again.
    SecretNotSent,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("This field is required."),
            Self::Null => f.write_str("This field may not be null."),
            Self::Blank => f.write_str("This field may not be blank."),
            Self::NotAString => f.write_str("Not a valid string."),
            Self::NullCharacter => f.write_str("Null characters are not allowed."),
            Self::TooLong(max) => {
                write!(f, "Ensure this field has no more than {max} characters.")
            }
            Self::NotASlug => f.write_str(
                "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.",
            ),
            Self::SlugTaken => f.write_str("Flow with this slug already exists."),
            Self::NotAChoice(shown) => write!(f, "\"{shown}\" is not a valid choice."),
            Self::NotABoolean => f.write_str("Must be a valid boolean."),
            Self::NotAUuid(shown) => write!(f, "“{shown}” is not a valid UUID."),
            Self::BooleanAsKey => f.write_str("Incorrect type. Expected pk value, received bool."),
            Self::NoSuchRow(shown) => {
                write!(f, "Invalid pk \"{shown}\" - object does not exist.")
            }
            // The model's name is in lower case in the reference, too.
            Self::NameTaken => f.write_str("stage with this name already exists."),
            Self::NoData => f.write_str("No data provided"),
            Self::NotAnObject(kind) => {
                write!(f, "Invalid data. Expected a dictionary, but got {kind}.")
            }
            Self::NotAList(kind) => {
                write!(f, "Expected a list of items but got type \"{kind}\".")
            }
            Self::TooLarge => f.write_str(
                "This value makes the stage larger than the 400 KB that can be stored.",
            ),
            Self::SecretNotSent => f.write_str(
                "Changing this field needs auth to be sent as well, so that the stored secret is not sent to a new address.",
            ),
        }
    }
}

/// A field of the stage, in the contract's order, which is the order of the error's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the field of `Stage` with its name")]
pub enum Field {
    Name,
    FlowSet,
    ConfigureFlow,
    FriendlyName,
    Provider,
    FromNumber,
    AccountSid,
    Auth,
    AuthPassword,
    AuthType,
    VerifyOnly,
    Mapping,
}

impl Field {
    /// Every writable field of a stage, in the contract's order.
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::FlowSet,
        Self::ConfigureFlow,
        Self::FriendlyName,
        Self::Provider,
        Self::FromNumber,
        Self::AccountSid,
        Self::Auth,
        Self::AuthPassword,
        Self::AuthType,
        Self::VerifyOnly,
        Self::Mapping,
    ];

    /// The field's name, on the wire and in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::FlowSet => "flow_set",
            Self::ConfigureFlow => "configure_flow",
            Self::FriendlyName => "friendly_name",
            Self::Provider => "provider",
            Self::FromNumber => "from_number",
            Self::AccountSid => "account_sid",
            Self::Auth => "auth",
            Self::AuthPassword => "auth_password",
            Self::AuthType => "auth_type",
            Self::VerifyOnly => "verify_only",
            Self::Mapping => "mapping",
        }
    }
}

/// A field that a client may write of one element of `flow_set`, in the contract's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the field of `Flow` with its name")]
pub enum FlowField {
    Name,
    Slug,
    Title,
    Designation,
    PolicyEngineMode,
    CompatibilityMode,
    Layout,
    DeniedAction,
}

impl FlowField {
    /// The field's name, on the wire and in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Slug => "slug",
            Self::Title => "title",
            Self::Designation => "designation",
            Self::PolicyEngineMode => "policy_engine_mode",
            Self::CompatibilityMode => "compatibility_mode",
            Self::Layout => "layout",
            Self::DeniedAction => "denied_action",
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The field itself.
    Field(Vec<Problem>),
    /// The value is no list, where a list belongs.
    List(Problem),
    /// Some elements of the list: one entry for each element, also for the good ones.
    Elements(Vec<ElementError>),
}

/// What is wrong with one element of `flow_set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementError {
    /// The element as a whole is null.
    Null,
    /// The element is no object.
    NotAnObject(&'static str),
    /// These of its fields; none for a good element.
    Fields(BTreeMap<FlowField, Vec<Problem>>),
}

impl ElementError {
    /// Whether there is nothing wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Fields(fields) if fields.is_empty())
    }
}

/// Everything that is wrong with a body, found at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationError {
    /// The body is no object.
    Body(Problem),
    /// These fields, in the contract's order.
    Fields(BTreeMap<Field, FieldError>),
}

impl From<(Field, Problem)> for ValidationError {
    fn from((field, problem): (Field, Problem)) -> Self {
        Self::Fields(BTreeMap::from([(field, FieldError::Field(vec![problem]))]))
    }
}

/// Python's name for the type of a JSON value, as the reference's messages have it.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// A value as a message echoes it: its JSON text, a string without its quotes.
fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Whether a text may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

/// A text: trimmed; a number is taken as its digits.
///
/// # Errors
///
/// Null, blank where that is refused, a boolean, a list, an object, a U+0000.
pub fn text(value: Value, blank: Blank) -> Result<String, Vec<Problem>> {
    let text = untrimmed(value, Problem::NotAString)?;
    let trimmed = trimmed(text);
    if trimmed.is_empty() && blank == Blank::Refused {
        return Err(vec![Problem::Blank]);
    }
    if trimmed.contains('\0') {
        return Err(vec![Problem::NullCharacter]);
    }
    Ok(trimmed)
}

/// A slug: a text of at most [`SLUG_CHARACTERS_MAX`] characters that matches [`SLUG_PATTERN`].
///
/// # Errors
///
/// What [`text`] refuses, and all that is wrong with the slug, in the reference's order.
pub fn slug(value: Value) -> Result<String, Vec<Problem>> {
    // The reference's slug field says of any other type what it says of any other text.
    let slug = trimmed(untrimmed(value, Problem::NotASlug)?);
    if slug.is_empty() {
        return Err(vec![Problem::Blank]);
    }
    let mut problems = Vec::new();
    if slug.chars().count() > SLUG_CHARACTERS_MAX {
        problems.push(Problem::TooLong(SLUG_CHARACTERS_MAX));
    }
    if slug.contains('\0') {
        problems.push(Problem::NullCharacter);
    }
    if !SLUG.is_match(&slug) {
        problems.push(Problem::NotASlug);
    }
    if problems.is_empty() { Ok(slug) } else { Err(problems) }
}

fn untrimmed(value: Value, otherwise: Problem) -> Result<String, Vec<Problem>> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Err(vec![Problem::Null]),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(vec![otherwise]),
    }
}

/// Trims without copying a text that has nothing to trim, which is nearly every text.
fn trimmed(text: String) -> String {
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// One of a field's words, untrimmed and in its exact spelling.
///
/// # Errors
///
/// Null, and anything else, echoed.
pub fn choice<C: Choice>(value: &Value) -> Result<C, Vec<Problem>> {
    match value {
        Value::Null => Err(vec![Problem::Null]),
        other => {
            let shown = shown(other);
            C::from_word(&shown).ok_or_else(|| vec![Problem::NotAChoice(shown.into_owned())])
        }
    }
}

/// True or false, in any of the spellings that the reference takes.
///
/// # Errors
///
/// Null, and anything that means neither.
pub fn boolean(value: &Value) -> Result<bool, Vec<Problem>> {
    let meaning = match value {
        Value::Null => return Err(vec![Problem::Null]),
        Value::Bool(boolean) => Some(*boolean),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "t" | "y" | "yes" | "true" | "on" | "1" => Some(true),
            "f" | "n" | "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        },
        Value::Array(_) | Value::Object(_) => None,
    };
    meaning.ok_or_else(|| vec![Problem::NotABoolean])
}

/// The key of another row, and how it was spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The row's key.
    pub uuid: Uuid,
    /// The key as the client sent it, for the message that no row has it.
    pub sent: String,
}

/// The key of another row; `None` where the field is to be cleared (null or an empty text).
///
/// # Errors
///
/// A boolean, and anything that the `uuid` crate does not read, echoed.
pub fn reference(value: Value) -> Result<Option<Reference>, Vec<Problem>> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(_) => Err(vec![Problem::BooleanAsKey]),
        Value::String(sent) if sent.is_empty() => Ok(None),
        Value::String(sent) => match Uuid::try_parse(&sent) {
            Ok(uuid) => Ok(Some(Reference { uuid, sent })),
            Err(_) => Err(vec![Problem::NotAUuid(sent)]),
        },
        other => Err(vec![Problem::NotAUuid(shown(&other).into_owned())]),
    }
}
