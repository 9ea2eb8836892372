//! Which callers are shown a stage's secrets.

use std::fmt;

/// Which callers are shown `auth` and `auth_password`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Callers who may change the stage.
    Editors,
    /// All callers who may view the stage.
    Echo,
    /// No caller. A request that changes a stage's address must also send its secrets.
    WriteOnly,
}

/// Every setting, by its name.
const NAMES: [(&str, Secrets); 3] =
    [("editors", Secrets::Editors), ("echo", Secrets::Echo), ("write-only", Secrets::WriteOnly)];

impl Secrets {
    /// Reads the setting.
    ///
    /// # Errors
    ///
    /// [`UnknownSecrets`] for any other word.
    pub fn parse(text: &str) -> Result<Self, UnknownSecrets> {
        let known = NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, secrets)| *secrets).ok_or_else(|| UnknownSecrets(text.to_owned()))
    }

    /// The setting's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Editors => "editors",
            Self::Echo => "echo",
            Self::WriteOnly => "write-only",
        }
    }

    /// Whether a caller who may view a stage is shown its secrets, by whether they may change it.
    #[must_use]
    pub fn shown(self, may_change: bool) -> bool {
        match self {
            Self::Editors => may_change,
            Self::Echo => true,
            Self::WriteOnly => false,
        }
    }
}

/// The setting has an unknown value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSecrets(String);

impl fmt::Display for UnknownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not one of", self.0)?;
        for (at, (name, _)) in NAMES.iter().enumerate() {
            write!(f, "{}{name}", if at == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownSecrets {}
