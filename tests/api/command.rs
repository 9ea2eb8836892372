//! The command `sms-stage` as a person at a terminal has it: what it prints, and how it fails.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{FIXTURE, Request, STAGE, detail, stage_with};

/// A folder of one test's own, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::new_v4().to_string());
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A file in it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the build's own folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The command, with nothing of the surroundings' settings.
pub fn sms_stage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms-stage"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    // Nobody's profiles, and no wait for a machine that hands out credentials.
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("TABLE_NAME");
    command
}

/// How a run ended.
pub struct Ended {
    pub is_success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            is_success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the command to its end.
pub fn run(arguments: &[&str]) -> Ended {
    sms_stage(arguments).output().unwrap().into()
}

/// Runs the command to its end, with this on its standard input.
pub fn run_with_input(arguments: &[&str], input: &str) -> Ended {
    let mut command = sms_stage(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read it is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// Asserts that a run failed with one clear line, with these words in it.
pub fn assert_fails(ended: &Ended, words: &[&str]) {
    let Ended { is_success, stdout, stderr } = ended;
    assert!(!is_success, "{words:?} is no success: {stdout}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("sms-stage: "), "{stderr}");
    for word in words {
        assert!(last.contains(word), "{word:?} is not in: {stderr}");
    }
}

/// Asserts that a run was refused for its arguments, with these words in it.
fn assert_is_misused(ended: &Ended, words: &[&str]) {
    assert!(!ended.is_success, "{words:?}");
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let first = ended.stderr.lines().next().unwrap();
    for word in words {
        assert!(first.contains(word), "{word:?} is not in: {}", ended.stderr);
    }
}

/// A server that the command runs, ended with it.
pub struct Server {
    child: Child,
    /// What it said on standard output up to and with the last line that it says.
    pub said: Vec<String>,
    /// `HOST:PORT`.
    pub address: String,
}

impl Server {
    /// Starts it, and waits for a line that begins like this.
    pub fn start(arguments: &[&str], last_line: &str) -> Self {
        let mut command = sms_stage(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said: Vec<String> = Vec::new();
        for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
            said.push(line.unwrap());
            if said.last().unwrap().starts_with(last_line) {
                break;
            }
        }
        let address = said.iter().find_map(|line| line.strip_prefix("listening on http://"));
        let Some(address) = address.map(str::to_owned) else {
            let output = child.wait_with_output().unwrap();
            panic!("it does not listen: {}", String::from_utf8_lossy(&output.stderr));
        };
        Self { child, said, address }
    }

    /// `sms-stage serve` on a free port; `arguments` come after that.
    fn serve(arguments: &[&str]) -> Self {
        let listen: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
        Self::start(&[listen, arguments].concat(), "listening on ")
    }

    /// What it has said on standard error until it is ended.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Sends a request of the harness.
    pub fn send(&self, request: &Request) -> (u16, Value) {
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = std::str::from_utf8(&request.body).unwrap();
        send(&self.address, &request.method, &request.path, &headers, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one HTTP request, and reads the status and the JSON of its answer.
fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[impl AsRef<str>],
    body: &str,
) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let headers: String = headers.iter().map(|line| format!("{}\r\n", line.as_ref())).collect();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    write!(stream, "{head}{headers}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// Sends what a printed `curl` line would.
fn send_as_curl(lines: &str) -> (u16, Value) {
    let words = shell_words(lines);
    assert_eq!(words[0], "curl");
    let after = |option: &str| {
        let mut places = words.iter().enumerate().filter(|(_, word)| *word == option);
        let (place, _) = places.next().unwrap();
        assert!(places.all(|(_, _)| option == "-H"), "{option} comes once");
        words[place + 1].clone()
    };
    let headers: Vec<_> =
        words.windows(2).filter(|pair| pair[0] == "-H").map(|pair| pair[1].clone()).collect();
    let url = words.iter().find_map(|word| word.strip_prefix("http://")).unwrap();
    let (address, path) = url.split_once('/').unwrap();
    send(address, &after("-X"), &format!("/{path}"), &headers, &after("-d"))
}

/// The words of a shell's line that has only plain words, single quotes and continued lines in it.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            let plain = part.replace("\\\n", " ");
            words.extend(plain.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn serve_prints_where_it_listens_and_a_curl_line_that_works() {
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let server = Server::start(&listen, "    -d ");
    let said = server.said.join("\n");
    assert!(server.address.starts_with("127.0.0.1:"), "{said}");
    assert!(said.contains("demo token: "), "{said}");
    let curl = &said[said.find("  curl ").unwrap()..];
    let (status, body) = send_as_curl(curl);
    assert_eq!((status, &body["friendly_name"]), (200, &json!("Work phone")), "{curl}\n{body}");
}

#[test]
fn serve_has_what_was_loaded_and_no_demo_beside_it() {
    let folder = Folder::new();
    let server = Server::serve(&["--load", &folder.write("fixture.json", FIXTURE)]);
    let answer = server.send(&Request::patch(r#"{"verify_only": true}"#));
    assert_eq!(answer, (200, stage_with(json!({"verify_only": true}))));
    let refused = server.send(&Request::patch("{}").header("Authorization", Some("Bearer x")));
    assert_eq!(refused, (403, detail("authentication_failed", "Token invalid/expired")));
    assert!(!server.said.join("\n").contains("demo"), "{:?}", server.said);
    let aside = server.end();
    let path = folder.path("fixture.json");
    let line = format!("loaded {path}: 3 stages, 4 flows, 1 mappings, 3 tokens\n");
    assert!(aside.starts_with(&line), "{aside}");
    assert!(!aside.contains("good-token") && !aside.contains("hunter2"), "{aside}");
}

#[test]
fn serve_keeps_its_data_in_a_file_across_restarts() {
    let folder = Folder::new();
    let (data, fixture) = (folder.path("data"), folder.write("fixture.json", FIXTURE));
    let changed = stage_with(json!({"from_number": "+15005550042"}));
    let server = Server::serve(&["--data", &data, "--load", &fixture]);
    let patch = Request::patch(r#"{"from_number": "+15005550042"}"#);
    assert_eq!(server.send(&patch), (200, changed.clone()));
    server.end();
    let server = Server::serve(&["--data", &data]);
    assert_eq!(
        server.send(&Request::get()),
        (200, changed.clone()),
        "what was acknowledged is there"
    );
    assert!(!server.said.join("\n").contains("demo"), "the file is not new: {:?}", server.said);
    server.end();
    let server = Server::serve(&["--data", &data, "--load", &fixture]);
    assert_eq!(server.send(&Request::get()), (200, changed), "loading leaves what is there");
    assert!(server.end().contains("0 stages"), "it says so");
}

#[test]
fn serve_and_invoke_keep_secrets_back_when_told_to() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let settings = ["--load", &fixture, "--secrets", "write-only"];
    let mut without = stage_with(json!({}));
    for secret in ["auth", "auth_password"] {
        without.as_object_mut().unwrap().shift_remove(secret);
    }
    let server = Server::serve(&settings);
    assert_eq!(server.send(&Request::get()), (200, without.clone()));
    let elsewhere = Request::patch(r#"{"account_sid": "https://elsewhere.example"}"#);
    let (status, body) = server.send(&elsewhere);
    assert_eq!((status, body["code"].as_str()), (400, Some("invalid")), "{body}");
    assert!(body["account_sid"][0].as_str().unwrap().contains("auth"), "{body}");
    let event = folder.write("event.json", Request::get().event().to_string());
    let ended = run(&[&["invoke"], &settings[..], &[&event]].concat());
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, without);
    assert_is_misused(&run(&["serve", "--secrets", "hide"]), &["hide", "--secrets"]);
}

#[test]
fn dynamodb_serves_an_engine_with_the_table_made() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let listen = ["dynamodb", "--listen", "127.0.0.1:0", "--load", &fixture];
    let server = Server::start(&listen, "table: ");
    assert_eq!(server.said[1..], ["table: authenticator-sms-stage"]);
    let headers = [
        "X-Amz-Target: DynamoDB_20120810.GetItem".to_owned(),
        "Content-Type: application/x-amz-json-1.0".to_owned(),
        "X-Amz-Date: 20260101T000000Z".to_owned(),
        "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature=0"
            .to_owned(),
    ];
    let key = json!({"partition_key": {"S": format!("STAGE#{STAGE}")}});
    let body = json!({"TableName": "authenticator-sms-stage", "Key": key}).to_string();
    let (status, answer) = send(&server.address, "POST", "/", &headers, &body);
    assert_eq!((status, &answer["Item"]["name"]["S"]), (200, &json!("sms-setup")), "{answer}");
}

#[test]
fn invoke_prints_one_json_document_and_logs_beside_it() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let event = Request::patch(r#"{"friendly_name": null}"#).event().to_string();
    let file = folder.write("event.json", &event);
    for ended in [
        run(&["invoke", "--load", &fixture, &file]),
        run_with_input(&["invoke", "--load", &fixture, "-"], &event),
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
fn invoke_has_demo_data_where_nothing_is_loaded() {
    let folder = Folder::new();
    let event = folder.write("event.json", Request::get().event().to_string());
    let ended = run(&["invoke", &event]);
    assert!(ended.is_success, "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["statusCode"], 403, "the fixture's token is no token of the demo");
    assert!(ended.stderr.contains("demo token: "), "{}", ended.stderr);
}

#[test]
fn an_event_that_is_no_http_event_is_one_clear_line() {
    let folder = Folder::new();
    let sqs = json!({"Records": [{"messageId": "1", "body": "{}", "eventSource": "aws:sqs"}]});
    for (text, why) in [
        ("{}", "nothing"),
        ("null", "null"),
        ("[]", "a list"),
        ("{", "no JSON"),
        ("", "empty"),
        (r#"{"friendly_name": "x"}"#, "a webhook's own body"),
        (&sqs.to_string(), "a record of a queue"),
    ] {
        let file = folder.write("event.json", text);
        let ended = run(&["invoke", &file]);
        assert_fails(&ended, &["event.json is no HTTP event"]);
        assert_eq!(ended.stderr.lines().count(), 1, "{why}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{why}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_clear_line() {
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
            ["cannot open the data", "no/such/folder"],
        ),
        (
            vec!["serve", "--listen", "127.0.0.1:0", "--data", &not_text],
            ["cannot open the data", "text"],
        ),
    ] {
        let ended = run(&arguments);
        assert_fails(&ended, &words);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_malformed_file_of_data_is_one_clear_line_without_its_secrets() {
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
fn a_port_that_is_taken_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "dynamodb"] {
        let ended = run(&[command, "--listen", &address]);
        assert_fails(&ended, &["cannot listen on", &address, "in use"]);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn listens_where_others_can_reach_it_only_when_told_to() {
    for command in ["serve", "dynamodb"] {
        let ended = run(&[command, "--listen", "0.0.0.0:0"]);
        assert_fails(&ended, &["will not listen on 0.0.0.0:0", "--allow-remote"]);
    }
    let arguments = ["serve", "--listen", "0.0.0.0:0", "--allow-remote"];
    let server = Server::start(&arguments, "listening on ");
    assert!(server.address.starts_with("0.0.0.0:"), "{}", server.address);
}

#[test]
fn arguments_that_make_no_sense_are_named() {
    for (arguments, words) in [
        (&["serve", "--port", "1"][..], ["--port", "unexpected"]),
        (&["serve", "--listen", "localhost"], ["localhost", "--listen"]),
        (&["invoke"], ["required", "arguments"]),
        (&["patch"], ["patch", "unrecognized"]),
    ] {
        assert_is_misused(&run(arguments), &words);
    }
}

#[test]
fn says_what_it_can_do_and_which_version_it_is() {
    let ended = run(&[]);
    assert!(!ended.is_success, "nothing was done");
    let commands = ["serve", "invoke", "dynamodb", "load", "token", "get", "delete", "completions"];
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
fn completes_itself_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(&["completions", shell]);
        assert!(ended.is_success, "{}", ended.stderr);
        for word in ["sms-stage", "revoke", "show-secrets"] {
            assert!(ended.stdout.contains(word), "{shell} knows no {word}");
        }
    }
    assert_is_misused(&run(&["completions", "cmd"]), &["cmd", "SHELL"]);
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure_and_a_full_disk_is() {
    let mut command = sms_stage(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((ended.is_success, ended.stderr.as_str()), (true, ""));
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let ended: Ended =
            sms_stage(&["completions", "bash"]).stdout(full).output().unwrap().into();
        assert_fails(&ended, &["cannot write the output"]);
    }
}
