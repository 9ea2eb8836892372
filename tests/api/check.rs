//! `sms-stage check` on a table that was damaged by hand, as in a console.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, Key, Kind, NEW_STAGE, OTHER_STAGE, RECOVERY_FLOW, Request, STAGE, TestApp, UNKNOWN,
    check_invariants,
    command::{EngineProcess, assert_fails, assert_succeeds, run, send},
    library::{Finding, LockFault, RepairOutcome, TokenKey, check},
    new_stage, stage_with,
};

/// Sends a request to the engine, as a console would.
fn console(engine: &EngineProcess, operation: &str, mut body: Value) {
    body["TableName"] = json!("authenticator-sms-stage");
    let headers = [
        format!("X-Amz-Target: DynamoDB_20120810.{operation}"),
        "Content-Type: application/x-amz-json-1.0".to_owned(),
        "X-Amz-Date: 20260101T000000Z".to_owned(),
        "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature=0"
            .to_owned(),
    ];
    let (status, answer) = send(&engine.server.address, "POST", "/", &headers, &body.to_string());
    assert_eq!(status, 200, "{answer}");
}

/// Sets an attribute of an item.
fn set(engine: &EngineProcess, key: &Key, attribute: &str, value: Value) {
    let body = json!({
        "Key": key.json(),
        "UpdateExpression": "SET #a = :a",
        "ExpressionAttributeNames": {"#a": attribute},
        "ExpressionAttributeValues": {":a": value},
    });
    console(engine, "UpdateItem", body);
}

/// Removes an attribute of an item.
fn remove(engine: &EngineProcess, key: &Key, attribute: &str) {
    let names = json!({"#a": attribute});
    let body = json!({
        "Key": key.json(), "UpdateExpression": "REMOVE #a", "ExpressionAttributeNames": names
    });
    console(engine, "UpdateItem", body);
}

fn delete(engine: &EngineProcess, key: &Key) {
    console(engine, "DeleteItem", json!({"Key": key.json()}));
}

fn token(key: &str) -> Key {
    Key { kind: Kind::Token, id: TokenKey::new(key.to_owned()).hash().as_str().to_owned() }
}

/// Returns the lines that a check prints. Asserts that its exit status is 3 if a finding is left,
/// else 0.
fn lines(engine: &EngineProcess, arguments: &[&str]) -> Vec<String> {
    let ended = engine.run(&[&["check"], arguments].concat());
    let lines: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
    let left = lines.iter().filter(|line| line.ends_with(')') && !line.starts_with("note: "));
    let status = if left.count() == 0 { 0 } else { 3 };
    assert_eq!(ended.status, Some(status), "{}\n{}", ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    lines
}

fn assert_line(lines: &[String], words: &[&str]) {
    let found = lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "{words:?} is not in {lines:#?}");
}

