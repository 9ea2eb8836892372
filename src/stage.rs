//! The SMS Authenticator Setup Stage as authentik keeps it.
//!
//! Knows what a stage is; knows neither JSON nor DynamoDB, each of which has a shape of its own.

use std::fmt;

use uuid::Uuid;

use crate::flow::Flow;

/// Declares an enum whose values are the words of an authentik choice field.
///
/// The words are written once: parsing, printing and the list of all of them come from it.
macro_rules! choices {
    ($(#[$enum_doc:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::stage::Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}
pub(crate) use choices;

/// A field that takes one of a few words, in their exact spelling.
pub trait Choice: Copy + Sized + 'static {
    /// Every value, in the contract's order.
    const ALL: &'static [Self];

    /// The word on the wire and in the table.
    fn as_str(self) -> &'static str;

    /// The value spelled `word`, letter for letter; `None` for any other word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == word)
    }
}

choices! {
    /// Who sends the message.
    Provider {
        /// Twilio's own API.
        Twilio = "twilio",
        /// Any HTTP endpoint, at the address in `account_sid`.
        Generic = "generic",
    }
}

choices! {
    /// How a generic provider is told who is asking.
    AuthType {
        /// HTTP basic authentication with `auth` and `auth_password`.
        Basic = "basic",
        /// A bearer token, in `auth`.
        Bearer = "bearer",
    }
}

/// A credential of the SMS provider. It has no way to be printed but by asking for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a credential into custody.
    #[must_use]
    pub fn new(credential: String) -> Self {
        Self(credential)
    }

    /// The credential itself, for the table and for the answer that the contract asks for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One SMS Authenticator Setup Stage with its flows.
///
/// The fields are the contract's; `stage_uuid` is its `pk`. What is the same for every stage
/// (`component`, `verbose_name`, …) is no field: the answer says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Identifies the stage, in the path and as `pk` in the answer.
    pub stage_uuid: Uuid,
    /// Unique among all stages, byte for byte; has no limit of length.
    pub name: String,
    /// The flows that the stage is bound to, in order.
    pub flow_set: Vec<Flow>,
    /// The flow by which a user sets this stage up; without one, no user can.
    pub configure_flow: Option<Uuid>,
    /// What users see instead of the name.
    pub friendly_name: Option<String>,
    /// Who sends the message.
    pub provider: Provider,
    /// The number or name that messages come from.
    pub from_number: String,
    /// Twilio's account, or a generic provider's address.
    pub account_sid: String,
    /// Twilio's token, or a generic provider's user name or bearer token.
    pub auth: Secret,
    /// A generic provider's password; may be empty.
    pub auth_password: Secret,
    /// How a generic provider is told who is asking.
    pub auth_type: AuthType,
    /// Whether only a hash of the phone number is kept after enrollment.
    pub verify_only: bool,
    /// The webhook mapping that shapes a generic provider's payload.
    pub mapping: Option<Uuid>,
}
