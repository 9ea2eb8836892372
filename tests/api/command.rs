//! The command `sms-stage` at a terminal: what it prints, and how it fails.

mod serve;

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, Request, STAGE,
    command::{
        Folder, Server, assert_fails, assert_usage_error, end_of, run, run_with_input, send,
        sms_stage,
    },
    stage_with,
};

/// The contract under which answers equal the fixture's documents.
const CONTRACT: [&str; 2] = ["--authentik-version", "2025.8"];

#[test]
fn dynamodb_serves_an_engine_with_the_table() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let listen = ["dynamodb", "--listen", "127.0.0.1:0", "--load", &fixture];
    let server = Server::start(&listen, "table: ");
    assert_eq!(server.printed[1..], ["table: authenticator-sms-stage"]);
    let headers = [
        "X-Amz-Target: DynamoDB_20120810.GetItem".to_owned(),
        "Content-Type: application/x-amz-json-1.0".to_owned(),
        "X-Amz-Date: 20260101T000000Z".to_owned(),
        "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature=0"
            .to_owned(),
    ];
    let key = Key::stage(STAGE).json();
    let body = json!({"TableName": "authenticator-sms-stage", "Key": key}).to_string();
    let (status, answer) = send(&server.address, "POST", "/", &headers, &body);
    assert_eq!((status, &answer["Item"]["name"]["S"]), (200, &json!("sms-setup")), "{answer}");
}

