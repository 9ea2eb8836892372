//! The function binary's settings. An invalid one makes the start fail with a line that names it.

use std::{
    io::{ErrorKind, Read},
    net::TcpListener,
    process::{Command, Stdio},
};

use crate::harness::command::{Killed, TIME_MAX, run_to_end};

/// Valid settings.
const GOOD: [(&str, &str); 9] = [
    ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
    ("AWS_LAMBDA_FUNCTION_NAME", "f"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("TABLE_NAME", "stages"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "a"),
    ("AWS_SECRET_ACCESS_KEY", "s3cr3t-key"),
    ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1"),
];

/// Starts the function with one setting changed or removed, and returns its error.
fn start_error(name: &str, value: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command.env_clear().envs(GOOD).env_remove(name);
    if let Some(value) = value {
        command.env(name, value);
    }
    let ended = run_to_end(&mut command);
    assert!(!ended.is_success, "{name}={value:?} starts");
    let words = ended.stderr;
    assert!(!words.contains("panicked") && !words.contains("s3cr3t-key"), "{words}");
    words
}

#[test]
fn a_missing_setting_is_named() {
    let optional = "AWS_ENDPOINT_URL_DYNAMODB";
    for (name, _) in GOOD.into_iter().filter(|(name, _)| *name != optional) {
        for value in [None, Some("")] {
            let expected =
                format!("bootstrap failed to start: environment variable {name}: is not set");
            let words = start_error(name, value);
            assert!(words.starts_with(&expected), "{words}");
        }
    }
}

#[test]
fn an_invalid_setting_is_named_with_the_valid_values() {
    let no_certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (name, value, problem) in [
        ("LOG_LEVEL", "loud", "is \"loud\", not error, warn, info, debug or trace"),
        ("SECRETS", "hide", "\"hide\" is not one of editors, echo, write-only"),
        ("AUTHENTIK_VERSION", "2031.2", "known releases are 2024.2 (.0 to "),
        ("AUTHENTIK_VERSION", "2026.8.99", "known releases are 2024.2 (.0 to "),
        ("CORS_ORIGINS", "https://admin.example.com/", "without a slash"),
        ("TABLE_NAME", "no", "is not a table name"),
        ("TABLE_NAME", "${TableName}", "is not a table name"),
        ("AWS_REGION", "eu central 1", "is not the name of a region"),
        ("CONNECT_AT_START", "maybe", "is \"maybe\", not yes or no"),
        ("TOKEN_MEMORY_SECONDS", "-1", "is \"-1\", not a whole number of seconds from 0 to 3600"),
        ("TOKEN_MEMORY_SECONDS", "1e9", "is \"1e9\", not a whole number of seconds from 0 to 3600"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "127.0.0.1:1", "does not begin with http:// or https://"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "localhost:8001", "does not begin with http:// or https://"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1 ", "contains white space"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1\n", "contains white space"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://", "is not a URI"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.<region>.amazonaws.com", "a placeholder"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.${AWS::Region}.x", "a placeholder"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", "has no valid host or port"),
        ("AWS_CA_BUNDLE", "/no/such/file", "cannot read /no/such/file: No such file or directory"),
        ("AWS_CA_BUNDLE", no_certificate, "contains no PEM certificate"),
    ] {
        let words = start_error(name, Some(value));
        assert!(words.contains(&format!("environment variable {name}: ")), "{words}");
        assert!(words.contains(problem), "{words}");
    }
}

/// Starts the function with this setting. Returns whether it connects to DynamoDB before asking for
/// its first event. Nothing answers on the connection, which does not prevent the start.
fn connects_before_its_first_event(setting: Option<&str>) -> bool {
    let lambda = TcpListener::bind("127.0.0.1:0").unwrap();
    let dynamodb = TcpListener::bind("127.0.0.1:0").unwrap();
    for listener in [&lambda, &dynamodb] {
        listener.set_nonblocking(true).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command
        .env_clear()
        .envs(GOOD)
        .env("AWS_LAMBDA_RUNTIME_API", lambda.local_addr().unwrap().to_string())
        .env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", dynamodb.local_addr().unwrap()))
        .stdout(Stdio::null());
    if let Some(setting) = setting {
        command.env("CONNECT_AT_START", setting);
    }
    let mut function = Killed(command.spawn().unwrap());
    let (mut runtime, _) = function.wait_for("the first connection", || lambda.accept().ok());
    runtime.set_nonblocking(false).unwrap();
    runtime.set_read_timeout(Some(TIME_MAX)).unwrap();
    runtime.read_exact(&mut [0; 4]).unwrap();
    match dynamodb.accept() {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

#[test]
fn the_connection_is_opened_at_the_start_unless_the_setting_forbids_it() {
    assert!(connects_before_its_first_event(None));
    assert!(connects_before_its_first_event(Some("yes")));
    assert!(!connects_before_its_first_event(Some("no")));
}
