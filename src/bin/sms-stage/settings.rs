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

/// What the function reads from its environment.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The function's settings")]
pub struct SettingsArgs {
    /// Answer as this release of authentik does: the function's setting AUTHENTIK_VERSION. Without
    /// it, answers can be read by clients of every release.
    #[arg(long, value_name = "RELEASE", value_parser = Contract::parse)]
    authentik_version: Option<Contract>,
    /// Who is shown `auth` and `auth_password`: the function's setting SECRETS. Without it, editors,
    /// or no caller where the release named above shows them to none.
    #[arg(long, value_name = "WHO", value_parser = secrets())]
    secrets: Option<Secrets>,
    /// The origins whose scripts may read answers, such as `https://admin.example.com`, with commas
    /// between, or `*` for all: the function's setting CORS_ORIGINS. Without it, none.
    #[arg(long, value_name = "ORIGINS", value_parser = AllowedOrigins::parse)]
    cors_origins: Option<AllowedOrigins>,
}

impl SettingsArgs {
    /// The settings; tokens are remembered for this long.
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
    let values = [
        PossibleValue::new("editors").help("Callers who may change the stage"),
        PossibleValue::new("echo").help("All callers who may view the stage"),
        PossibleValue::new("write-only")
            .help("No caller; a change of provider or account_sid has to bring the secrets along"),
    ];
    PossibleValuesParser::new(values).try_map(|word| Secrets::parse(&word))
}
