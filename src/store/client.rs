//! The SDK client that both binaries use, configured by hand.
//!
//! The SDK's own defaults cost a cold start 30 ms more of CPU time: a credentials chain that
//! queries files and hosts, a trust store parsed from the system's 140 roots, and aws-lc's
//! CPU-jitter entropy. A Lambda function finds its credentials and region in its environment, and
//! DynamoDB's certificate chain ends in one of Amazon's roots.

use std::{fmt, time::Duration};

use aws_runtime::{
    invocation_id::InvocationIdInterceptor, request_info::RequestInfoInterceptor,
    user_agent::UserAgentInterceptor,
};
use aws_sdk_dynamodb::{
    Client,
    config::{
        self, BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
        SharedHttpClient, StalledStreamProtectionConfig,
        interceptors::{
            BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        },
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
    error::BoxError,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;

use super::endpoint::Endpoint;

/// Amazon Root CA 1 to 4 and Starfield Services G2: the roots that AWS asks clients to trust,
/// <https://docs.aws.amazon.com/general/latest/gr/rande.html> and
/// <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Maximum wait for a connection. DynamoDB's endpoint is in the same region, some milliseconds
/// away; a connection that takes this long will not succeed.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1000);
/// Maximum wait for one attempt's answer. A connection that died while the function was frozen is
/// detected this way.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2000);
/// Maximum attempts of one call, including the first.
const ATTEMPTS_MAX: u32 = 3;
/// Maximum wait before the second attempt; doubled after that. The SDKs for DynamoDB use 25 ms
/// where others use 1 s, because DynamoDB answers in single-digit milliseconds.
const INITIAL_BACKOFF: Duration = Duration::from_millis(25);

/// Endpoint and credentials.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The AWS region, for example `eu-central-1`.
    pub region: String,
    /// An endpoint other than the region's own.
    pub endpoint: Option<Endpoint>,
    /// Certificates to trust instead of Amazon's roots, as PEM text.
    pub roots: Option<Vec<u8>>,
    /// The credentials that requests are signed with.
    pub credentials: Credentials,
}

/// The client could not be built: the certificates to trust cannot be read.
#[derive(Debug)]
pub struct ConnectionError(String);

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot build the DynamoDB client: {}", self.0)
    }
}

impl std::error::Error for ConnectionError {}

/// Builds the client. Nothing is sent yet.
///
/// # Errors
///
/// [`ConnectionError`] if the certificates cannot be read.
pub fn client(connection: Connection) -> Result<Client, ConnectionError> {
    Ok(Client::from_conf(config(connection)?.build()))
}

/// The client's configuration.
pub(super) fn config(connection: Connection) -> Result<config::Builder, ConnectionError> {
    let http = http_client(&connection)?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS_MAX)
        .with_initial_backoff(INITIAL_BACKOFF);
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(connection.region))
        .credentials_provider(connection.credentials)
        .timeout_config(timeouts)
        .retry_config(retries)
        .retry_partition(retries_of_each_request())
        // An attempt's timeout includes reading its answer.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(ShortUserAgent)
        .http_client(http);
    if let Some(endpoint) = connection.endpoint {
        config = config.endpoint_url(endpoint.as_str());
    }
    Ok(config)
}

/// Gives each request its own retries. The SDK's default is one retry quota for all requests of a
/// process: after some 25 failed ones, the next transient fault of any other would not be retried.
fn retries_of_each_request() -> RetryPartition {
    RetryPartition::custom("each request").token_bucket(TokenBucket::unlimited()).build()
}

fn http_client(connection: &Connection) -> Result<SharedHttpClient, ConnectionError> {
    if connection.endpoint.as_ref().is_some_and(Endpoint::is_cleartext) {
        // No certificate is checked, so no trust store is parsed.
        return Ok(Builder::new().build_http());
    }
    let roots = connection.roots.as_deref().unwrap_or(AMAZON_ROOTS);
    let trust = TrustStore::empty().with_pem_certificate(roots);
    let tls = TlsContext::builder().with_trust_store(trust).build();
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls.map_err(|error| ConnectionError(error.to_string()))?)
        .build_https())
}

/// Sends this program's name in one constant header, without what the SDK reports to AWS: compiler,
/// operating system, features in use, an id of the call, the number of the attempt. DynamoDB needs
/// none of that; building and signing it took 6 % of a warm call's instructions, and 8 % of a first
/// one's.
#[derive(Debug)]
struct ShortUserAgent;

/// The header's value; AWS's logs have it as `userAgent`.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ShortUserAgent {
    fn name(&self) -> &'static str {
        "ShortUserAgent"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let reason = "replaced by one constant header";
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>(reason));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>(reason));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(reason));
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("user-agent", USER_AGENT);
        Ok(())
    }
}
