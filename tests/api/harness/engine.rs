//! The engine that the tests run on.
//!
//! The variable `TEST_DYNAMODB` selects it. If it is unset, each test has its own embedded engine.
//! `http://…` or `https://…` selects the engine at this URL. `aws` selects AWS, in the region
//! `AWS_REGION`, with the credentials in the `AWS_*` variables.

use std::{env, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, Region, SharedHttpClient,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};

/// The variable that selects the engine.
pub const VARIABLE: &str = "TEST_DYNAMODB";

/// Maximum wait for one answer. A hundred tests at once keep an engine on two cores busy, and AWS
/// may be slow; an engine that takes longer has failed.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Which engine the tests run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The engine inside this process, with its data in memory.
    Embedded,
    /// The engine at this URL.
    Endpoint(String),
    /// AWS itself.
    Aws,
}

impl Engine {
    /// The engine that the environment selects.
    pub fn named() -> Self {
        let name = env::var(VARIABLE).unwrap_or_default();
        match &*name {
            "" => Self::Embedded,
            "aws" => Self::Aws,
            url if url.starts_with("http://") || url.starts_with("https://") => {
                Self::Endpoint(name)
            }
            _ => panic!("{VARIABLE} is {name:?}: neither a URL nor aws"),
        }
    }
}

/// How a test connects to its engine.
#[derive(Clone, Debug)]
pub struct EngineEndpoint {
    /// The engine.
    pub engine: Engine,
    /// Its URL; none for AWS, where it follows from the region.
    pub url: Option<String>,
    region: String,
    credentials: Credentials,
}

impl EngineEndpoint {
    /// Finds the engine. An embedded engine is started, and runs until the test's runtime ends.
    pub async fn find() -> Self {
        let engine = Engine::named();
        let (region, credentials) = match engine {
            Engine::Embedded => (None, None),
            Engine::Endpoint(_) => (env::var("AWS_REGION").ok(), own_credentials()),
            Engine::Aws => (
                Some(env::var("AWS_REGION").expect("AWS_REGION is set")),
                Some(
                    own_credentials().expect("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set"),
                ),
            ),
        };
        let url = match &engine {
            Engine::Embedded => Some(start_embedded().await),
            Engine::Endpoint(url) => Some(url.clone()),
            Engine::Aws => None,
        };
        Self {
            engine,
            url,
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            credentials: credentials.unwrap_or_else(placeholder_credentials),
        }
    }

    /// An embedded engine that another process has started.
    pub fn embedded_at(url: &str) -> Self {
        Self {
            engine: Engine::Embedded,
            url: Some(url.to_owned()),
            region: "us-east-1".to_owned(),
            credentials: placeholder_credentials(),
        }
    }

    /// An HTTP client for the engine.
    pub fn http(&self) -> SharedHttpClient {
        if self.url.as_deref().is_some_and(|url| url.starts_with("http://")) {
            // There is no certificate to check, so no trust store is parsed.
            return Builder::new().build_http();
        }
        Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(TlsContext::default())
            .build_https()
    }

    /// An SDK client that sends its requests through this HTTP client.
    pub fn client(&self, http: SharedHttpClient) -> Client {
        let retries = match self.engine {
            Engine::Aws => RetryConfig::standard().with_max_attempts(5),
            _ => RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)),
        };
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .timeout_config(
                TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build(),
            )
            .retry_config(retries)
            .retry_partition(own_retries())
            .http_client(http);
        if let Some(url) = &self.url {
            config = config.endpoint_url(url);
        }
        Client::from_conf(config.build())
    }
}

async fn start_embedded() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    endpoint
}

fn own_credentials() -> Option<Credentials> {
    let key_id = env::var("AWS_ACCESS_KEY_ID").ok()?;
    let secret = env::var("AWS_SECRET_ACCESS_KEY").ok()?;
    let session = env::var("AWS_SESSION_TOKEN").ok();
    Some(Credentials::new(key_id, secret, session, None, "environment"))
}

/// The SDK's clients for one region share one retry budget. Tests that make calls fail would use it
/// up, and then other tests' calls would not be retried.
fn own_retries() -> RetryPartition {
    RetryPartition::custom("test").token_bucket(TokenBucket::unlimited()).build()
}

/// Credentials for engines that require a signature but do not verify it. DynamoDB Local accepts
/// only letters and digits.
fn placeholder_credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}
