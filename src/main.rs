//! The Lambda function: settings from the environment, one client, one app, one event at a time.

use std::{env, fmt, process::ExitCode, sync::Arc, time::Duration};

use authenticator_sms_stage::{
    handler::App,
    log,
    request::Event,
    store::{
        Secrets, StageTable,
        client::{self, Connection},
    },
};
use aws_sdk_dynamodb::config::Credentials;
use lambda_http::{Error, LambdaEvent, lambda_runtime, service_fn};
use tracing::level_filters::LevelFilter;

/// A setting that is missing or makes no sense.
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

/// What Lambda itself sets; its runtime library panics without one of them.
const LAMBDA_SETTINGS: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

// One event at a time, as Lambda sends them: a second thread would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    log::start(log_level()?, std::io::stdout);
    for name in LAMBDA_SETTINGS {
        required(name)?;
    }
    let secrets = secrets()?;
    let token_memory = token_memory()?;
    let connects_at_start = connects_at_start()?;
    let table_name = required("TABLE_NAME")?;
    let table = StageTable::new(client::client(connection()?)?, table_name, secrets);
    if connects_at_start {
        table.open_connection().await;
    }
    let app = Arc::new(App::new(table, secrets, token_memory).with_metrics(write_metrics));
    let events = lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
        let app = app.clone();
        async move { app.handle(event).await }
    }));
    // As a task: each time that it wakes what `main` itself waits for, tokio looks at epoll once more.
    tokio::spawn(events).await?
}

/// Says why the function does not start. Lambda puts it into the log.
#[expect(clippy::print_stderr, reason = "the log itself may be what does not start")]
fn complain(error: &Error) {
    eprintln!("bootstrap does not start: {error}");
}

/// CloudWatch reads metrics from the log.
#[expect(clippy::print_stdout, reason = "standard output is the log")]
fn write_metrics(line: &str) {
    println!("{line}");
}

fn log_level() -> Result<LevelFilter, BadSetting> {
    let level = parsed("LOG_LEVEL", "error, warn, info, debug or trace", |word| word.parse().ok())?;
    Ok(level.unwrap_or(LevelFilter::INFO))
}

fn connection() -> Result<Connection, BadSetting> {
    Ok(Connection {
        region: required("AWS_REGION")?,
        endpoint: match endpoint("AWS_ENDPOINT_URL_DYNAMODB")? {
            Some(dynamodb) => Some(dynamodb),
            None => endpoint("AWS_ENDPOINT_URL")?,
        },
        roots: roots()?,
        // They live as long as the function's process does; Lambda starts a new one with new ones.
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
        Err(BadSetting { name, problem: format!("{path} holds no PEM certificate") })
    }
}

fn endpoint(name: &'static str) -> Result<Option<String>, BadSetting> {
    parsed(name, "an address that begins with https:// or http://", |address| {
        let is_address = address.starts_with("https://") || address.starts_with("http://");
        is_address.then(|| address.to_owned())
    })
}

fn secrets() -> Result<Secrets, BadSetting> {
    let secrets = parsed("SECRETS", "echo or write-only", |word| match word {
        "echo" => Some(Secrets::Echo),
        "write-only" => Some(Secrets::WriteOnly),
        _ => None,
    })?;
    Ok(secrets.unwrap_or_default())
}

fn connects_at_start() -> Result<bool, BadSetting> {
    let connects = parsed("CONNECT_AT_START", "yes or no", |word| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    })?;
    Ok(connects.unwrap_or(true))
}

fn token_memory() -> Result<Duration, BadSetting> {
    let seconds =
        parsed("TOKEN_MEMORY_SECONDS", "a whole number of seconds from 0 to 3600", |word| {
            word.parse().ok().filter(|seconds| *seconds <= 3600)
        })?;
    Ok(Duration::from_secs(seconds.unwrap_or(60)))
}

fn parsed<T>(
    name: &'static str,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, BadSetting> {
    match optional(name) {
        None => Ok(None),
        Some(word) => match parse(&word) {
            Some(value) => Ok(Some(value)),
            None => Err(BadSetting { name, problem: format!("is {word:?}, not {expected}") }),
        },
    }
}

fn required(name: &'static str) -> Result<String, BadSetting> {
    optional(name).ok_or_else(|| {
        let problem = if LAMBDA_SETTINGS.contains(&name) {
            "is not set: this program runs in AWS Lambda; `sms-stage` runs it on any machine"
        } else {
            "is not set"
        };
        BadSetting { name, problem: problem.to_owned() }
    })
}

/// The variable's value; an empty one counts as not set, since templates cannot leave one out.
fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
