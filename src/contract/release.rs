//! The version number of a release of authentik.

use std::fmt;

/// A release: its line (year and month) and its patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The year.
    pub year: u16,
    /// The month.
    pub month: u16,
    /// The patch, counted from zero.
    pub patch: u16,
}

impl Release {
    /// The release's line: its year and month.
    #[must_use]
    pub fn line(self) -> (u16, u16) {
        (self.year, self.month)
    }

    /// The release in a client's `User-Agent`, if it has one. The clients generated for Python and
    /// Rust, and the Terraform provider, send theirs; the client for Go sends 1.0.0.
    #[must_use]
    pub fn of_client(user_agent: &str) -> Option<Self> {
        let generated = user_agent.strip_prefix("OpenAPI-Generator/");
        let version = generated.or_else(|| {
            let (_, version) = user_agent.split_once("authentik-terraform@")?;
            Some(version)
        })?;
        let mut numbers = version.splitn(3, '.').map(leading_number);
        let (year, month) = (numbers.next()??, numbers.next()??);
        // A patch may be missing, or have a suffix.
        let patch = numbers.next().flatten().unwrap_or_default();
        Some(Self { year, month, patch }).filter(|release| release.year >= 2000)
    }
}

/// The number at the beginning of a text.
fn leading_number(text: &str) -> Option<u16> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.get(..digits)?.parse().ok()
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.year, self.month, self.patch)
    }
}