#[test]
fn an_intact_table_has_no_finding_except_the_expired_token() {
    let engine = EngineProcess::start();
    let ended = engine.run(&["check"]);
    assert_succeeds(&ended);
    let counts = "read 3 STAGE, 3 NAME, 4 FLOW, 1 MAPPING, 4 TOKEN\n";
    assert!(ended.stderr.contains(counts), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    assert!(ended.stdout.starts_with("note: TOKEN "), "{}", ended.stdout);
    assert_line(&lines(&engine, &["--repair"]), &["note: TOKEN ", ": deleted"]);
    assert_eq!(lines(&engine, &[]), [""; 0], "nothing is left");
}

#[test]
fn every_damaged_item_is_reported_and_the_other_commands_still_work() {
    let engine = EngineProcess::start();
    let (stage, other) = (Key::stage(STAGE), Key::stage(OTHER_STAGE));
    let good = token("good-token");
    for (key, attribute, value, words) in [
        (&stage, "provider", Some(json!({"S": "pigeon"})), "attribute provider is missing or"),
        (&stage, "auth", None, "attribute auth is missing"),
        (&stage, "revision", Some(json!({"S": "1"})), "attribute revision"),
        (&stage, "schema", Some(json!({"N": "2"})), "has schema 2"),
        (&stage, "schema", None, "no attribute schema"),
        (&stage, "flow_set", Some(json!({"L": [{"S": "x"}]})), "attribute flow_set"),
        (&good, "permissions", Some(json!({"SS": ["x"]})), "attribute permissions"),
        (&good, "user", None, "attribute user"),
        (&good, "expires", Some(json!({"S": "soon"})), "attribute expires"),
        (&Key::flow(RECOVERY_FLOW), "slug", None, "attribute slug"),
    ] {
        match &value {
            Some(value) => set(&engine, key, attribute, value.clone()),
            None => remove(&engine, key, attribute),
        }
        let shown = if key.kind == Kind::Token { &key.id[..12] } else { &key.id };
        let found = lines(&engine, &[]);
        assert_line(&found, &[key.kind.as_str(), shown, words]);
        // The commands still work on the other items.
        let listed = engine.run(&["list"]);
        assert_succeeds(&listed);
        assert!(listed.stdout.contains(&other.id), "{}", listed.stdout);
        assert_succeeds(&engine.run(&["token", "list"]));
        let loaded = engine.run(&["load", &engine.folder.write("all.json", FIXTURE)]);
        assert!(loaded.stdout.contains("already in the table"), "{}", loaded.stdout);
        let revoked = engine.run_with_input(&["token", "revoke", "-"], "viewer-token");
        assert_succeeds(&revoked);
        restore(&engine, key);
    }
}

/// Restores an item of the fixture.
fn restore(engine: &EngineProcess, key: &Key) {
    if key.kind == Kind::Stage {
        assert_succeeds(&engine.run(&["delete", &key.id, "--force", "--yes"]));
        let ended = engine.run(&["load", &engine.folder.write("all.json", FIXTURE)]);
        assert_succeeds(&ended);
    } else {
        let file = engine.folder.write("all.json", FIXTURE);
        assert_succeeds(&engine.run(&["load", "--replace", &file]));
    }
    let left = lines(engine, &[]);
    assert!(left.iter().all(|line| line.starts_with("note: ")), "{left:?}");
}

#[test]
fn locks_are_repaired_and_other_faults_are_left_to_the_operator() {
    let engine = EngineProcess::start();
    let lock = Key::name("sms-setup");
    let break_lock: [(&dyn Fn(), &str); 6] = [
        (&|| delete(&engine, &lock), "the lock of the stage"),
        (&|| remove(&engine, &lock, "stage_uuid"), "attribute stage_uuid is missing"),
        (&|| set(&engine, &lock, "stage_uuid", json!({"N": "1"})), "attribute stage_uuid"),
        (&|| remove(&engine, &lock, "name"), "attribute name"),
        (&|| remove(&engine, &lock, "schema"), "no attribute schema"),
        (&|| set(&engine, &lock, "stage_uuid", json!({"S": UNKNOWN})), "does not have the name"),
    ];
    for (break_it, words) in break_lock {
        break_it();
        assert_line(&lines(&engine, &[]), &["NAME ", "sms-setup", words, "--repair fixes it"]);
        assert_line(&lines(&engine, &["--repair"]), &["NAME ", words, ": repaired"]);
        assert_eq!(lines(&engine, &[]), [""; 0], "{words}");
    }
    // A lock on a name that no stage has.
    let orphan = Key::name("orphan");
    let mut item = orphan.json();
    for (attribute, value) in [
        ("name", json!({"S": "orphan"})),
        ("stage_uuid", json!({"S": UNKNOWN})),
        ("schema", json!({"N": "1"})),
    ] {
        item[attribute] = value;
    }
    console(&engine, "PutItem", json!({"Item": item}));
    assert_line(&lines(&engine, &["--repair"]), &["does not exist", ": repaired"]);
    item["stage_uuid"] = json!({"S": STAGE});
    console(&engine, "PutItem", json!({"Item": item}));
    assert_line(&lines(&engine, &["--repair"]), &["which has another name", ": repaired"]);
    item["schema"] = json!({"N": "2"});
    console(&engine, "PutItem", json!({"Item": item}));
    assert_line(&lines(&engine, &["--repair"]), &["has schema 2", "newer version"]);
    delete(&engine, &orphan);
    // Two stages with one name, and a reference to a missing row.
    set(&engine, &Key::stage(OTHER_STAGE), "name", json!({"S": "sms-setup"}));
    let left = lines(&engine, &["--repair"]);
    assert_line(&left, &["several stages have this name", STAGE, OTHER_STAGE, "--force"]);
    assert_line(&left, &["backup-sms", "which has another name: repaired"]);
    assert_succeeds(&engine.run(&["delete", OTHER_STAGE, "--force", "--yes"]));
    assert_eq!(lines(&engine, &[]), [""; 0]);
    set(&engine, &Key::stage(STAGE), "mapping", json!({"S": UNKNOWN}));
    assert_line(&lines(&engine, &["--repair"]), &["mapping refers to", UNKNOWN, "load that row"]);
}

#[test]
fn a_key_that_the_function_never_reads_is_reported() {
    let engine = EngineProcess::start();
    let ended = engine.run(&["get", STAGE, "--show-secrets"]);
    assert_succeeds(&ended);
    let mut key = Key::stage(&STAGE.to_uppercase()).json();
    key["schema"] = json!({"N": "1"});
    console(&engine, "PutItem", json!({"Item": key}));
    assert_line(&lines(&engine, &[]), &["STAGE ", &STAGE.to_uppercase(), "attribute id"]);
}

#[test]
fn a_forced_deletion_keeps_the_lock_of_another_stage() {
    let engine = EngineProcess::start();
    set(&engine, &Key::stage(OTHER_STAGE), "name", json!({"S": "sms-setup"}));
    let ended = engine.run(&["delete", OTHER_STAGE, "--yes"]);
    assert_fails(&ended, &["does not own the lock of its name", "--force"]);
    assert_succeeds(&engine.run(&["delete", OTHER_STAGE, "--yes", "--force"]));
    assert_succeeds(&engine.run(&["get", STAGE]));
    let refused = stage_with(json!({"pk": OTHER_STAGE})).to_string();
    let ended = engine.run_with_input(&["load", "-"], &refused);
    assert_fails(&ended, &["stage with this name already exists."]);
}

#[test]
fn a_long_name_is_shortened_in_a_finding() {
    let engine = EngineProcess::start();
    let name = "ab".repeat(199_000);
    let document = new_stage(json!({"name": name})).to_string();
    assert_succeeds(&engine.run_with_input(&["load", "-"], &document));
    delete(&engine, &Key::name(&name));
    for arguments in [&[][..], &["--repair"]] {
        let found = lines(&engine, arguments);
        assert!(found.iter().all(|line| line.len() < 1000), "{:.2000}", found.concat());
        assert_line(&found, &["NAME ", "abab…\")", NEW_STAGE, "is missing"]);
    }
}

/// A repair is conditional on what was read: a stage that is renamed meanwhile keeps its lock.
#[tokio::test]
async fn a_repair_does_not_undo_the_change_of_another_writer() {
    let app = Arc::new(TestApp::new().await);
    app.delete_item(&Key::name("sms-setup")).await;
    let found = check(&app.table, |_, _| ()).await.unwrap().findings;
    let lock = found.iter().find_map(|finding| match finding {
        Finding::Lock(lock) => Some(lock.clone()),
        _ => None,
    });
    let lock = lock.unwrap();
    assert_eq!(lock.fault, LockFault::Missing(STAGE.parse().unwrap()));
    app.send_before_next_transaction(Request::patch(r#"{"name": "renamed"}"#));
    assert_eq!(app.table.session().repair_lock(&lock).await.unwrap(), RepairOutcome::NotNeeded);
    assert_eq!(check_invariants(&app.snapshot().await), Ok(()));
    assert_eq!(app.table.session().repair_lock(&lock).await.unwrap(), RepairOutcome::NotNeeded);
}

/// Listens for one command, and passes on what it sends to the engine. Before its first transaction,
/// it makes a change, as another writer would. Returns the address.
fn change_before_transaction(
    engine: &EngineProcess,
    change: impl FnOnce() + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, target) = (listener.local_addr().unwrap(), engine.server.address.clone());
    let change = Arc::new(Mutex::new(Some(change)));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut server = TcpStream::connect(&target).unwrap();
            let (mut answers, mut back) =
                (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            let change = change.clone();
            std::thread::spawn(move || {
                let mut chunk = vec![0; 1 << 16];
                while let Ok(length @ 1..) = client.read(&mut chunk) {
                    let text = String::from_utf8_lossy(&chunk[..length]);
                    if text.contains("TransactWriteItems")
                        && let Some(change) = change.lock().unwrap().take()
                    {
                        change();
                    }
                    server.write_all(&chunk[..length]).unwrap();
                }
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn a_finding_that_changes_during_its_repair_is_to_be_checked_again() {
    let engine = Arc::new(EngineProcess::start());
    let lock = Key::name("sms-setup");
    delete(&engine, &lock);
    // Another stage has the name and its lock.
    let other_engine = Arc::clone(&engine);
    let endpoint = change_before_transaction(&engine, move || {
        let mut item = Key::name("sms-setup").json();
        item["name"] = json!({"S": "sms-setup"});
        item["stage_uuid"] = json!({"S": OTHER_STAGE});
        item["schema"] = json!({"N": "1"});
        console(&other_engine, "PutItem", json!({"Item": item}));
        set(&other_engine, &Key::stage(OTHER_STAGE), "name", json!({"S": "sms-setup"}));
    });
    let table = ["--table", "authenticator-sms-stage", "--endpoint", &endpoint];
    let ended = run(&[&["check", "--repair"][..], &table].concat());
    assert_eq!(ended.status, Some(3), "{}", ended.stderr);
    let found: Vec<_> = ended.stdout.lines().map(str::to_owned).collect();
    assert_line(&found, &["the lock of the stage", STAGE, "it changed meanwhile", "check again"]);
    assert!(!ended.stdout.contains("--repair"), "{}", ended.stdout);
    assert_line(&lines(&engine, &["--repair"]), &["several stages have this name", "--force"]);
}

/// As of a table that version 0.1 used.
#[test]
fn a_table_with_another_key_is_explained() {
    let engine = EngineProcess::start();
    console(&engine, "DeleteTable", json!({}));
    let key = json!({
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    console(&engine, "CreateTable", key);
    let fixture = engine.folder.write("stages.json", FIXTURE);
    for command in [
        &["check"][..],
        &["list"],
        &["get", STAGE],
        &["delete", STAGE, "--yes"],
        &["token", "list"],
        &["load", &fixture],
    ] {
        let ended = engine.run(command);
        assert_eq!(ended.status, Some(1), "{command:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("version 0.1"), "{command:?}: {}", ended.stderr);
    }
}
