//! Where the table is that an operator's command works on.

use std::{env, net::IpAddr, path::PathBuf, time::Duration};

use authenticator_sms_stage::store::{
    Secrets, StageTable,
    client::{self, Connection},
};
use aws_config::{
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, SharedHttpClient},
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use clap::Args;

use crate::{
    Failure,
    engine::{self, Engine},
};

/// Longest wait for one attempt's answer. Far from the region and through a proxy, that is longer
/// than it is for the function.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which table. Without any of these, the environment says it.
#[derive(Args)]
#[command(next_help_heading = "Which table")]
pub struct Place {
    /// The DynamoDB table's name. Without it, TABLE_NAME has it.
    #[arg(long, value_name = "NAME", conflicts_with = "data")]
    table: Option<String>,
    /// Another endpoint than the region's own, for example that of `sms-stage dynamodb`. Without it,
    /// AWS_ENDPOINT_URL_DYNAMODB has it, if anything does.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    endpoint: Option<String>,
    /// The AWS region. Without it, AWS_REGION or the profile has it.
    #[arg(long, value_name = "REGION", conflicts_with = "data")]
    region: Option<String>,
    /// The profile, of ~/.aws/config, whose credentials to use: keys, a role, SSO or a process.
    /// Without it, they are found as every AWS tool finds them.
    #[arg(long, value_name = "PROFILE", conflicts_with = "data")]
    profile: Option<String>,
    /// No AWS at all: the embedded engine's data in this file, as `sms-stage serve --data` keeps it.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

/// What is done about an embedded engine's file that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It is made.
    Make,
    /// That is a mistake.
    Refuse,
}

impl Place {
    /// The table, ready to be asked.
    pub async fn open(&self, absent: Absent) -> Result<StageTable, Failure> {
        if let Some(file) = &self.data {
            if absent == Absent::Refuse && !file.exists() {
                return Err(Failure::new(
                    format!("there is no file {}", file.display()),
                    "`sms-stage load --data` and `sms-stage serve --data` make one",
                ));
            }
            let listener = engine::bind_loopback().await?;
            return Ok(Engine::start(listener, Some(file), Secrets::Echo).await?.table);
        }
        let name = self.table.clone().or_else(|| setting("TABLE_NAME")).ok_or_else(|| {
            Failure(
                "no table is named: name it with --table or TABLE_NAME, or an embedded engine's \
                 file with --data"
                    .to_owned(),
            )
        })?;
        Ok(StageTable::new(self.client().await?, name, Secrets::Echo))
    }

    async fn client(&self) -> Result<Client, Failure> {
        let endpoint = (self.endpoint.clone())
            .or_else(|| setting("AWS_ENDPOINT_URL_DYNAMODB"))
            .or_else(|| setting("AWS_ENDPOINT_URL"));
        let is_anybody = self.profile.is_none()
            && setting("AWS_PROFILE").is_none()
            && setting("AWS_ACCESS_KEY_ID").is_none();
        if is_anybody && endpoint.as_deref().is_some_and(is_this_machine) {
            // A local engine takes whoever comes; nobody needs an AWS account to try it.
            let client = client::client(Connection {
                region: self
                    .region
                    .clone()
                    .or_else(|| setting("AWS_REGION"))
                    .unwrap_or_else(|| "us-east-1".to_owned()),
                endpoint,
                roots: None,
                credentials: Credentials::new("local", "local", None, None, "local engine"),
            });
            return client.map_err(|error| Failure(error.to_string()));
        }
        self.client_of_account(endpoint).await
    }

    /// A client with the credentials and the region that every AWS tool would find.
    async fn client_of_account(&self, endpoint: Option<String>) -> Result<Client, Failure> {
        let http = http_client()?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let shared = loader.load().await;
        if shared.region().is_none() {
            return Err(Failure(
                "no AWS region is named: name it with --region, in AWS_REGION or in the profile"
                    .to_owned(),
            ));
        }
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let mut config = aws_sdk_dynamodb::config::Builder::from(&shared).timeout_config(timeouts);
        if let Some(profile) = &self.profile {
            // Who names a profile means it, also where the environment has keys.
            let around = ProviderConfig::without_region()
                .with_region(shared.region().cloned())
                .with_http_client(http);
            let profile = ProfileFileCredentialsProvider::builder().profile_name(profile);
            config = config.credentials_provider(profile.configure(&around).build());
        }
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Client::from_conf(config.build()))
    }
}

/// The same TLS as everywhere, on ring. A laptop is asked to trust what its system trusts, and goes
/// through its proxy, since between it and AWS there may be a company's own of either.
fn http_client() -> Result<SharedHttpClient, Failure> {
    let mut trust = TrustStore::default();
    if let Some(path) = setting("AWS_CA_BUNDLE") {
        let roots = std::fs::read(&path);
        let doing = || format!("cannot read AWS_CA_BUNDLE {path}");
        trust = trust.with_pem_certificate(roots.map_err(|error| Failure::new(doing(), error))?);
    }
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|error| Failure::new("cannot trust the certificates", error))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    }))
}

fn is_this_machine(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<axum::http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && (is_loopback || host == "localhost")
}

/// An environment variable's value; an empty one counts as not set, as in the function.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
