//! The command `sms-stage serve`: what it prints, and which data and settings it uses.

use serde_json::{Value, json};

use super::CONTRACT;
use crate::harness::{
    FIXTURE, Request,
    command::{Folder, Server, assert_usage_error, run, send},
    detail, stage_with,
};

/// Starts `sms-stage serve` with that contract and these arguments.
fn serve(arguments: &[&str]) -> Server {
    Server::serve(&[&CONTRACT[..], arguments].concat())
}

/// Sends the request of a printed `curl` line.
fn send_as_curl(lines: &str) -> (u16, Value) {
    let words = shell_words(lines);
    assert_eq!(words[0], "curl");
    let after = |option: &str| {
        let mut places = words.iter().enumerate().filter(|(_, word)| *word == option);
        let (place, _) = places.next().unwrap();
        assert!(places.all(|(_, _)| option == "-H"), "{option} is given once");
        words[place + 1].clone()
    };
    let headers: Vec<_> =
        words.windows(2).filter(|pair| pair[0] == "-H").map(|pair| pair[1].clone()).collect();
    let url = words.iter().find_map(|word| word.strip_prefix("http://")).unwrap();
    let (address, path) = url.split_once('/').unwrap();
    send(address, &after("-X"), &format!("/{path}"), &headers, &after("-d"))
}

/// The words of a shell command with only plain words, single quotes and continued lines.
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
fn serve_prints_its_address_and_a_curl_line_that_works() {
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let server = Server::start(&listen, "    -d ");
    let printed = server.printed.join("\n");
    assert!(server.address.starts_with("127.0.0.1:"), "{printed}");
    assert!(printed.contains("demo token: "), "{printed}");
    let curl = &printed[printed.find("  curl ").unwrap()..];
    let (status, body) = send_as_curl(curl);
    assert_eq!((status, &body["friendly_name"]), (200, &json!("Work phone")), "{curl}\n{body}");
}

#[test]
fn serve_with_loaded_documents_has_no_demo_data() {
    let folder = Folder::new();
    let server = serve(&["--load", &folder.write("fixture.json", FIXTURE)]);
    let answer = server.send(&Request::patch(r#"{"verify_only": true}"#));
    assert_eq!(answer, (200, stage_with(json!({"verify_only": true}))));
    let refused = server.send(&Request::patch("{}").header("Authorization", Some("Bearer x")));
    assert_eq!(refused, (403, detail("authentication_failed", "Token invalid/expired")));
    assert!(
        server.printed[1].starts_with("its tokens are those that were loaded"),
        "{:?}",
        server.printed
    );
    let stderr = server.end();
    assert!(!stderr.contains("loaded demo data"), "{stderr}");
    let path = folder.path("fixture.json");
    let line = format!("loaded {path}: 3 stages, 4 flows, 1 mappings, 4 tokens\n");
    assert!(stderr.starts_with(&line), "{stderr}");
    assert!(!stderr.contains("good-token") && !stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn serve_keeps_its_data_in_a_file_across_restarts() {
    let folder = Folder::new();
    let (data, fixture) = (folder.path("data"), folder.write("fixture.json", FIXTURE));
    let changed = stage_with(json!({"from_number": "+15005550042"}));
    let server = serve(&["--data", &data, "--load", &fixture]);
    let patch = Request::patch(r#"{"from_number": "+15005550042"}"#);
    assert_eq!(server.send(&patch), (200, changed.clone()));
    server.end();
    let server = serve(&["--data", &data]);
    assert_eq!(
        server.send(&Request::get()),
        (200, changed.clone()),
        "an acknowledged change is kept"
    );
    assert!(
        server.printed[1].starts_with("to create a token for it"),
        "the file is not new: {:?}",
        server.printed
    );
    let stderr = server.end();
    assert!(!stderr.contains("loaded demo data"), "the file is not new: {stderr}");
    let server = serve(&["--data", &data, "--load", &fixture]);
    assert_eq!(server.send(&Request::get()), (200, changed), "loading skips the items that exist");
    assert!(server.end().contains("0 stages"), "the skipped stages are reported");
}

#[test]
fn serve_and_invoke_can_hide_secrets() {
    let folder = Folder::new();
    let fixture = folder.write("fixture.json", FIXTURE);
    let settings = ["--load", &fixture, "--secrets", "write-only"];
    let without = stage_with(json!({"auth": "", "auth_password": ""}));
    let server = serve(&settings);
    assert_eq!(server.send(&Request::get()), (200, without.clone()));
    let elsewhere = Request::patch(r#"{"account_sid": "https://elsewhere.example"}"#);
    let (status, body) = server.send(&elsewhere);
    assert_eq!((status, body["code"].as_str()), (400, Some("invalid")), "{body}");
    for secret in ["auth", "auth_password"] {
        assert!(body[secret][0].as_str().unwrap().contains("account_sid"), "{body}");
    }
    let event = folder.write("event.json", Request::get().event().to_string());
    let ended = run(&[&["invoke"], &CONTRACT[..], &settings[..], &[&event]].concat());
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, without);
    assert_usage_error(&run(&["serve", "--secrets", "hide"]), &["hide", "--secrets"]);
}
