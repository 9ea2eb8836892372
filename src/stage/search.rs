//! The search parameter of a list: words, all of which a text must contain.

use super::problem::Problem;

/// What `search` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The words, in upper case.
    words: Vec<String>,
}

impl Search {
    /// Cuts the parameter into words, as Django REST framework does: at white space and commas,
    /// while quotes keep a word together.
    ///
    /// # Errors
    ///
    /// [`Problem::NullCharacter`] for a text with U+0000 in it.
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
        Ok(Self { words })
    }

    /// Whether there is no word, and so no search.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether every word is in at least one of the texts, in any letter case.
    #[must_use]
    pub fn matches(&self, texts: &[&str]) -> bool {
        if self.is_empty() {
            return true;
        }
        let texts: Vec<String> = texts.iter().copied().map(upper_case).collect();
        self.words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }
}

/// Upper case, character by character: where that would take several characters, it stays as it is.
fn upper_case(text: &str) -> String {
    let upper = |character: char| {
        let mut mapped = character.to_uppercase();
        match (mapped.next(), mapped.next()) {
            (Some(one), None) => one,
            _ => character,
        }
    };
    text.chars().map(upper).collect()
}

/// What stands between the quotes of a piece that begins and ends with the same one, which may be
/// one and the same character.
fn unquoted(piece: &str) -> Option<String> {
    let quote = piece.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let rest = piece.strip_prefix(quote)?;
    let inner = if rest.is_empty() { rest } else { rest.strip_suffix(quote)? };
    Some(inner.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\"))
}

/// Cuts a text at white space that does not stand between quotes.
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

    /// The place after the quoted part that begins here, if one does.
    fn after_quoted(&mut self, at: usize) -> Option<usize> {
        let text = self.text.as_bytes();
        self.double.closing(text, at).or_else(|| self.single.closing(text, at)).map(|end| end + 1)
    }

    /// Where the first character that fits stands, from here on; the end if there is none.
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
            // A quote that is not closed is an ordinary character.
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
    /// No part that begins before this place is closed. Without it, a text of many quotes that are
    /// not closed would take a time that grows with its square.
    unclosed_before: usize,
}

impl Quote {
    fn new(byte: u8) -> Self {
        Self { byte, unclosed_before: 0 }
    }

    /// Where the part that begins here is closed: at the next such quote that no backslash protects.
    fn closing(&mut self, text: &[u8], opening: usize) -> Option<usize> {
        if opening < self.unclosed_before || text.get(opening) != Some(&self.byte) {
            return None;
        }
        let mut at = opening + 1;
        while let Some(byte) = text.get(at) {
            match byte {
                // A backslash protects no line feed.
                b'\\' if text.get(at + 1) == Some(&b'\n') => break,
                b'\\' => at += 2,
                byte if *byte == self.byte => return Some(at),
                _ => at += 1,
            }
        }
        // A later quote up to here is a protected one; what follows it has been seen.
        self.unclosed_before = at;
        None
    }
}
