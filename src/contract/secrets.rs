//! To whom answers show a stage's secrets.

use std::fmt;

/// To whom `auth` and `auth_password` are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// To callers who may change the stage.
    Editors,
    /// To all callers who may view the stage.
    Echo,
    /// To no caller. A stage's address can be changed only by who sends its secrets along.
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

    /// Whether a caller who may view a stage, and perhaps change it, is shown its secrets.
    #[must_use]
    pub fn shown(self, may_change: bool) -> bool {
        match self {
            Self::Editors => may_change,
            Self::Echo => true,
            Self::WriteOnly => false,
        }
    }
}

/// No such setting.
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
