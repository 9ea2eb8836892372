//! The function's settings as options of `serve` and `invoke`.

use std::time::Duration;

use authenticator_sms_stage::{
    api::Settings,
    contract::{Contract, Secrets},
    http::cors::AllowedOrigins,
};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

/// The settings that the function reads from its environment.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Function settings")]
pub struct SettingsArgs {
    /// Answer as this release of authentik does; without a patch, as the newest of its line: the
    /// function's setting AUTHENTIK_VERSION. Default: in a form for clients of every release.
    #[arg(long, value_name = "YEAR.MONTH[.PATCH]", value_parser = Contract::parse)]
    authentik_version: Option<Contract>,
    /// Who may read `auth` and `auth_password`: the function's setting SECRETS. Default: editors,
    /// or write-only if the release of --authentik-version shows them to no caller.
    #[arg(long, value_name = "WHO", value_parser = secrets())]
    secrets: Option<Secrets>,
    /// Origins whose scripts may read answers, such as `https://admin.example.com`, separated by
    /// commas, or `*` for all: the function's setting CORS_ORIGINS. Default: none.
    #[arg(long, value_name = "ORIGINS", value_parser = AllowedOrigins::parse)]
    cors_origins: Option<AllowedOrigins>,
}

impl SettingsArgs {
    /// Returns the settings, with this time for which tokens are remembered.
    pub fn settings(&self, token_memory: Duration) -> Settings {
        Settings {
            contract: self.authentik_version.unwrap_or_default(),
            secrets: self.secrets,
            token_memory,
            cors: self.cors_origins.clone().unwrap_or_default(),
        }
    }
}

fn secrets() -> impl TypedValueParser<Value = Secrets> {
    let values = Secrets::ALL.map(|secrets| {
        PossibleValue::new(secrets.as_str()).help(match secrets {
            Secrets::Editors => "Callers who may change the stage",
            Secrets::Echo => "All callers who may view the stage",
            Secrets::WriteOnly => {
                "No caller; a change of provider or account_sid must include the secrets"
            }
        })
    });
    PossibleValuesParser::new(values).try_map(|word| Secrets::parse(&word))
}