#[test]
fn invoke_prints_one_json_document_and_logs_to_standard_error() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let event = Request::patch(r#"{"friendly_name": null}"#).event().to_string();
    let file = folder.write("event.json", &event);
    let invoke = [&["invoke", "--load", &fixture], &CONTRACT[..]].concat();
    for ended in [
        run(&[&invoke[..], &[&file]].concat()),
        run_with_input(&[&invoke[..], &["-"]].concat(), &event),
    ] {
        assert!(ended.is_success, "{}", ended.stderr);
        let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(answer["statusCode"], 200);
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body, stage_with(json!({"friendly_name": null})));
        let log = ended.stderr.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = log.map(|line| serde_json::from_str(line).unwrap()).collect();
        let statuses: Vec<_> = lines.iter().filter(|line| line["status"] == 200).collect();
        assert_eq!(statuses.len(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("loaded "), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

#[test]
fn the_encoding_of_an_event_is_recognised() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let event = Request::get().event().to_string();
    let utf_16 = event.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let with_mark = folder.write("mark.json", format!("\u{feff}{event}"));
    let ended = run(&["invoke", "--load", &fixture, &with_mark]);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["statusCode"], 200, "a byte order mark is allowed");
    for (bytes, words) in [(utf_16, "UTF-16"), (b"\x1f\x8b\x08".to_vec(), "gzip")] {
        let file = folder.write("event.json", bytes);
        assert_fails(&run(&["invoke", &file]), &["cannot read the event", "event.json", words]);
    }
}

#[test]
fn invoke_has_demo_data_if_nothing_is_loaded() {
    let folder = Folder::new();
    let event = folder.write("event.json", Request::get().event().to_string());
    let ended = run(&["invoke", &event]);
    assert!(ended.is_success, "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["statusCode"], 403, "the demo does not have the fixture's token");
    assert!(ended.stderr.contains("demo token: "), "{}", ended.stderr);
}

#[test]
fn an_event_of_another_kind_fails_with_one_clear_line() {
    let folder = Folder::new();
    let sqs = json!({"Records": [{"messageId": "1", "body": "{}", "eventSource": "aws:sqs"}]});
    for (text, why) in [
        ("{}", "no member"),
        ("null", "null"),
        ("[]", "a list"),
        ("{", "not JSON"),
        ("", "empty"),
        (r#"{"friendly_name": "x"}"#, "the body of a webhook"),
        (&sqs.to_string(), "an SQS event"),
    ] {
        let file = folder.write("event.json", text);
        let ended = run(&["invoke", &file]);
        assert_fails(&ended, &["cannot read the event", "event.json"]);
        assert_eq!(ended.stderr.lines().count(), 1, "{why}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{why}");
    }
}

#[test]
fn an_unreadable_file_fails_with_one_clear_line() {
    let folder = Folder::new();
    let event = folder.write("event.json", Request::get().event().to_string());
    let (missing, not_text) = (folder.path("missing.json"), folder.write("text", b"\xff\xfe{\0"));
    let missing_folder = folder.path("no/such/folder/data");
    for (arguments, words) in [
        (vec!["invoke", &missing], ["cannot read the event", "missing.json"]),
        (vec!["invoke", "--load", &missing, &event], ["cannot load", "missing.json"]),
        (vec!["invoke", "--load", &not_text, &event], ["cannot load", "UTF-8"]),
        (vec!["serve", "--listen", "127.0.0.1:0", "--load", &missing], ["cannot load", "missing"]),
        (
            vec!["dynamodb", "--listen", "127.0.0.1:0", "--data", &missing_folder],
            ["cannot use the data file", "no/such/folder"],
        ),
        (
            vec!["serve", "--listen", "127.0.0.1:0", "--data", &not_text],
            ["cannot use the data file", "text"],
        ),
    ] {
        let ended = run(&arguments);
        assert_fails(&ended, &words);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_malformed_file_fails_with_one_clear_line_without_its_secrets() {
    let folder = Folder::new();
    let event = folder.write("event.json", Request::get().event().to_string());
    let mut no_auth: Value = serde_json::from_str(FIXTURE).unwrap();
    no_auth["stages"][0].as_object_mut().unwrap().remove("auth_type");
    let no_auth = no_auth.to_string();
    let wrong_type = FIXTURE.replacen("\"auth\": \"s3cr3t-token\"", "\"auth\": {\"s3cr3t\": 1}", 1);
    for (text, words) in [
        ("{\n \"stages\": [", ["line 2", "EOF"]),
        ("\"stages\"", ["cannot load", "data.json"]),
        (&no_auth, ["auth_type", "cannot load"]),
        (&wrong_type, ["auth: Not a valid string.", "cannot load"]),
    ] {
        let file = folder.write("data.json", text);
        let ended = run(&["invoke", "--load", &file, &event]);
        assert_fails(&ended, &words);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(!ended.stderr.contains("s3cr3t"), "{}", ended.stderr);
    }
}

#[test]
fn a_port_in_use_fails_with_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "dynamodb"] {
        let ended = run(&[command, "--listen", &address]);
        assert_fails(&ended, &["cannot listen on", &address, "in use"]);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_remote_address_needs_a_confirmation() {
    for command in ["serve", "dynamodb"] {
        let ended = run(&[command, "--listen", "0.0.0.0:0"]);
        assert_fails(&ended, &["will not listen on 0.0.0.0:0", "--allow-remote"]);
    }
    let arguments = ["serve", "--listen", "0.0.0.0:0", "--allow-remote"];
    let server = Server::start(&arguments, "listening on ");
    assert!(server.address.starts_with("0.0.0.0:"), "{}", server.address);
}

#[test]
fn invalid_arguments_are_reported() {
    for (arguments, words) in [
        (&["serve", "--port", "1"][..], ["--port", "unexpected"]),
        (&["serve", "--listen", "localhost"], ["localhost", "--listen"]),
        (&["invoke"], ["required", "arguments"]),
        (&["patch"], ["patch", "unrecognized"]),
    ] {
        assert_usage_error(&run(arguments), &words);
    }
}

#[test]
fn help_and_version_are_printed() {
    let ended = run(&[]);
    assert!(!ended.is_success, "a missing command is an error");
    let commands = [
        "serve",
        "invoke",
        "dynamodb",
        "load",
        "list",
        "get",
        "delete",
        "token",
        "check",
        "completions",
    ];
    for word in commands.into_iter().chain(["Usage: sms-stage", "sms-stage serve  "]) {
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
    let ended = run(&["--version"]);
    let version = format!("sms-stage {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((ended.is_success, ended.stdout), (true, version));
    let tokens = [["token", "create"], ["token", "list"], ["token", "revoke"]];
    let commands =
        commands.iter().filter(|command| **command != "token").map(|command| vec![*command]);
    for command in commands.chain(tokens.map(Vec::from)) {
        let ended = run(&[&command[..], &["--help"]].concat());
        assert!(ended.is_success && ended.stdout.contains("Example"), "{}", ended.stdout);
        assert!(!ended.stdout.contains('\x1b'), "no colours in a pipe");
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(&["completions", shell]);
        assert!(ended.is_success, "{}", ended.stderr);
        for word in ["sms-stage", "revoke", "show-secrets"] {
            assert!(ended.stdout.contains(word), "the script for {shell} lacks {word}");
        }
    }
    assert_usage_error(&run(&["completions", "cmd"]), &["cmd", "SHELL"]);
}

#[test]
fn a_closed_pipe_is_not_an_error_and_a_full_disk_is() {
    let mut command = sms_stage(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = end_of(child);
    assert_eq!((ended.is_success, ended.stderr.as_str()), (true, ""));
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let mut command = sms_stage(&["completions", "bash"]);
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        assert_fails(&end_of(child), &["cannot write the output"]);
    }
}
