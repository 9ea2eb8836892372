//! The search parameter of a list: words, all of which must be found.

use super::problem::Problem;

/// A parsed `search` parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The words, in upper case.
    words: Vec<String>,
}

impl Search {
    /// Splits the parameter into words, as Django REST framework does: at white space and commas,
    /// except in a quoted word.
    ///
    /// # Errors
    ///
    /// [`Problem::NullCharacter`] for a text that contains U+0000.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.contains('\0') {
            return Err(Problem::NullCharacter);
        }
        let mut words = Vec::new();
        for piece in Pieces::new(text) {
            let piece = piece.trim_matches(',');
            match unquoted(piece) {
                Some(word) => words.push(upper_case(&word)),
                None => {
                    let parts = piece.split(',').map(str::trim).filter(|part| !part.is_empty());
                    words.extend(parts.map(upper_case));
                }
            }
        }
        // Each word is looked for once, however often a request repeats it.
        words.sort_unstable();
        words.dedup();
        Ok(Self { words })
    }

    /// Whether there are no words, and so nothing to search for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether every word is in at least one of the texts, ignoring case.
    #[must_use]
    pub fn matches(&self, texts: &[&str]) -> bool {
        if self.is_empty() {
            return true;
        }
        let texts: Vec<String> = texts.iter().copied().map(upper_case).collect();
        self.words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }
}

/// Converts to upper case, character by character.
///
/// The upper case of a few characters is several characters. Those are converted to lower case
/// instead, which gives both cases of a Greek letter with an iota subscript the same form, and
/// leaves the others, such as `ß`, as they are.
fn upper_case(text: &str) -> String {
    let mapped = |character: char| {
        let upper = single(character.to_uppercase());
        upper.or_else(|| single(character.to_lowercase())).unwrap_or(character)
    };
    text.chars().map(mapped).collect()
}

/// The character, if there is only one.
fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

/// The text between the quotes, if a piece begins and ends with the same kind of quote. A lone
/// quote counts as both.
fn unquoted(piece: &str) -> Option<String> {
    let quote = piece.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let rest = piece.strip_prefix(quote)?;
    let inner = if rest.is_empty() { rest } else { rest.strip_suffix(quote)? };
    Some(inner.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\"))
}

/// Splits a text at white space that is not between quotes.
struct Pieces<'t> {
    text: &'t str,
    at: usize,
    double: Quote,
    single: Quote,
}

impl<'t> Pieces<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, double: Quote::new(b'"'), single: Quote::new(b'\'') }
    }

    /// The position after the quoted part that begins at `at`, if one does.
    fn after_quoted(&mut self, at: usize) -> Option<usize> {
        let text = self.text.as_bytes();
        self.double.closing(text, at).or_else(|| self.single.closing(text, at)).map(|end| end + 1)
    }

    /// The position of the first matching character from `at` on; the end if there is none.
    fn first(&self, at: usize, fits: impl Fn(char) -> bool) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.find(fits).map_or(self.text.len(), |found| at + found)
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let is_special =
            |character: char| character.is_whitespace() || matches!(character, '"' | '\'');
        let start = self.first(self.at, |character| !character.is_whitespace());
        let mut end = self.first(start, is_special);
        let mut after_quoted = self.after_quoted(end);
        if after_quoted.is_none() {
            // An unclosed quote is an ordinary character.
            end = self.first(start, char::is_whitespace);
        }
        while let Some(after) = after_quoted {
            end = self.first(after, is_special);
            after_quoted = self.after_quoted(end);
        }
        self.at = end;
        self.text.get(start..end).filter(|piece| !piece.is_empty())
    }
}

/// One kind of quote.
struct Quote {
    byte: u8,
    /// No quoted part that begins before this position is closed. Without this bound, a text with
    /// many unclosed quotes would take quadratic time.
    unclosed_before: usize,
}

impl Quote {
    fn new(byte: u8) -> Self {
        Self { byte, unclosed_before: 0 }
    }

    /// Where the part that begins at `opening` is closed: at the next unescaped quote of this kind.
    fn closing(&mut self, text: &[u8], opening: usize) -> Option<usize> {
        if opening < self.unclosed_before || text.get(opening) != Some(&self.byte) {
            return None;
        }
        let mut at = opening + 1;
        while let Some(byte) = text.get(at) {
            match byte {
                // A backslash cannot escape a line feed.
                b'\\' if text.get(at + 1) == Some(&b'\n') => break,
                b'\\' => at += 2,
                byte if *byte == self.byte => return Some(at),
                _ => at += 1,
            }
        }
        // Any later quote before `at` is escaped, and no closing quote was found after it.
        self.unclosed_before = at;
        None
    }
}
