//! The problems that a request's fields can have, with Django REST framework's messages.

use std::{collections::BTreeMap, fmt};

use super::{echo::Echo, field::Field};

/// One problem with a value. Its `Display` is the message for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The field is required but missing.
    Required,
    /// The field is null but may not be.
    Null,
    /// The text is empty, or only white space.
    Blank,
    /// The value is neither a text nor a number.
    NotAString,
    /// The text contains U+0000.
    NullCharacter,
    /// The text has more characters than this.
    TooLong(usize),
    /// The list has more elements than this.
    TooManyElements(usize),
    /// The text is not a slug.
    NotASlug,
    /// Another element of the same `flow_set` already has the slug.
    SlugTaken,
    /// The value, shown, is not one of the field's words.
    NotAChoice(Echo),
    /// The value means neither true nor false.
    NotABoolean,
    /// The value, shown, is not a UUID.
    NotAUuid(Echo),
    /// The value is a boolean instead of a key.
    BooleanAsKey,
    /// No row has the key, shown as it was sent.
    NoSuchRow(String),
    /// Another stage has the name.
    NameTaken,
    /// The body is `null`.
    NoData,
    /// The value is of this type instead of an object.
    NotAnObject(&'static str),
    /// The value is of this type instead of a list.
    NotAList(&'static str),
    /// The value makes the stage too large to be stored.
    TooLarge,
    /// The stored secret would be sent to a new address, but is not in the request.
    SecretNotSent,
    /// The list's parameter, shown, is not one of the field's words.
    NotAnOption(Echo),
    /// The list's parameter is not a UUID.
    NotAUuidParameter,
    /// No row has the key in the list's parameter.
    NoSuchOption,
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
            Self::TooManyElements(max) => {
                write!(f, "Ensure this field has no more than {max} elements.")
            }
            Self::NotASlug => f.write_str(
                "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.",
            ),
            Self::SlugTaken => f.write_str("Flow with this slug already exists."),
            Self::NotAChoice(shown) => write!(f, "\"{shown}\" is not a valid choice."),
            Self::NotABoolean => f.write_str("Must be a valid boolean."),
            Self::NotAUuid(shown) => write!(f, "“{shown}” is not a valid UUID."),
            Self::BooleanAsKey => f.write_str("Incorrect type. Expected pk value, received bool."),
            Self::NoSuchRow(shown) => write!(f, "Invalid pk \"{shown}\" - object does not exist."),
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
                "A new provider or account_sid needs this field to be sent as well, so that the stored secret is not sent to a new address.",
            ),
            Self::NotAnOption(shown) => {
                write!(f, "Select a valid choice. {shown} is not one of the available choices.")
            }
            Self::NotAUuidParameter => f.write_str("Enter a valid UUID."),
            Self::NoSuchOption => f.write_str(
                "Select a valid choice. That choice is not one of the available choices.",
            ),
        }
    }
}

/// The problems of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldProblems {
    /// Problems of the field itself.
    Field(Vec<Problem>),
    /// A problem of the list as a whole.
    List(Problem),
    /// Problems of the list's elements: one entry for each element, including the valid ones.
    Elements(Vec<ElementProblems>),
}

/// The problems of one element of `flow_set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementProblems {
    /// The element is null.
    Null,
    /// The element is of this type instead of an object.
    NotAnObject(&'static str),
    /// Its invalid fields, in the contract's order; empty for a valid element.
    Fields(Vec<(&'static str, Vec<Problem>)>),
}

impl ElementProblems {
    /// Whether there are no problems.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Fields(fields) if fields.is_empty())
    }
}

/// All problems of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problems {
    /// The body is not an object.
    Body(Problem),
    /// Its invalid fields, in the contract's order.
    Fields(BTreeMap<Field, FieldProblems>),
}

impl Problems {
    /// Adds other problems, so that a client gets all of them at once.
    #[must_use]
    pub fn with(self, others: BTreeMap<Field, FieldProblems>) -> Self {
        match self {
            Self::Fields(mut fields) => {
                fields.extend(others);
                Self::Fields(fields)
            }
            body @ Self::Body(_) => body,
        }
    }
}

impl From<(Field, Problem)> for Problems {
    fn from((field, problem): (Field, Problem)) -> Self {
        Self::Fields(BTreeMap::from([(field, FieldProblems::Field(vec![problem]))]))
    }
}
