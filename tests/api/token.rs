//! The operators' `token create`, `token list` and `token revoke`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, GOOD, OTHER_STAGE, Request, STAGE, TestApp, UNKNOWN,
    command::{
        EngineProcess, Folder, Server, assert_fails, assert_succeeds, assert_usage_error, end_of,
        run, sms_stage,
    },
    library::{CHANGE, TokenKey, VIEW, time},
    stage_with,
};

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn tokens_are_stored_and_listed_as_hashes() {
    let app = TestApp::new().await;
    let session = app.table.session();
    let hash = TokenKey::new(GOOD.to_owned()).hash();
    let tokens = session.tokens().await.unwrap().tokens;
    assert_eq!(tokens.len(), 4);
    let (_, good) = tokens.iter().find(|(known, _)| *known == hash).unwrap();
    assert_eq!(good.caller.permissions(), [VIEW, CHANGE]);
    assert_eq!(tokens.iter().filter(|(_, token)| token.has_expired()).count(), 1);
    assert!(!format!("{:?}", app.snapshot().await).contains(GOOD), "the key itself is not stored");
    assert!(session.delete_token(&hash).await.unwrap());
    assert!(!session.delete_token(&hash).await.unwrap(), "it no longer exists");
    assert_eq!(app.send(&Request::get()).await.status, 403);
}

/// The first digits of the hash of a key.
fn shown(key: &str) -> String {
    TokenKey::new(key.to_owned()).hash().shown().to_owned()
}

#[test]
fn tokens_are_created_listed_and_revoked() {
    let engine = EngineProcess::start();
    let create = ["token", "create", "--user", "terraform", "--permission", "view,change,delete"];
    let ended = engine.run(&[&create[..], &["--stage", STAGE, "--expires", "20d"]].concat());
    assert_succeeds(&ended);
    let key = ended.stdout.trim().to_owned();
    assert_eq!(ended.stdout, format!("{key}\n"), "only the key is on standard output");
    assert_eq!((key.len(), key.split_whitespace().count()), (64, 1));
    let prefix = shown(&key);
    for word in [&*prefix, "\"terraform\"", "view,change,delete@5f2d…", "shown this once"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains(&key));
    let listed = engine.run(&["token", "list"]).stdout;
    assert!(!listed.contains(&key) && !listed.contains(GOOD), "{listed}");
    let line = listed.lines().find(|line| line.starts_with(&prefix)).unwrap();
    for word in ["terraform", "  expires in ", " days ", "view,change,delete@5f2d…"] {
        assert!(line.contains(word), "{line}");
    }
    assert_eq!(listed.lines().filter(|line| line.contains("  expired  ")).count(), 1, "{listed}");
    for _ in 0..2 {
        let ended = engine.run(&["token", "revoke", &prefix]);
        assert_succeeds(&ended);
        assert_eq!(ended.stdout, format!("revoked token {prefix}\n"), "revoking again succeeds");
    }
    assert_succeeds(&engine.run_with_input(&["token", "revoke", "-"], "good-token\n"));
    let ended = engine.run_with_input(&["token", "revoke", "-"], "no-token");
    assert_fails(&ended, &["there is no token with this key"]);
    let listed = engine.run(&["token", "list"]);
    assert_eq!(listed.stdout.lines().count(), 4, "a heading and three tokens: {}", listed.stdout);
    assert!(listed.stderr.contains("2 tokens were revoked"), "{}", listed.stderr);
    let json: Value =
        serde_json::from_str(&engine.run(&["token", "list", "--json"]).stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3);
}

#[test]
fn loading_its_file_again_does_not_restore_a_revoked_token() {
    let folder = Folder::new();
    let (data, fixture) = (folder.path("data"), folder.write("fixture.json", FIXTURE));
    assert_succeeds(&run(&["load", &fixture, "--data", &data]));
    let hash = shown(GOOD);
    assert_succeeds(&run(&["token", "revoke", &hash, "--data", &data]));
    for replace in [&["load"][..], &["load", "--replace"]] {
        let ended = run(&[replace, &[&fixture, "--data", &data]].concat());
        assert_succeeds(&ended);
        let words = "(tokens that were revoked before and stay revoked: 1)";
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
        assert!(ended.stdout.contains(&format!("token {hash} (\"editor\"): was revoked")));
    }
    let server = Server::serve(&["--data", &data]);
    assert_eq!(server.send(&Request::get()).0, 403);
}

