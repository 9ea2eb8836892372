//! Standard output and standard error, and the failures that end a command.

use std::{
    fmt::{Display, Write as _},
    io::{self, ErrorKind, Write},
};

/// A failure, in words for the person at the terminal: a line for each thing that went wrong.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// What was being done, and why it did not work.
    pub fn new(doing: impl Display, cause: impl Display) -> Self {
        Self(format!("{doing}: {cause}"))
    }

    /// Prints it on standard error, a line for each thing.
    pub fn print(&self) {
        for line in self.0.lines() {
            stderr(&format!("sms-stage: {line}"));
        }
    }
}

/// Prints lines on standard output: what the command is there for.
///
/// A reader that closes the pipe early is no failure; a full disk is.
pub fn stdout(words: &str) -> Result<(), Failure> {
    match write_stdout(words) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("cannot write the output", error))
        }
        _ => Ok(()),
    }
}

/// Prints lines on standard output that must be read: a closed pipe is a failure as well.
pub fn stdout_required(words: &str) -> Result<(), Failure> {
    write_stdout(words).map_err(|error| Failure::new("cannot write the output", error))
}

fn write_stdout(words: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{words}")?;
    stdout.flush()
}

/// Prints lines on standard error, where they are in no pipe's way.
pub fn stderr(words: &str) {
    // Nothing can be done if standard error is closed.
    let _ = writeln!(io::stderr(), "{words}");
}

/// A text of the table's for a terminal: what would move the cursor, or turn the direction of
/// writing, is shown by its number.
pub fn printable(text: &str) -> String {
    escaped(text, |character, shown| write!(shown, "{}", character.escape_default()))
}

/// JSON for a terminal: the same as [`printable`], in JSON's own notation. Such a character can
/// stand in a JSON text within strings only.
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
        // Line breaks are for the layout of JSON; `printable` is given single lines only.
        if character == '\n' || !is_unprintable(character) {
            shown.push(character);
        } else {
            // A String takes everything.
            let _ = escape(character, &mut shown);
        }
    }
    shown
}

/// Control characters, and the invisible ones that change how others are shown.
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
