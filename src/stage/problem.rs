//! What can be wrong with a request's fields, in Django REST framework's words.

use std::{collections::BTreeMap, fmt};

use super::field::Field;

/// One thing that is wrong with a value. Its `Display` is the message that the client reads.
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
    /// The list has more elements than this.
    TooManyElements(usize),
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
    /// With this value the stage would be larger than can be stored.
    TooLarge,
    /// The stored secret would go to a new address unless it is sent again.
    SecretNotSent,
    /// The list's parameter, shown, is none of the field's words.
    NotAnOption(String),
    /// The list's parameter is no UUID.
    NotAUuidParameter,
    /// The list's parameter is the key of no row.
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

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldProblems {
    /// The field itself.
    Field(Vec<Problem>),
    /// The list as a whole.
    List(Problem),
    /// Some elements of the list: one entry for each element, also for the good ones.
    Elements(Vec<ElementProblems>),
}

/// What is wrong with one element of `flow_set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementProblems {
    /// The element as a whole is null.
    Null,
    /// The element is no object.
    NotAnObject(&'static str),
    /// These of its fields, in the contract's order; none for a good element.
    Fields(Vec<(&'static str, Vec<Problem>)>),
}

impl ElementProblems {
    /// Whether there is nothing wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Fields(fields) if fields.is_empty())
    }
}

/// Everything that is wrong with a body, found at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problems {
    /// The body is no object.
    Body(Problem),
    /// These fields, in the contract's order.
    Fields(BTreeMap<Field, FieldProblems>),
}

impl Problems {
    /// These problems and others, so that a client hears of everything at once.
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