#[test]
fn a_token_expires_after_a_year_by_default() {
    let engine = EngineProcess::start();
    let create = ["token", "create", "--user", "u"];
    let list = || -> Vec<Value> {
        let listed = engine.run(&["token", "list", "--json"]);
        serde_json::from_str(&listed.stdout).unwrap()
    };
    for (arguments, ends) in [(&[][..], true), (&["--forever"], false)] {
        let ended = engine.run(&[&create[..], arguments].concat());
        assert_succeeds(&ended);
        let hash = TokenKey::new(ended.stdout.trim().to_owned()).hash();
        let all = list();
        let token = all.iter().find(|token| token["hash"] == hash.as_str()).unwrap();
        assert_eq!(token["expires"].is_string(), ends, "{token}");
        assert!(token["created"].is_string(), "{token}");
        if ends {
            let [created, expires] =
                ["created", "expires"].map(|member| time::parse(token[member].as_str().unwrap()));
            let lasts = expires.unwrap() - created.unwrap();
            // The two times are not taken in the same instant.
            assert!((365 * DAY - 60..=365 * DAY).contains(&lasts), "{token}");
        }
    }
    let ended = engine.run(&[&create[..], &["--forever", "--expires", "1d"]].concat());
    assert_usage_error(&ended, &["cannot be used with"]);
}

#[test]
fn a_token_for_many_stages_is_listed_on_a_short_line() {
    let engine = EngineProcess::start();
    let stages: Vec<String> = (0..400).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    let permissions: Vec<String> = stages.iter().map(|stage| format!("view:{stage}")).collect();
    let user = "many\u{202e}\u{1b}[31m".repeat(1000);
    let token = json!({"key": "k", "user": user, "permissions": permissions});
    let file = engine.folder.write("tokens.json", json!({"tokens": [token]}).to_string());
    let loaded = engine.run(&["load", &file]);
    assert_succeeds(&loaded);
    let listed = engine.run(&["token", "list"]);
    assert_succeeds(&listed);
    assert!(listed.stdout.contains(" (400 stages)"), "{}", listed.stdout);
    let is_short = |line: &str| line.chars().count() < 250;
    assert!(loaded.stdout.lines().chain(listed.stdout.lines()).all(is_short), "{}", listed.stdout);
    for text in [&loaded.stdout, &listed.stdout, &engine.run(&["token", "list", "--json"]).stdout] {
        assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
    }
}

#[test]
fn stages_with_the_same_permissions_are_listed_together() {
    let engine = EngineProcess::start();
    let stage = |digit: &str| uuid::Uuid::nil().to_string().replacen("0000", &digit.repeat(4), 1);
    let [one, two, three] = ["1", "2", "3"].map(stage);
    let mut permissions = vec![format!("view:{three}"), format!("view:{one}"), "view".to_owned()];
    permissions.extend([format!("view:{two}"), format!("change:{two}"), format!("view:{two}")]);
    let token = json!({"key": "k", "user": "u", "permissions": permissions});
    let file = engine.folder.write("tokens.json", json!({"tokens": [token]}).to_string());
    assert_succeeds(&engine.run(&["load", &file]));
    let listed = engine.run(&["token", "list"]).stdout;
    let line = listed.lines().find(|line| line.starts_with(&shown("k"))).unwrap();
    assert!(line.ends_with("  view view@1111…,3333… view,change@2222…"), "{line}");
}

#[test]
fn a_stage_that_is_given_twice_counts_once() {
    let engine = EngineProcess::start();
    let upper = UNKNOWN.to_uppercase();
    let stages = ["--stage", UNKNOWN, "--stage", STAGE, "--stage", &upper];
    let ended = engine.run(&[&["token", "create", "--user", "u"], &stages[..]].concat());
    assert_succeeds(&ended);
    assert_eq!(ended.stderr.matches("warning: ").count(), 1, "{}", ended.stderr);
    let hash = TokenKey::new(ended.stdout.trim().to_owned()).hash();
    let listed = engine.run(&["token", "list", "--json"]).stdout;
    let tokens: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let token = tokens.iter().find(|token| token["hash"] == hash.as_str()).unwrap();
    assert_eq!(token["permissions"].as_array().unwrap().len(), 4, "{token}");
}

