//! Standard output and standard error, and the failures that end a command.

use std::{
    fmt::{Display, Write as _},
    io::{self, ErrorKind, Write},
};

/// A failure, as text for the operator: one line for each thing that went wrong.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// A failure of what was being done, with its cause.
    pub fn new(doing: impl Display, cause: impl Display) -> Self {
        Self(format!("{doing}: {cause}"))
    }

    /// Prints its lines on standard error.
    pub fn print(&self) {
        for line in self.0.lines() {
            stderr(&format!("sms-stage: {line}"));
        }
    }
}

/// Prints lines on standard output: the result of the command.
///
/// A pipe that its reader closes early is not a failure; a full disk is.
pub fn stdout(words: &str) -> Result<(), Failure> {
    match write_stdout(words) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("cannot write the output", error))
        }
        _ => Ok(()),
    }
}

/// Prints lines on standard output that must not be lost: a closed pipe is a failure as well.
pub fn stdout_required(words: &str) -> Result<(), Failure> {
    write_stdout(words).map_err(|error| Failure::new("cannot write the output", error))
}

fn write_stdout(words: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{words}")?;
    stdout.flush()
}

/// Prints lines on standard error, which keeps them out of pipes.
pub fn stderr(words: &str) {
    // Nothing can be done if standard error is closed.
    let _ = writeln!(io::stderr(), "{words}");
}

/// Escapes a text from the table for a terminal: characters that would move the cursor or change
/// the text's direction are replaced by their code points.
pub fn printable(text: &str) -> String {
    escaped(text, |character, shown| write!(shown, "{}", character.escape_default()))
}

/// Escapes JSON for a terminal, as [`printable`] does, with JSON's own escapes: in JSON, such
/// characters occur only within strings.
pub fn printable_json(json: &str) -> String {
    escaped(json, |character, shown| {
        let mut units = [0; 2];
        let mut units = character.encode_utf16(&mut units).iter();
        units.try_for_each(|unit| write!(shown, "\\u{unit:04x}"))
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String) -> std::fmt::Result) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // Line breaks are the layout of JSON; `printable` is called with single lines only.
        if character == '\n' || !is_unprintable(character) {
            shown.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = escape(character, &mut shown);
        }
    }
    shown
}

/// Returns whether it is a control character, or an invisible one that changes how others look.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}
