//! What a message quotes of a value that a client sent.

use std::{borrow::Cow, fmt};

/// Maximum number of characters that a message quotes of a value. The reference quotes all of it;
/// here a long value must not make a long answer.
const CHARACTERS_MAX: usize = 2_000;

/// A value as a message quotes it: only the beginning of a very long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo(String);

impl Echo {
    /// Shortens a text.
    #[must_use]
    pub fn of<'t>(text: impl Into<Cow<'t, str>>) -> Self {
        let text = text.into();
        Self(match text.char_indices().nth(CHARACTERS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.into_owned(),
        })
    }
}

impl fmt::Display for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
