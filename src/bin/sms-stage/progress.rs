//! Shows the progress of a long command on standard error: in place on a terminal, otherwise with a
//! line from time to time.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use crate::output::stderr;

/// Time between two updates, and before the first: a faster command needs none.
const SHOWN_EVERY: Duration = Duration::from_millis(300);
/// Steps between two lines.
const LINE_EVERY: usize = 200;

/// Counts the steps of a command.
pub struct Progress {
    /// The name of the steps.
    unit: &'static str,
    total: Option<usize>,
    done: usize,
    is_terminal: bool,
    shown: Instant,
    is_shown: bool,
}

impl Progress {
    /// Starts at 0, of `total` steps if that is known.
    pub fn new(unit: &'static str, total: Option<usize>) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { unit, total, done: 0, is_terminal, shown: Instant::now(), is_shown: false }
    }

    /// Counts one step.
    pub fn advance(&mut self) {
        self.done += 1;
        if !self.is_terminal {
            if self.done.is_multiple_of(LINE_EVERY) && Some(self.done) != self.total {
                stderr(&self.text());
            }
        } else if self.shown.elapsed() >= SHOWN_EVERY {
            self.shown = Instant::now();
            self.is_shown = true;
            // A line that cannot be written is not a reason to stop.
            let _ = write!(std::io::stderr(), "\r{}", self.text());
        }
    }

    fn text(&self) -> String {
        let Self { unit, done, .. } = self;
        match self.total {
            Some(total) => format!("{done} of {total} {unit}"),
            None => format!("{done} {unit}"),
        }
    }

    /// Erases the line on the terminal.
    pub fn end(&self) {
        if self.is_shown {
            // Overwrites the text, and returns to the start of the line.
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