#[test]
fn short_permissions_in_a_file_work() {
    let folder = Folder::new();
    let token =
        json!({"key": "k", "user": "u", "permissions": ["view", format!("change:{STAGE}")]});
    let tokens = folder.write("tokens.json", json!({"tokens": [token]}).to_string());
    let fixture = folder.write("fixture.json", FIXTURE);
    let server = Server::serve(&["--load", &fixture, "--load", &tokens]);
    let patch = Request::patch(r#"{"verify_only": true}"#).header("Authorization", "Bearer k");
    assert_eq!(server.send(&patch).0, 200);
    assert_eq!(server.send(&patch.stage(OTHER_STAGE)).0, 403);
}

#[test]
fn arguments_that_cannot_work_are_refused() {
    let engine = EngineProcess::start();
    for (arguments, words) in [
        (&["token", "create", "--user", ""][..], "--user"),
        (&["token", "create", "--user", "u", "--permission", "write"], "view, add, change, delete"),
        (&["token", "create", "--user", "u", "--stage", "x"], "\"x\" is not a UUID, and no stage"),
        (
            &["token", "create", "--user", "u", "--stage", "sms-setup"],
            &format!("\"sms-setup\" is the name of the stage {STAGE}"),
        ),
        (
            &["token", "create", "--user", "u", "--stage", STAGE, "--permission", "add"],
            "add cannot be limited to one stage",
        ),
        (
            &["token", "create", "--user", "u", "--expires", "2020-01-01T00:00:00Z"],
            "is in the past",
        ),
        (&["token", "create", "--user", "u", "--expires", "0s"], "must be longer than zero"),
        (&["token", "create", "--user", "u", "--expires", "soon"], "`30d`"),
        (&["token", "revoke", "3b1f"], "8 or more hex digits"),
    ] {
        let ended = engine.run(arguments);
        assert!(!ended.is_success && ended.stderr.contains(words), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    for key in ["this-is-a-key", &"0123456789abcdef".repeat(4)] {
        let ended = engine.run(&["token", "revoke", key]);
        assert!(
            !ended.is_success && !ended.stderr.contains(key),
            "it may be a key: {}",
            ended.stderr
        );
    }
    let ended = engine.run(&["token", "create", "--user", "u", "--permission", "change"]);
    assert!(ended.stderr.contains("that needs view as well"), "{}", ended.stderr);
    let ended = engine.run(&["token", "create", "--user", "u", "--stage", UNKNOWN]);
    assert_succeeds(&ended);
    let warning = format!("warning: no stage has the UUID {UNKNOWN}");
    assert!(ended.stderr.contains(&warning), "{}", ended.stderr);
}

#[test]
fn a_key_that_cannot_be_shown_leaves_no_token() {
    let engine = EngineProcess::start();
    let table = engine.table_arguments();
    let create = ["token", "create", "--user", "lost"];
    let arguments: Vec<_> = create.into_iter().chain(table.iter().map(String::as_str)).collect();
    let mut command = sms_stage(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = end_of(child);
    assert_fails(&ended, &["cannot write the output", "was deleted again"]);
    let listed = engine.run(&["token", "list"]).stdout;
    assert!(!listed.contains("lost"), "{listed}");
}

#[test]
fn changes_to_tokens_are_audited() {
    let engine = EngineProcess::start();
    let log = engine.folder.path("audit.log");
    let create = ["token", "create", "--user", "u", "--audit-log", &log];
    let key = engine.run(&create).stdout.trim().to_owned();
    let hash = shown(&key);
    assert_succeeds(&engine.run(&["token", "revoke", &hash, "--audit-log", &log]));
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let operations: Vec<_> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["token create", "token revoke"]);
    for line in &lines {
        assert_eq!((&line["token"], &line["certain"]), (&json!(hash), &json!(true)), "{line}");
        assert!(line["caller"].as_str().unwrap().starts_with("operator "), "{line}");
        assert_eq!(line["write_id"].as_str().unwrap().len(), 32, "{line}");
    }
    assert!(!text.contains(&key), "{text}");
}

#[test]
fn a_new_token_works_at_once_while_the_data_is_served() {
    let folder = Folder::new();
    let (data, fixture) = (folder.path("data"), folder.write("fixture.json", FIXTURE));
    let server = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--load", &fixture];
    let server = Server::start(&server, "listening on ");
    let end = time::now() + 30 * DAY;
    // The same time in a zone that is two hours ahead.
    let zoned = time::format(end + 2 * 60 * 60).replace('Z', "+02:00");
    let create = ["token", "create", "--user", "u", "--data", &data, "--expires", &zoned];
    let ended = run(&create);
    assert_succeeds(&ended);
    let words = format!("it expires at {}", time::format(end));
    assert!(ended.stderr.contains(&words), "{}", ended.stderr);
    let bearer = format!("Bearer {}", ended.stdout.trim());
    let patch = Request::patch(r#"{"verify_only": true}"#).header("Authorization", &*bearer);
    assert_eq!(server.send(&patch).0, 200);
    let document = run(&["get", STAGE, "--show-secrets", "--data", &data]);
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    let expected = stage_with(json!({"verify_only": true}));
    assert_eq!(document["verify_only"], expected["verify_only"]);
}
