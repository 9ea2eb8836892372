//! What a line for an operator quotes of a text that a client chose.

use std::borrow::Cow;

/// Maximum number of characters that are shown of a text. A name may have 400 KB, and would push
/// what an operator has to read, such as the stage's UUID, off the screen.
const SHOWN_MAX: usize = 100;

/// Returns a text, or only the beginning of a long one. Escapes count as they are shown.
#[must_use]
pub fn beginning(text: &str) -> Cow<'_, str> {
    let mut shown = 0;
    let end = text.char_indices().find(|(_, character)| {
        shown += character.escape_debug().len();
        shown > SHOWN_MAX
    });
    match end {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Returns [`beginning`] in quotes, with escapes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("{:?}", beginning(text))
}
