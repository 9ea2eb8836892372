//! The Lambda function: settings from the environment, one client, one app, one event at a time.

use std::{env, fmt, time::Duration};

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

// One event at a time, as Lambda sends them: a second thread would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start(log_level()?, std::io::stdout);
    let secrets = secrets()?;
    let token_memory = token_memory()?;
    let client = client::client(connection()?)?;
    let table = StageTable::new(client, required("TABLE_NAME")?, secrets);
    table.open_connection().await;
    let app = App::new(table, secrets, token_memory).with_metrics(write_metrics);
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| app.handle(event))).await
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
    let roots = match optional("AWS_CA_BUNDLE") {
        Some(path) => Some(std::fs::read(&path).map_err(|error| BadSetting {
            name: "AWS_CA_BUNDLE",
            problem: format!("cannot read {path}: {error}"),
        })?),
        None => None,
    };
    Ok(Connection {
        region: required("AWS_REGION")?,
        endpoint: optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| optional("AWS_ENDPOINT_URL")),
        roots,
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

fn secrets() -> Result<Secrets, BadSetting> {
    let secrets = parsed("SECRETS", "echo or write-only", |word| match word {
        "echo" => Some(Secrets::Echo),
        "write-only" => Some(Secrets::WriteOnly),
        _ => None,
    })?;
    Ok(secrets.unwrap_or_default())
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
    optional(name).ok_or_else(|| BadSetting { name, problem: "is not set".to_owned() })
}

/// The variable's value; an empty one counts as not set, since templates cannot leave one out.
fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
