//! The Lambda function: settings from the environment, one client, one app, one event at a time.

use std::{env, fmt, process::ExitCode, sync::Arc, time::Duration};

use authenticator_sms_stage::{
    api::{App, Settings},
    contract::{Contract, Secrets},
    http::{cors::AllowedOrigins, event::Event},
    store::{
        Table,
        client::Connection,
        endpoint::{self, Endpoint},
    },
    telemetry::log,
};
use aws_sdk_dynamodb::config::Credentials;
use lambda_http::{Error, LambdaEvent, lambda_runtime, service_fn};
use tracing::level_filters::LevelFilter;

/// A setting that is missing or invalid.
#[derive(Debug)]
struct BadSetting {
    name: &'static str,
    problem: String,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {}: {}", self.name, self.problem)
    }
}

impl std::error::Error for BadSetting {}

/// The variables that Lambda itself sets; its runtime library panics if one is missing.
const LAMBDA_SETTINGS: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

// Lambda sends one event at a time, so a second thread would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let app = match start().await {
        Ok(app) => Arc::new(app),
        Err(error) => return report_failure("failed to start", &error),
    };
    match answer_events(app).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure("stopped answering events", &error),
    }
}

/// Reads the settings and opens the connection.
async fn start() -> Result<App, Error> {
    log::start(log_level()?, std::io::stdout);
    for name in LAMBDA_SETTINGS {
        required(name)?;
    }
    let settings = settings()?;
    let connects_at_start = connects_at_start()?;
    let table_name = checked("TABLE_NAME", endpoint::table_name)?;
    let table = Table::connect(connection()?, table_name)?;
    if connects_at_start {
        table.open_connection().await;
    }
    Ok(App::new(table, settings).with_metrics(write_metrics))
}

async fn answer_events(app: Arc<App>) -> Result<(), Error> {
    let events = lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
        let app = app.clone();
        async move { app.handle(event).await }
    }));
    // As a task: each time tokio wakes the future that `main` itself awaits, it polls epoll again.
    tokio::spawn(events).await?
}

fn settings() -> Result<Settings, BadSetting> {
    Ok(Settings {
        contract: parsed("AUTHENTIK_VERSION", Contract::parse)?.unwrap_or_default(),
        secrets: parsed("SECRETS", Secrets::parse)?,
        token_memory: token_memory()?,
        cors: parsed("CORS_ORIGINS", AllowedOrigins::parse)?.unwrap_or_default(),
    })
}

/// Reports an error on standard error, which Lambda logs.
#[expect(clippy::print_stderr, reason = "the log itself may have failed to start")]
fn report_failure(what: &str, error: &Error) -> ExitCode {
    eprintln!("bootstrap {what}: {error}");
    ExitCode::FAILURE
}

/// CloudWatch reads metrics from the log.
#[expect(clippy::print_stdout, reason = "standard output is the log")]
fn write_metrics(line: &str) {
    println!("{line}");
}

fn log_level() -> Result<LevelFilter, BadSetting> {
    Ok(word("LOG_LEVEL", "error, warn, info, debug or trace", |word| word.parse().ok())?
        .unwrap_or(LevelFilter::INFO))
}

fn connection() -> Result<Connection, BadSetting> {
    let for_dynamodb = parsed("AWS_ENDPOINT_URL_DYNAMODB", Endpoint::parse)?;
    let for_every_service = parsed("AWS_ENDPOINT_URL", Endpoint::parse)?;
    let endpoint = for_dynamodb.or(for_every_service);
    Ok(Connection {
        region: checked("AWS_REGION", endpoint::region)?,
        endpoint,
        roots: roots()?,
        // Valid for the life of the process: for new credentials, Lambda starts a new process.
        credentials: Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            optional("AWS_SESSION_TOKEN"),
            None,
            "environment",
        ),
    })
}

/// Certificates to trust instead of Amazon's roots.
fn roots() -> Result<Option<Vec<u8>>, BadSetting> {
    let name = "AWS_CA_BUNDLE";
    let Some(path) = optional(name) else {
        return Ok(None);
    };
    let bundle = std::fs::read(&path)
        .map_err(|error| BadSetting { name, problem: format!("cannot read {path}: {error}") })?;
    let mark = b"-----BEGIN CERTIFICATE-----";
    if bundle.windows(mark.len()).any(|window| window == mark) {
        Ok(Some(bundle))
    } else {
        Err(BadSetting { name, problem: format!("{path} contains no PEM certificate") })
    }
}

fn connects_at_start() -> Result<bool, BadSetting> {
    let connects = word("CONNECT_AT_START", "yes or no", |word| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    })?;
    Ok(connects.unwrap_or(true))
}

fn token_memory() -> Result<Duration, BadSetting> {
    let expected = "a whole number of seconds from 0 to 3600";
    let seconds = word("TOKEN_MEMORY_SECONDS", expected, |word| {
        word.parse().ok().filter(|seconds| *seconds <= 3600)
    })?;
    Ok(Duration::from_secs(seconds.unwrap_or(60)))
}

/// Reads an optional setting; for an invalid value, the error says what was expected.
fn word<T>(
    name: &'static str,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, BadSetting> {
    parsed(name, |word| parse(word).ok_or_else(|| format!("is {word:?}, not {expected}")))
}

/// Reads an optional setting.
fn parsed<T, E: fmt::Display>(
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, BadSetting> {
    let value = optional(name).map(|value| parse(&value)).transpose();
    value.map_err(|error| BadSetting { name, problem: error.to_string() })
}

/// Reads a required setting.
fn checked<T>(
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, BadSetting> {
    parse(&required(name)?).map_err(|problem| BadSetting { name, problem })
}

fn required(name: &'static str) -> Result<String, BadSetting> {
    optional(name).ok_or_else(|| {
        let problem = if LAMBDA_SETTINGS.contains(&name) {
            "is not set: this program runs in AWS Lambda; run `sms-stage` on other machines"
        } else {
            "is not set"
        };
        BadSetting { name, problem: problem.to_owned() }
    })
}

/// The variable's value. An empty one counts as not set, since a template cannot omit a variable.
fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
