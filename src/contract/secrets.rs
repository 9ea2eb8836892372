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

impl Secrets {
    /// Every setting.
    pub const ALL: [Self; 3] = [Self::Editors, Self::Echo, Self::WriteOnly];

    /// Reads the setting.
    ///
    /// # Errors
    ///
    /// [`UnknownSecrets`] for any other word.
    pub fn parse(text: &str) -> Result<Self, UnknownSecrets> {
        let known = Self::ALL.into_iter().find(|secrets| secrets.as_str() == text);
        known.ok_or_else(|| UnknownSecrets(text.to_owned()))
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
        let names = Secrets::ALL.map(Secrets::as_str).join(", ");
        write!(f, "\"{}\" is not one of {names}", self.0)
    }
}

impl std::error::Error for UnknownSecrets {}
