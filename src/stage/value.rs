//! What a field holds.

use std::fmt;

use uuid::Uuid;

/// A credential of the SMS provider. It cannot be printed: its value has to be asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    #[must_use]
    pub fn new(credential: String) -> Self {
        Self(credential)
    }

    /// The credential itself, for the table and for an answer that shows it.
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

/// The value of a field that is not null.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A text or a slug.
    Text(String),
    /// A credential.
    Secret(Secret),
    /// One of a choice's words.
    Word(&'static str),
    /// True or false.
    Boolean(bool),
    /// The key of another row.
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

    /// The text, word or credential; `None` for what is not text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Secret(secret) => Some(secret.reveal()),
            Self::Word(word) => Some(word),
            Self::Boolean(_) | Self::Key(_) | Self::Flows(_) => None,
        }
    }

    /// The key of another row, if this is one.
    #[must_use]
    pub fn as_key(&self) -> Option<Uuid> {
        match self {
            Self::Key(key) => Some(*key),
            _ => None,
        }
    }
}

/// Shows of which kind it is, and no value: a text may be a phone number or a URL with a key in it.
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
    /// Where the background image is: a path below `/static`, or a URL.
    pub background: String,
    /// The values of [`FLOW_FIELDS`](super::field::FLOW_FIELDS), in their order; none is ever null.
    pub values: Vec<Value>,
}

/// What a request asks of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The body does not name the field.
    #[default]
    Keep,
    /// The body sets it to null.
    Clear,
    /// The body sets it to this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the body names the field.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// The value that the body sets, if it sets one.
    #[must_use]
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}
