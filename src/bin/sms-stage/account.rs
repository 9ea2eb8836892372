//! A client for the operator's AWS account, with the credentials that every AWS tool would find.

use std::{
    env,
    error::Error,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use authenticator_sms_stage::store::endpoint::{self, Endpoint};
use aws_config::{
    SdkConfig,
    profile::{ProfileFileCredentialsProvider, credentials::ProfileFileError},
    provider_config::ProviderConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::{error::CredentialsError, future};
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, ProvideCredentials, Region, SharedCredentialsProvider,
        SharedHttpClient,
    },
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_types::service_config::ServiceConfigKey;

use crate::output::Failure;

/// Timeout of one attempt. It is longer than the function's, for an operator far from the region or
/// behind a proxy.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings that the operator gave; the others are found as by every AWS tool.
pub struct Account {
    /// A profile in ~/.aws/config.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// An endpoint instead of the region's own.
    pub endpoint: Option<Endpoint>,
}

impl Account {
    /// Returns the client, and its region.
    pub async fn client(&self) -> Result<(Client, String), Failure> {
        let http = http_client()?;
        let shared = self.found(http.clone()).await;
        let region = checked_region(shared.region())?;
        let provider = match &self.profile {
            // A profile that the operator names takes precedence over keys in the environment.
            Some(profile) => profile_provider(profile, &region, http),
            None => shared.credentials_provider().ok_or_else(no_credentials)?,
        };
        let credentials = provider.provide_credentials().await;
        let first = credentials.map_err(|error| self.explained(&error))?;
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let mut config = aws_sdk_dynamodb::config::Builder::from(&shared)
            .timeout_config(timeouts)
            .credentials_provider(Found { first: Mutex::new(Some(first)), then: provider });
        // Set even if there is none: the SDK takes an empty variable for an endpoint.
        let endpoint = self.endpoint(&shared)?;
        config.set_endpoint_url(endpoint.map(|endpoint| endpoint.as_str().to_owned()));
        Ok((Client::from_conf(config.build()), region))
    }

    /// Loads the configuration that every AWS tool finds.
    async fn found(&self, http: SharedHttpClient) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        loader.load().await
    }

    fn endpoint(&self, shared: &SdkConfig) -> Result<Option<Endpoint>, Failure> {
        if self.endpoint.is_some() {
            return Ok(self.endpoint.clone());
        }
        let endpoint = endpoint_of_profile(shared).map(|text| Endpoint::parse(&text)).transpose();
        endpoint.map_err(|problem| Failure(format!("endpoint_url in the profile {problem}")))
    }

    /// Explains why there are no credentials. The SDK's text is not shown: it may quote a request,
    /// or a line of a file that holds keys.
    fn explained(&self, error: &CredentialsError) -> Failure {
        let in_environment = env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
        let profile = self.profile.clone().or(in_environment);
        let cause = profile_problem(error).unwrap_or_else(|| problem(error).to_owned());
        match (profile, error) {
            (Some(profile), _) => {
                Failure::new(format!("cannot get credentials from the profile {profile}"), cause)
            }
            (None, CredentialsError::CredentialsNotLoaded(_)) => no_credentials(),
            (None, _) => Failure::new("cannot get AWS credentials", cause),
        }
    }
}

/// Explains a problem that is not with the profile itself.
fn problem(error: &CredentialsError) -> &'static str {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "it is not in ~/.aws/config or ~/.aws/credentials, or has no credentials there"
        }
        CredentialsError::InvalidConfiguration(_) => "its settings are incomplete",
        CredentialsError::ProviderTimedOut(_) => "there was no answer in time",
        _ => {
            "their source refused, or cannot be reached; if a login has expired, log in again with \
             `aws sso login` (the credentials of `aws login` cannot be read)"
        }
    }
}

/// Returns the profile's endpoint for DynamoDB, or for all services.
fn endpoint_of_profile(shared: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("DynamoDB")
        .profile("endpoint_url")
        .env("AWS_ENDPOINT_URL")
        .build();
    let own = key.ok().and_then(|key| shared.service_config()?.load_config(key));
    let endpoint = own.or_else(|| shared.endpoint_url().map(str::to_owned));
    endpoint.filter(|endpoint| !endpoint.is_empty())
}

fn no_credentials() -> Failure {
    Failure(
        "there are no AWS credentials: log in with `aws sso login`, or give a profile with \
         --profile; the credentials of `aws login` cannot be read"
            .to_owned(),
    )
}

/// Explains what is wrong with the profile itself, if that is the cause.
fn profile_problem(error: &CredentialsError) -> Option<String> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(problem) = cause.downcast_ref::<ProfileFileError>() {
            return Some(match problem {
                ProfileFileError::MissingProfile { profile, .. } => {
                    format!("~/.aws/config has no profile {profile}")
                }
                ProfileFileError::ProfileDidNotContainCredentials { profile, .. } => {
                    format!("the profile {profile} has no credentials")
                }
                ProfileFileError::MissingSsoSession { sso_session, .. } => {
                    format!("~/.aws/config has no sso-session {sso_session}")
                }
                ProfileFileError::FeatureNotEnabled { .. } => {
                    "it has a kind of credentials that this program does not support".to_owned()
                }
                _ => "its settings in ~/.aws/config cannot be used".to_owned(),
            });
        }
        source = cause.source();
    }
    None
}

fn checked_region(region: Option<&Region>) -> Result<String, Failure> {
    let region = region.ok_or_else(|| {
        Failure(
            "no AWS region was given: set it with --region, in AWS_REGION or AWS_DEFAULT_REGION, or \
             in the profile"
                .to_owned(),
        )
    })?;
    endpoint::region(region.as_ref()).map_err(|problem| {
        Failure(format!("the region from AWS_DEFAULT_REGION or the profile {problem}"))
    })
}

fn profile_provider(
    profile: &str,
    region: &str,
    http: SharedHttpClient,
) -> SharedCredentialsProvider {
    let settings = ProviderConfig::without_region()
        .with_region(Some(Region::new(region.to_owned())))
        .with_http_client(http);
    let provider = ProfileFileCredentialsProvider::builder().profile_name(profile);
    SharedCredentialsProvider::new(provider.configure(&settings).build())
}

/// Provides the credentials that were fetched to see whether there are any, then the provider's, so
/// that a process or a login is not used twice at the start.
#[derive(Debug)]
struct Found {
    first: Mutex<Option<Credentials>>,
    then: SharedCredentialsProvider,
}

impl ProvideCredentials for Found {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.then.provide_credentials(),
        }
    }
}

/// The same TLS as elsewhere, on ring, but with the system's trusted certificates and proxy: there
/// may be a company's own of either between an operator's machine and AWS.
fn http_client() -> Result<SharedHttpClient, Failure> {
    let mut trust = TrustStore::default();
    if let Some(path) = env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        let roots = std::fs::read(&path);
        let doing = || format!("cannot read AWS_CA_BUNDLE {}", path.display());
        trust = trust.with_pem_certificate(roots.map_err(|error| Failure::new(doing(), error))?);
    }
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|error| Failure::new("cannot use the trusted certificates", error))?;
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

/// Returns whether an endpoint is on this machine without TLS: an embedded engine, DynamoDB Local.
pub fn is_this_machine(endpoint: &Endpoint) -> bool {
    let Ok(uri) = endpoint.as_str().parse::<axum::http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    endpoint.is_cleartext() && (is_loopback || host.eq_ignore_ascii_case("localhost"))
}
