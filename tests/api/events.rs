//! The events of `events/`: the whole answer to each, in the form that its trigger expects, and what
//! is stored then.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use crate::harness::{Answer, Key, STAGE, Snapshot, TestApp, detail, library::Event, stage_with};

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn names(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect()
}

async fn answer(app: &TestApp, event: &Value) -> Result<(Value, Answer), String> {
    let event: Event =
        serde_json::from_str(&event.to_string()).map_err(|error| error.to_string())?;
    Ok(app.handle_raw(event).await)
}

/// The stage after the three plain fixtures.
fn changed_stage() -> Value {
    stage_with(json!({
        "friendly_name": "Work phone", "from_number": "+15005550009", "verify_only": true,
    }))
}

fn bad_fields() -> Value {
    let slug = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
    json!({
        "name": ["stage with this name already exists."],
        "flow_set": [{"slug": [slug]}],
        "provider": ["\"carrier-pigeon\" is not a valid choice."],
        "from_number": ["This field may not be blank."],
        "auth_type": ["\"digest\" is not a valid choice."],
        "code": "invalid",
    })
}

fn denied() -> Value {
    detail("permission_denied", "You do not have permission to perform this action.")
}

fn missing() -> Value {
    detail("not_found", "No AuthenticatorSMSStage matches the given query.")
}

/// The answer that a fixture is named for; for a `flow_set`, without the keys that the server
/// generates.
fn expected(name: &str) -> Value {
    let base = name.trim_end_matches(".json");
    match base {
        "http-api-get-200" => stage_with(json!({})),
        "http-api-patch-rename-200" => stage_with(json!({
            "name": "sms-setup-2026",
            "configure_flow": "ffeeddcc-bbaa-4998-8776-655443322110",
            "mapping": "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9",
        })),
        "http-api-patch-secret-200" => stage_with(json!({
            "provider": "generic", "account_sid": "https://sms.example.com/send",
            "auth": "n3w-auth-secret", "auth_type": "bearer",
        })),
        "http-api-patch-415" => detail(
            "unsupported_media_type",
            "Unsupported media type \"application/x-www-form-urlencoded\" in request.",
        ),
        "http-api-patch-bad-uuid-400" => {
            json!({"stage_uuid": ["“not-a-uuid” is not a valid UUID."], "code": "invalid"})
        }
        "http-api-patch-expired-token-403" => {
            detail("authentication_failed", "Token invalid/expired")
        }
        "http-api-patch-no-token-403" | "http-api-patch-forged-headers-403" => {
            detail("not_authenticated", "Authentication credentials were not provided.")
        }
        "http-api-patch-if-match-412" => {
            detail("precondition_failed", "The stage is not the version that If-Match names.")
        }
        "http-api-patch-no-route-404" => detail("not_found", "Not found."),
        "http-api-patch-parse-error-400" => detail(
            "parse_error",
            "JSON parse error - EOF while parsing an object at line 1 column 20",
        ),
        "http-api-post-405" => detail("method_not_allowed", "Method \"POST\" not allowed."),
        _ if base.ends_with("flow-set-200") => flow_set(),
        _ if base.ends_with("-200") => changed_stage(),
        _ if base.ends_with("-400") => bad_fields(),
        _ if base.ends_with("-403") => denied(),
        _ if base.ends_with("-404") => missing(),
        other => panic!("no expectation for the fixture {other}"),
    }
}

/// The fixtures' `flow_set`: the first flow, changed; and a new one.
fn flow_set() -> Value {
    let mut stage = stage_with(json!({}));
    let mut first = stage["flow_set"][0].clone();
    first["title"] = json!("Add your phone");
    stage["flow_set"] = json!([first, {
        "pk": null,
        "policybindingmodel_ptr_id": null,
        "name": "Recovery by SMS",
        "slug": "sms-recovery",
        "title": "Recover your account",
        "designation": "recovery",
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "export_url": "/api/v3/flows/instances/sms-recovery/export/",
        "layout": "sidebar_left",
        "denied_action": "message",
    }]);
    stage
}

/// Removes the two keys of a new flow from an answer.
fn without_new_keys(mut body: Value, name: &str) -> Value {
    if name.ends_with("flow-set-200.json") {
        for key in ["pk", "policybindingmodel_ptr_id"] {
            let generated = body["flow_set"][1][key].take();
            assert!(uuid::Uuid::try_parse(generated.as_str().unwrap()).is_ok(), "{name}: {key}");
        }
    }
    body
}

fn stored_friendly_name(snapshot: &Snapshot) -> String {
    snapshot[&Key::stage(STAGE)]["friendly_name"].as_s().unwrap().clone()
}

