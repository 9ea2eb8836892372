//! The SMS Authenticator Setup Stage as authentik keeps it.
//!
//! Knows what a stage is; knows neither JSON nor DynamoDB, each of which has a shape of its own.

use std::fmt;

use uuid::Uuid;

use crate::{choice::choices, flow::Flow};

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
