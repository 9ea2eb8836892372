//! The values of fields.

use std::fmt;

use uuid::Uuid;

/// A credential of the SMS provider. It cannot be printed; [`Secret::reveal`] returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    #[must_use]
    pub fn new(credential: String) -> Self {
        Self(credential)
    }

    /// Returns the credential, for the table and for answers that show it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A value of a field, other than null.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A text or a slug.
    Text(String),
    /// A credential.
    Secret(Secret),
    /// One of the words of a choice.
    Word(&'static str),
    /// True or false.
    Boolean(bool),
    /// The key of a row.
    Key(Uuid),
    /// The stage's flows, in order.
    Flows(Vec<Flow>),
}

impl Value {
    /// A credential.
    #[must_use]
    pub fn secret(credential: String) -> Self {
        Self::Secret(Secret::new(credential))
    }

    /// The text, word or credential; `None` for other kinds.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Secret(secret) => Some(secret.reveal()),
            Self::Word(word) => Some(word),
            Self::Boolean(_) | Self::Key(_) | Self::Flows(_) => None,
        }
    }

    /// The key of a row, if the value is one.
    #[must_use]
    pub fn as_key(&self) -> Option<Uuid> {
        match self {
            Self::Key(key) => Some(*key),
            _ => None,
        }
    }
}

/// Prints words and booleans, else only the kind: a text may be a phone number or a URL with a key.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "text",
            Self::Secret(_) => "secret",
            Self::Word(word) => word,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
            Self::Key(_) => "key",
            Self::Flows(_) => "flows",
        })
    }
}

/// One flow of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Identifies the flow.
    pub pk: Uuid,
    /// Key of the row in authentik's parent table; kept because clients read it.
    pub policybindingmodel_ptr_id: Uuid,
    /// The background image: a path below `/static`, or a URL.
    pub background: String,
    /// The values of [`FLOW_FIELDS`](super::field::FLOW_FIELDS), in the same order; never null.
    pub values: Vec<Value>,
}

/// The change that a request makes to a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The body does not contain the field.
    #[default]
    Keep,
    /// The body sets it to null.
    Clear,
    /// The body sets it to this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the body contains the field.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// The value that the body sets, if any.
    #[must_use]
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}