/// Checks that the answer has the members that its trigger expects.
fn assert_shape(name: &str, raw: &Value) {
    let members: BTreeSet<_> = raw.as_object().unwrap().keys().map(String::as_str).collect();
    let is_empty = |member: &str| raw[member].as_object().is_none_or(serde_json::Map::is_empty);
    if name.starts_with("rest-api") {
        assert!(is_empty("headers"), "{name}: API Gateway would send each header twice");
        assert!(!is_empty("multiValueHeaders"), "{name}");
    } else if name.starts_with("alb") {
        assert!(members.contains("statusDescription"), "{name}: {members:?}");
        assert!(!is_empty("headers") && !is_empty("multiValueHeaders"), "{name}");
    } else {
        assert!(members.contains("cookies"), "{name}: {members:?}");
        assert!(!is_empty("headers"), "{name}");
    }
}

#[tokio::test]
async fn every_event_is_answered_as_its_name_says() {
    let names = names("events");
    assert!(names.len() >= 40, "the fixtures were not found: {names:?}");
    for name in &names {
        let app = TestApp::new().await;
        let before = app.snapshot().await;
        let (raw, answer) = answer(&app, &read(name)).await.unwrap();
        let status: u16 =
            name.trim_end_matches(".json").rsplit('-').next().unwrap().parse().unwrap();
        let body = without_new_keys(answer.body.clone(), name);
        assert_eq!((answer.status, body), (status, expected(name)), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(answer.header("etag").is_some(), status == 200, "{name}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{name}");
        assert_shape(name, &raw);
        let after = app.snapshot().await;
        if status != 200 || name.contains("-get-") {
            assert_eq!(after, before, "{name} changes nothing");
        } else {
            assert_ne!(after, before, "{name} changes something");
            let shown = answer.body["friendly_name"].as_str().unwrap();
            assert_eq!(stored_friendly_name(&after), shown, "{name}: the answer is what is stored");
        }
    }
}

/// The hostile events, and the status of each answer. `None`: it is not an HTTP event, and the
/// invocation fails with a clear message.
const HOSTILE: [(&str, Option<u16>, &str); 51] = [
    ("alb-bad-base64", Some(400), "the body cannot be decoded"),
    ("alb-bad-host", Some(200), "the host is not used"),
    ("alb-null-path", Some(404), "a missing path is not a route"),
    ("alb-query-with-space-and-quote", Some(200), "the query string is not used"),
    ("alb-two-authorization-values", Some(403), "two values are ambiguous"),
    ("empty-object", None, "nothing shows that it is HTTP"),
    ("eventbridge-schedule", None, "another service's event"),
    ("function-url-base64-of-no-utf-8", Some(400), "JSON is UTF-8"),
    (
        "http-api-authorization-in-two-letter-cases",
        Some(403),
        "two values in spite of the spelling",
    ),
    ("http-api-bad-base64", Some(400), "the body cannot be decoded"),
    ("http-api-bad-forwarded-port", Some(200), "the port is not used"),
    ("http-api-bad-forwarded-proto", Some(200), "the protocol is not used"),
    ("http-api-bad-host", Some(200), "the host is not used"),
    ("http-api-bad-method", Some(405), "an unknown method"),
    ("http-api-body-is-an-object", Some(400), "a gateway sends text"),
    ("http-api-deep-body", Some(400), "nested too deeply"),
    ("http-api-empty-strings", Some(404), "an empty path is not a route"),
    ("http-api-header-with-control-characters", Some(415), "not a JSON type"),
    ("http-api-header-with-non-ascii-characters", Some(403), "an unknown token"),
    ("http-api-headers-are-a-list", Some(400), "a gateway sends an object"),
    ("http-api-jwt-authorizer-null-claims", Some(403), "a caller without permissions"),
    ("http-api-jwt-authorizer-without-sub", Some(200), "the scope is what counts"),
    ("http-api-lambda-authorizer-null", Some(403), "a caller without permissions"),
    ("http-api-no-host", Some(200), "the host is not used"),
    ("http-api-null-body", Some(200), "a missing body is an empty PATCH"),
    ("http-api-null-headers", Some(403), "no credentials"),
    ("http-api-null-path", Some(404), "a missing path is not a route"),
    ("http-api-path-percent-encoded", Some(400), "not a UUID behind the escapes"),
    ("http-api-path-with-space-and-quote", Some(400), "not a UUID"),
    ("http-api-query-with-space-and-quote", Some(200), "the query string is not used"),
    ("http-api-two-authorization-values", Some(403), "joined, they are not a token"),
    ("list", None, "not an object"),
    ("null", None, "not an object"),
    ("rest-api-authorizer-wrong-types", Some(403), "a caller without permissions"),
    ("rest-api-bad-base64", Some(400), "the body cannot be decoded"),
    ("rest-api-bad-forwarded-proto", Some(200), "the protocol is not used"),
    ("rest-api-bad-host", Some(200), "the host is not used"),
    ("rest-api-header-with-bad-name", Some(200), "the header is not used"),
    ("rest-api-null-headers", Some(403), "no credentials"),
    ("rest-api-null-method", Some(405), "an unknown method"),
    ("rest-api-null-path", Some(404), "a missing path is not a route"),
    ("rest-api-query-with-space-and-quote", Some(200), "the query string is not used"),
    ("rest-api-two-authorization-values", Some(403), "two values are ambiguous"),
    ("sqs-record", None, "another service's event"),
    ("text", None, "not an object"),
    ("version-without-context", None, "no trigger is named"),
    ("vpc-lattice", None, "a trigger that is not supported"),
    ("webhook", None, "a webhook's body without the gateway around it"),
    ("websocket-message", None, "a trigger that is not supported"),
    ("http-api-unknown-members", Some(200), "unknown members are ignored"),
    ("http-api-null-everything", Some(404), "null counts as absent"),
];

#[tokio::test]
async fn hostile_events_are_answered_or_refused() {
    let known: BTreeSet<_> = HOSTILE.iter().map(|(name, ..)| format!("{name}.json")).collect();
    assert_eq!(names("events/hostile"), known, "every hostile event has a row");
    let app = TestApp::new().await;
    for (name, status, why) in HOSTILE {
        let event = read(&format!("hostile/{name}.json"));
        match (answer(&app, &event).await, status) {
            (Ok((_, answer)), Some(status)) => {
                assert_eq!(answer.status, status, "{name}: {why}: {}", answer.body);
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            }
            (Err(words), None) => {
                assert!(words.starts_with("this function answers events of"), "{name}: {words}");
            }
            (Ok((_, answer)), None) => panic!("{name}: {why}: answered {}", answer.status),
            (Err(words), Some(_)) => panic!("{name}: {why}: {words}"),
        }
    }
}

#[tokio::test]
async fn very_large_events_are_answered() {
    let app = TestApp::new().await;
    let event = |change: &dyn Fn(&mut Value)| {
        let mut event = read("http-api-patch-200.json");
        change(&mut event);
        event
    };
    let set_body = |event: &mut Value, body: String| event["body"] = body.into();
    let name = "n".repeat(10_000);
    for (event, status, why) in [
        (event(&|e| set_body(e, " ".repeat(10 << 20))), 413, "10 MB"),
        (event(&|e| set_body(e, "[".repeat(100_000))), 400, "100,000 open brackets"),
        (event(&|e| set_body(e, format!("{{\"name\": \"{name}\"}}"))), 200, "a long name"),
        (event(&|e| set_body(e, "{\"name\": \"\\u0000\"}".into())), 400, "a NUL"),
        (event(&|e| set_body(e, "{\"name\": \"\\ud800\"}".into())), 400, "a lone surrogate"),
        (event(&|e| e["rawPath"] = "/x".repeat(35_000).into()), 404, "a path of 70 KB"),
        (event(&|e| e["headers"]["host"] = "h".repeat(70_000).into()), 200, "a host of 70 KB"),
        (
            event(&|e| e["headers"]["authorization"] = format!("Bearer {name}").into()),
            403,
            "a token of 10,000 characters",
        ),
    ] {
        let (_, answer) = answer(&app, &event).await.unwrap();
        assert_eq!(answer.status, status, "{why}: {}", answer.body);
    }
}

/// Every position in a JSON value, as a JSON pointer.
fn positions(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                positions(member, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                positions(element, &format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn odd_events_are_answered_or_refused() {
    let app = TestApp::new().await;
    let odd = [
        json!(null),
        json!(true),
        json!(""),
        json!("\u{0}\r\n \"<>"),
        json!("%ff%zz/../😀"),
        json!([null, "x", {}]),
        json!({"": {"": []}}),
    ];
    let known = [200, 400, 403, 404, 405, 412, 413, 415];
    for name in ["http-api-patch-200.json", "rest-api-patch-200.json", "alb-patch-200.json"] {
        let event = read(name);
        let mut pointers = Vec::new();
        positions(&event, "", &mut pointers);
        for pointer in &pointers {
            for value in &odd {
                let mut event = event.clone();
                *event.pointer_mut(pointer).unwrap() = value.clone();
                match answer(&app, &event).await {
                    Ok((raw, answer)) => {
                        assert!(known.contains(&answer.status), "{pointer} {value}: {raw}");
                    }
                    Err(words) => {
                        assert!(words.starts_with("this function answers"), "{pointer}: {words}");
                    }
                }
            }
        }
    }
}
