//! Every event fixture of `events/`, and what it is answered with: status, whole JSON, the shape
//! that its door expects, and what is stored then.

use std::{collections::BTreeSet, fs, path::Path};

use authenticator_sms_stage::request::Event;
use serde_json::{Value, json};

use crate::harness::{Answer, House, STAGE, Snapshot, detail, stage_with};

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

async fn answer(house: &House, event: &Value) -> Result<(Value, Answer), String> {
    let event: Event =
        serde_json::from_str(&event.to_string()).map_err(|error| error.to_string())?;
    Ok(house.raw_answer(event).await)
}

/// What the three plain fixtures change.
fn plain() -> Value {
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

/// The whole answer that a fixture is named for; for a `flow_set`, but for the keys that the server
/// makes.
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
        _ if base.ends_with("-200") => plain(),
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

/// Takes the two keys of a new flow out of an answer.
fn without_new_keys(mut body: Value, name: &str) -> Value {
    if name.ends_with("flow-set-200.json") {
        for key in ["pk", "policybindingmodel_ptr_id"] {
            let made = body["flow_set"][1][key].take();
            assert!(uuid::Uuid::try_parse(made.as_str().unwrap()).is_ok(), "{name}: {key}");
        }
    }
    body
}

/// What a stored stage would be answered as, but for what is the same for every stage.
fn stored_friendly_name(snapshot: &Snapshot) -> String {
    snapshot[&format!("STAGE#{STAGE}")]["friendly_name"].as_s().unwrap().clone()
}

/// Each door's answers have its own members.
fn assert_shape(name: &str, raw: &Value) {
    let members: BTreeSet<_> = raw.as_object().unwrap().keys().map(String::as_str).collect();
    let is_empty = |member: &str| raw[member].as_object().is_none_or(serde_json::Map::is_empty);
    if name.starts_with("rest-api") {
        assert!(is_empty("headers"), "{name}: API Gateway would send both kinds of headers");
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
async fn every_fixture_is_answered_as_it_is_named() {
    let names = names("events");
    assert!(names.len() >= 40, "the fixtures are there: {names:?}");
    for name in &names {
        let house = House::new().await;
        let before = house.snapshot().await;
        let (raw, answer) = answer(&house, &read(name)).await.unwrap();
        let status: u16 =
            name.trim_end_matches(".json").rsplit('-').next().unwrap().parse().unwrap();
        let body = without_new_keys(answer.body.clone(), name);
        assert_eq!((answer.status, body), (status, expected(name)), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(answer.header("etag").is_some(), status == 200, "{name}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{name}");
        assert_shape(name, &raw);
        let after = house.snapshot().await;
        if status != 200 || name.contains("-get-") {
            assert_eq!(after, before, "{name} changes nothing");
        } else {
            assert_ne!(after, before, "{name} changes something");
            let shown = answer.body["friendly_name"].as_str().unwrap();
            assert_eq!(stored_friendly_name(&after), shown, "{name}: what is shown is stored");
        }
    }
}

/// The hostile events that are HTTP events nevertheless, and how each is answered. `None`: it is no
/// HTTP event, and the invocation fails with a clear word.
const HOSTILE: [(&str, Option<u16>, &str); 51] = [
    ("alb-bad-base64", Some(400), "the body cannot be decoded"),
    ("alb-bad-host", Some(200), "the host is nothing to us"),
    ("alb-null-path", Some(404), "no path is no route"),
    ("alb-query-with-space-and-quote", Some(200), "the query is nothing to us"),
    ("alb-two-authorization-values", Some(403), "which of them counts is not ours to guess"),
    ("empty-object", None, "nothing says that it is HTTP"),
    ("eventbridge-schedule", None, "another service's event"),
    ("function-url-base64-of-no-utf-8", Some(400), "JSON is UTF-8"),
    ("http-api-authorization-in-two-letter-cases", Some(403), "two values all the same"),
    ("http-api-bad-base64", Some(400), "the body cannot be decoded"),
    ("http-api-bad-forwarded-port", Some(200), "the port is nothing to us"),
    ("http-api-bad-forwarded-proto", Some(200), "the protocol is nothing to us"),
    ("http-api-bad-host", Some(200), "the host is nothing to us"),
    ("http-api-bad-method", Some(405), "no method of ours"),
    ("http-api-body-is-an-object", Some(400), "a gateway sends text"),
    ("http-api-deep-body", Some(400), "deeper than JSON is read"),
    ("http-api-empty-strings", Some(404), "an empty path is no route"),
    ("http-api-header-with-control-characters", Some(415), "no JSON type"),
    ("http-api-header-with-non-ascii-characters", Some(403), "nobody's token"),
    ("http-api-headers-are-a-list", Some(400), "a gateway sends an object"),
    ("http-api-jwt-authorizer-null-claims", Some(403), "somebody without permissions"),
    ("http-api-jwt-authorizer-without-sub", Some(200), "the scope is what counts"),
    ("http-api-lambda-authorizer-null", Some(403), "somebody without permissions"),
    ("http-api-no-host", Some(200), "the host is nothing to us"),
    ("http-api-null-body", Some(200), "no body is an empty patch"),
    ("http-api-null-headers", Some(403), "no credentials"),
    ("http-api-null-path", Some(404), "no path is no route"),
    ("http-api-path-percent-encoded", Some(400), "no UUID behind the escapes"),
    ("http-api-path-with-space-and-quote", Some(400), "no UUID"),
    ("http-api-query-with-space-and-quote", Some(200), "the query is nothing to us"),
    ("http-api-two-authorization-values", Some(403), "joined, they are nobody's token"),
    ("list", None, "no object"),
    ("null", None, "no object"),
    ("rest-api-authorizer-wrong-types", Some(403), "somebody without permissions"),
    ("rest-api-bad-base64", Some(400), "the body cannot be decoded"),
    ("rest-api-bad-forwarded-proto", Some(200), "the protocol is nothing to us"),
    ("rest-api-bad-host", Some(200), "the host is nothing to us"),
    ("rest-api-header-with-bad-name", Some(200), "a header that nobody asks for"),
    ("rest-api-null-headers", Some(403), "no credentials"),
    ("rest-api-null-method", Some(405), "no method of ours"),
    ("rest-api-null-path", Some(404), "no path is no route"),
    ("rest-api-query-with-space-and-quote", Some(200), "the query is nothing to us"),
    ("rest-api-two-authorization-values", Some(403), "which of them counts is not ours to guess"),
    ("sqs-record", None, "another service's event"),
    ("text", None, "no object"),
    ("version-without-context", None, "no door is named"),
    ("vpc-lattice", None, "a door that is not ours"),
    ("webhook", None, "a webhook's body without the gateway around it"),
    ("websocket-message", None, "a door that is not ours"),
    ("http-api-unknown-members", Some(200), "what is not known is not read"),
    ("http-api-null-everything", Some(404), "null is as good as not there"),
];

#[tokio::test]
async fn every_hostile_event_is_answered_or_refused_in_words() {
    let known: BTreeSet<_> = HOSTILE.iter().map(|(name, ..)| format!("{name}.json")).collect();
    assert_eq!(names("events/hostile"), known, "every hostile event has its row");
    let house = House::new().await;
    for (name, status, why) in HOSTILE {
        let event = read(&format!("hostile/{name}.json"));
        match (answer(&house, &event).await, status) {
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
async fn what_is_hostile_by_its_size_is_answered_too() {
    let house = House::new().await;
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
        let (_, answer) = answer(&house, &event).await.unwrap();
        assert_eq!(answer.status, status, "{why}: {}", answer.body);
    }
}

/// Every place in a JSON value, as a JSON pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                places(element, &format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn whatever_stands_wherever_in_an_event_it_is_answered_or_refused_in_words() {
    let house = House::new().await;
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
        places(&event, "", &mut pointers);
        for pointer in &pointers {
            for value in &odd {
                let mut event = event.clone();
                *event.pointer_mut(pointer).unwrap() = value.clone();
                match answer(&house, &event).await {
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
