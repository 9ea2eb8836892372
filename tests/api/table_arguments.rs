//! How the operators' commands find their table.

use crate::harness::{
    ClosedPort, STAGE,
    command::{EngineProcess, assert_fails, assert_succeeds, run, run_to_end, sms_stage},
};

#[test]
fn the_table_can_be_named_by_the_environment() {
    let engine = EngineProcess::start();
    let mut command = sms_stage(&["get", STAGE]);
    command.env("TABLE_NAME", "authenticator-sms-stage");
    command.env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", engine.server.address));
    assert_succeeds(&run_to_end(&mut command));
    // Credentials from the environment are used as well.
    command.env("AWS_ACCESS_KEY_ID", "operator").env("AWS_SECRET_ACCESS_KEY", "x");
    command.env("AWS_REGION", "eu-central-1");
    assert_succeeds(&run_to_end(&mut command));
}

#[test]
fn a_named_profile_takes_precedence_over_the_environment() {
    let engine = EngineProcess::start();
    let config = "[profile keys]\nregion = eu-central-1\naws_access_key_id = a\n\
                  aws_secret_access_key = b\n[profile sso]\nregion = eu-central-1\n\
                  sso_start_url = https://example.invalid/start\nsso_region = eu-central-1\n\
                  sso_account_id = 123456789012\nsso_role_name = operator\n";
    let config = engine.folder.write("config", config);
    let run = |profile: &str| {
        let table = engine.table_arguments();
        let mut arguments: Vec<_> = table.iter().map(String::as_str).collect();
        arguments.extend(["--region", "eu-central-1", "--profile", profile]);
        let mut command = sms_stage(&[&["get", STAGE][..], &arguments].concat());
        command.env("AWS_CONFIG_FILE", &config).env("HOME", engine.folder.path(""));
        // The environment's credentials are not used instead.
        command.env("AWS_ACCESS_KEY_ID", "c").env("AWS_SECRET_ACCESS_KEY", "d");
        run_to_end(&mut command)
    };
    assert_succeeds(&run("keys"));
    let ended = run("sso");
    assert_fails(&ended, &["sso", "aws sso login"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let ended = run("unknown");
    assert_fails(&ended, &["the profile unknown", "~/.aws/config"]);
    assert!(!ended.stderr.contains("sso login"), "that would not help: {}", ended.stderr);
}

#[test]
fn a_missing_or_wrong_table_is_explained() {
    let engine = EngineProcess::start();
    let closed = ClosedPort::reserve();
    let (endpoint, unused) =
        (engine.table_arguments()[3].clone(), format!("http://{}", closed.address));
    let absent = engine.folder.path("absent");
    for (arguments, words) in [
        (vec!["get", STAGE], vec!["no table was given", "--table", "--data"]),
        (vec!["get", STAGE, "--table", "mine"], vec!["no AWS region was given", "--region"]),
        (vec!["get", STAGE, "--table", "mine", "--region", "x"], vec!["credentials", "--profile"]),
        (vec!["get", STAGE, "--table", "mine", "--endpoint", &endpoint], vec!["no such table"]),
        (
            vec!["get", STAGE, "--table", "mine", "--endpoint", &unused],
            vec!["no connection", "--endpoint"],
        ),
        (vec!["token", "list", "--data", &absent], vec!["there is no such file", "sms-stage load"]),
        (vec!["delete", STAGE, "--yes", "--data", &absent], vec!["there is no such file"]),
    ] {
        let ended = run(&arguments);
        assert_fails(&ended, &words);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    assert!(!std::path::Path::new(&absent).exists(), "no file was created");
    let ended = run(&["get", STAGE, "--table", "mine", "--data", &absent]);
    assert!(ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
}
