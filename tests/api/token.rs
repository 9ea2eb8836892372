//! The operators' `token create`, `token list` and `token revoke`.

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, GOOD, Request, STAGE, TestApp,
    command::{EngineProcess, Folder, Server, assert_fails, assert_succeeds, run},
    library::{CHANGE, TokenKey, VIEW},
    stage_with,
};

#[tokio::test]
async fn tokens_are_stored_and_listed_as_hashes() {
    let app = TestApp::new().await;
    let hash = TokenKey::new(GOOD.to_owned()).hash();
    let tokens = app.table.tokens().await.unwrap();
    assert_eq!(tokens.len(), 3);
    let (_, good) = tokens.iter().find(|(known, _)| *known == hash).unwrap();
    assert_eq!(good.caller.permissions(), [VIEW, CHANGE]);
    assert_eq!(tokens.iter().filter(|(_, token)| token.has_expired()).count(), 1);
    assert!(!format!("{:?}", app.snapshot().await).contains(GOOD), "the key itself is not stored");
    assert!(app.table.delete_token(&hash).await.unwrap());
    assert!(!app.table.delete_token(&hash).await.unwrap(), "it no longer exists");
    assert_eq!(app.send(&Request::get()).await.status, 403);
}

#[test]
fn tokens_are_created_listed_and_revoked() {
    let engine = EngineProcess::start();
    let create = ["token", "create", "--user", "terraform", "--permission", "view"];
    let ended = engine.run(&[&create[..], &["--stage", STAGE, "--expires", "30d"]].concat());
    assert_succeeds(&ended);
    let key = ended.stdout.trim().to_owned();
    assert_eq!(ended.stdout, format!("{key}\n"), "only the key is on standard output");
    assert_eq!((key.len(), key.split_whitespace().count()), (64, 1));
    let hash = TokenKey::new(key.clone()).hash();
    let prefix = &hash.as_str()[..12];
    for word in [prefix, "\"terraform\"", &format!("{VIEW}:{STAGE}"), "shown this once"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains(&key));
    let listed = engine.run(&["token", "list"]).stdout;
    assert!(!listed.contains(&key) && !listed.contains(GOOD), "{listed}");
    let line = listed.lines().find(|line| line.starts_with(prefix)).unwrap();
    assert!(
        line.contains("terraform") && line.contains("  good ") && line.contains(VIEW),
        "{line}"
    );
    assert_eq!(listed.lines().filter(|line| line.contains("  expired  ")).count(), 1, "{listed}");
    let ended = engine.run(&["token", "revoke", prefix]);
    assert_succeeds(&ended);
    assert_eq!(ended.stdout, format!("revoked token {prefix}\n"));
    assert_fails(&engine.run(&["token", "revoke", prefix]), &["no token's hash begins with"]);
    let ended = engine.run_with_input(&["token", "revoke", "-"], "good-token\n");
    assert_succeeds(&ended);
    assert_fails(
        &engine.run_with_input(&["token", "revoke", "-"], "good-token"),
        &["there is none"],
    );
    assert_eq!(
        engine.run(&["token", "list"]).stdout.lines().count(),
        3,
        "a heading and two tokens"
    );
}

#[test]
fn arguments_that_cannot_work_are_refused() {
    let engine = EngineProcess::start();
    for (arguments, words) in [
        (&["token", "create", "--user", ""][..], "--user"),
        (&["token", "create", "--user", "u", "--permission", "delete"], "`view` or `change`"),
        (&["token", "create", "--user", "u", "--stage", "x"], "--stage"),
        (&["token", "create", "--user", "u", "--expires", "2020-01-01T00:00:00Z"], "is over"),
        (&["token", "create", "--user", "u", "--expires", "soon"], "`30d`"),
        (&["token", "revoke", "3b1f"], "8 or more hex digits"),
    ] {
        let ended = engine.run(arguments);
        assert!(!ended.is_success && ended.stderr.contains(words), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    let ended = engine.run(&["token", "revoke", "this-is-a-key"]);
    assert!(!ended.stderr.contains("this-is-a-key"), "it may be a key: {}", ended.stderr);
    let ended = engine.run(&["token", "create", "--user", "u", "--permission", "change"]);
    assert!(ended.stderr.contains("needs the permission view as well"), "{}", ended.stderr);
}

#[test]
fn a_new_token_works_at_once_while_the_data_is_served() {
    let folder = Folder::new();
    let (data, fixture) = (folder.path("data"), folder.write("fixture.json", FIXTURE));
    let server = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--load", &fixture];
    let server = Server::start(&server, "listening on ");
    let create = ["token", "create", "--user", "u", "--data", &data, "--expires"];
    let ended = run(&[&create[..], &["2030-01-31T12:00:00+02:00"]].concat());
    assert_succeeds(&ended);
    assert!(ended.stderr.contains("it ends at 2030-01-31T10:00:00Z"), "{}", ended.stderr);
    let bearer = format!("Bearer {}", ended.stdout.trim());
    let patch = Request::patch(r#"{"verify_only": true}"#).header("Authorization", &*bearer);
    assert_eq!(server.send(&patch).0, 200);
    let document = run(&["get", STAGE, "--show-secrets", "--data", &data]);
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!(document, stage_with(json!({"verify_only": true})));
}
