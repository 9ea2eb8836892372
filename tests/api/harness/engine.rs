//! Which engine the tests run on, and what a test takes there and gives back.
//!
//! `TEST_DYNAMODB` names it. Unset: the embedded engine, one for each test. `http://…` or
//! `https://…`: whatever answers as DynamoDB there. `aws`: AWS, in the region `AWS_REGION`, as
//! whom the `AWS_*` variables say. Every table that a test makes has a name that begins with
//! [`TABLE_PREFIX`]; no other is touched.

use std::{
    env,
    io::Write as _,
    sync::{
        Once, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, Region, SharedHttpClient,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata as _, SdkError},
    operation::delete_table::DeleteTableError,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};

/// The variable that names the engine.
pub const VARIABLE: &str = "TEST_DYNAMODB";
/// What the name of every table begins with that a test makes.
pub const TABLE_PREFIX: &str = "sms-stage-test-";

/// Longest wait for one answer. A hundred tests at once keep an engine on two cores busy, and a
/// table of AWS takes its time; what takes this long is an engine that has gone.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a table is asked to go, half a second apart: AWS refuses while it is being made.
const REMOVALS_MAX: u32 = 60;

/// Which engine the tests run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The one inside this process, with its data in memory.
    Embedded,
    /// What answers at this URL.
    Endpoint(String),
    /// AWS itself.
    Aws,
}

impl Engine {
    /// The one that the environment names.
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

/// Where a test finds its engine.
#[derive(Clone, Debug)]
pub struct Site {
    /// Which it is.
    pub engine: Engine,
    /// The URL to speak to; none for AWS, whose region's own it is.
    pub endpoint: Option<String>,
    region: String,
    credentials: Credentials,
}

impl Site {
    /// Finds the engine. An embedded one is started, and lives as long as the test's runtime.
    pub async fn find() -> Self {
        let engine = Engine::named();
        let (region, credentials) = match engine {
            Engine::Embedded => (None, None),
            Engine::Endpoint(_) => (env::var("AWS_REGION").ok(), own_credentials()),
            Engine::Aws => (
                Some(env::var("AWS_REGION").expect("AWS_REGION says where")),
                Some(own_credentials().expect("AWS_ACCESS_KEY_ID and the like say as whom")),
            ),
        };
        let endpoint = match &engine {
            Engine::Embedded => Some(start_embedded().await),
            Engine::Endpoint(url) => Some(url.clone()),
            Engine::Aws => None,
        };
        Self {
            engine,
            endpoint,
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            credentials: credentials.unwrap_or_else(no_ones_credentials),
        }
    }

    /// An embedded engine that somebody else started.
    pub fn embedded_at(endpoint: &str) -> Self {
        Self {
            engine: Engine::Embedded,
            endpoint: Some(endpoint.to_owned()),
            region: "us-east-1".to_owned(),
            credentials: no_ones_credentials(),
        }
    }

    /// A way to send requests there.
    pub fn http(&self) -> SharedHttpClient {
        if self.endpoint.as_deref().is_some_and(|url| url.starts_with("http://")) {
            // No certificate is looked at, so no trust store is parsed.
            return Builder::new().build_http();
        }
        Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(TlsContext::default())
            .build_https()
    }

    /// A client that sends its requests by this way.
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
            .retry_partition(retries_of_its_own())
            .http_client(http);
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Client::from_conf(config.build())
    }

    /// Reserves a name for a table, to be made by whoever asks. The table goes when the lease does.
    pub fn lease_table(&self) -> Lease {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        if self.engine != Engine::Embedded {
            self.announce();
        }
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        Lease { site: self.clone(), table_name: format!("{TABLE_PREFIX}{}-{number}", run_id()) }
    }

    /// Says once what is left behind if nobody gets to remove it. Written past the test runner,
    /// which keeps what a good test prints.
    fn announce(&self) {
        static ANNOUNCED: Once = Once::new();
        ANNOUNCED.call_once(|| {
            let place = self.endpoint.as_deref().unwrap_or("AWS");
            let name = self.endpoint.as_deref().unwrap_or("aws");
            let _ = writeln!(
                std::io::stderr(),
                "tables {TABLE_PREFIX}{}-* on {place}, each removed by its test; after a run that \
                 was cut off:\n  {VARIABLE}={name} cargo test --locked --test api -- --ignored \
                 removes_what_runs_that_were_cut_off_left",
                run_id(),
            );
        });
    }
}

/// Tells this run's tables from those of others on the same engine.
pub fn run_id() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| uuid::Uuid::new_v4().simple().to_string()[..12].to_owned())
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

/// Clients of one region share one allowance of retries, which a process whose tests make calls fail
/// on purpose would use up; then other tests' calls would not be sent again.
fn retries_of_its_own() -> RetryPartition {
    RetryPartition::custom("test").token_bucket(TokenBucket::unlimited()).build()
}

/// For engines that ask for a signature and do not look whose it is. Letters and digits only:
/// DynamoDB Local refuses any other.
fn no_ones_credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

/// A table's name that is a test's own. When this goes, by a panic too, so does the table.
#[derive(Debug)]
pub struct Lease {
    site: Site,
    /// The table's name.
    pub table_name: String,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.site.engine == Engine::Embedded {
            return; // It was in memory, and goes with the test.
        }
        let (site, table_name) = (self.site.clone(), self.table_name.clone());
        // The test's own runtime may be the thread that waits here, so the table is removed on
        // another, by a client of its own.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let client = site.client(site.http());
            runtime.block_on(remove_table(&client, &table_name)).map_err(std::io::Error::other)
        });
        let problem = match removal.join() {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "panicked".to_owned(),
        };
        let _ = writeln!(std::io::stderr(), "{} is left behind: {problem}", self.table_name);
    }
}

/// Removes a table, if it is there.
pub async fn remove_table(client: &Client, name: &str) -> Result<(), String> {
    for _ in 0..REMOVALS_MAX {
        let Err(error) = client.delete_table().table_name(name).send().await else {
            return Ok(());
        };
        match error.as_service_error() {
            Some(DeleteTableError::ResourceNotFoundException(_)) => return Ok(()),
            // It is being made; or too many are at once.
            Some(
                DeleteTableError::ResourceInUseException(_)
                | DeleteTableError::LimitExceededException(_),
            ) => tokio::time::sleep(Duration::from_millis(500)).await,
            _ => return Err(words(&error)),
        }
    }
    Err("it stays in use".to_owned())
}

fn words(error: &SdkError<DeleteTableError>) -> String {
    match error.code() {
        Some(code) => format!("{code}: {}", error.message().unwrap_or_default()),
        None => error.to_string(),
    }
}
