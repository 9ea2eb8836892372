//! The events of `events/`: the whole answer to each, in the form that its trigger expects, and the
//! items stored afterwards.

mod expected;

use std::{collections::BTreeSet, fs, path::Path};

use authenticator_sms_stage::api::route::{self, Operation, ROUTES};
use serde_json::{Value, json};

use lambda_http::{Context, LambdaEvent};

use crate::harness::{Answer, Key, STAGE, Snapshot, TestApp, library::Event};

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

/// The status at the end of an event's name.
fn status_in(name: &str) -> u16 {
    name.trim_end_matches(".json").rsplit('-').next().unwrap().parse().unwrap()
}

async fn answer(app: &TestApp, event: &Value) -> Result<(Value, Answer), String> {
    let event: Event =
        serde_json::from_str(&event.to_string()).map_err(|error| error.to_string())?;
    Ok(app.handle_raw(event).await)
}

/// Removes generated UUIDs from an answer.
fn without_new_keys(mut body: Value, name: &str) -> Value {
    if name.ends_with("create-201.json") {
        let generated = body["pk"].take();
        assert!(uuid::Uuid::try_parse(generated.as_str().unwrap()).is_ok(), "{name}");
    }
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
        let event = read(name);
        let (raw, answer) = answer(&app, &event).await.unwrap();
        let status = status_in(name);
        let body = without_new_keys(answer.body.clone(), name);
        assert_eq!((answer.status, body), (status, expected::answer_to(name)), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        let json = (status != 204).then_some("application/json");
        assert_eq!(answer.header("content-type"), json, "{name}");
        let shows_stage = answer.body["pk"].is_string();
        assert_eq!(answer.header("etag").is_some(), shows_stage, "{name}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{name}");
        assert_shape(name, &raw);
        let after = app.snapshot().await;
        if ![200, 201, 204].contains(&status) || !event["body"].is_string() && status == 200 {
            assert_eq!(after, before, "{name} changes nothing");
        } else if status != 200 {
            assert_eq!(
                after.len() as i64 - before.len() as i64,
                if status == 201 { 2 } else { -2 }
            );
        } else if event["body"] != "" {
            assert_ne!(after, before, "{name} changes something");
            let shown = answer.body["friendly_name"].as_str().unwrap();
            assert_eq!(stored_friendly_name(&after), shown, "{name}: the answer is stored");
        }
    }
}

/// The operation that an event asks for; none if its path and method have no operation.
fn operation(event: &Value) -> Option<Operation> {
    let path = event.get("rawPath").unwrap_or(&event["path"]).as_str().unwrap();
    let http = &event["requestContext"]["http"];
    let method = http.get("method").unwrap_or(&event["httpMethod"]).as_str().unwrap();
    route::find(path).ok()?.route.operation(method).ok()
}

#[test]
fn every_trigger_has_an_accepted_and_a_refused_event_of_each_operation() {
    let names = names("events");
    for trigger in ["alb", "function-url", "http-api", "rest-api"] {
        let events = names.iter().filter(|name| name.starts_with(trigger));
        let found: BTreeSet<_> = events
            .filter_map(|name| Some((operation(&read(name))?.id(), status_in(name) < 300)))
            .collect();
        for (_, operation, id) in ROUTES.iter().flat_map(|route| route.methods) {
            assert!(found.contains(&(id, true)), "{trigger}: {id} is accepted");
            // The settings are shown to everybody.
            let is_refused = *operation != Operation::RootConfig;
            assert_eq!(found.contains(&(id, false)), is_refused, "{trigger}: {id} is refused");
        }
    }
}

/// The hostile events, and the status of each answer. `None`: it is not an HTTP event, and the
/// invocation fails with a clear message.
const HOSTILE: [(&str, Option<u16>, &str); 50] = [
    ("alb-bad-base64", Some(400), "the body cannot be decoded"),
    ("alb-bad-host", Some(200), "the host is not used"),
    ("alb-null-path", Some(404), "a missing path is not a route"),
    ("alb-query-with-space-and-quote", Some(200), "the query string is not used"),
    ("alb-two-authorization-values", Some(403), "two values are ambiguous"),
    ("empty-object", None, "nothing shows that it is HTTP"),
    ("function-url-base64-of-no-utf-8", Some(400), "JSON is UTF-8"),
    (
        "http-api-authorization-in-two-letter-cases",
        Some(403),
        "two values, in different letter case",
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
    ("http-api-jwt-authorizer-without-sub", Some(200), "only the scope is used"),
    ("http-api-lambda-authorizer-null", Some(403), "a caller without permissions"),
    ("http-api-no-host", Some(200), "the host is not used"),
    ("http-api-null-body", Some(200), "a missing body is an empty PATCH"),
    ("http-api-null-headers", Some(403), "no credentials"),
    ("http-api-null-path", Some(404), "a missing path is not a route"),
    ("http-api-path-percent-encoded", Some(400), "not a UUID after decoding"),
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
    ("version-without-context", None, "an unknown trigger"),
    ("vpc-lattice", None, "a trigger that is not supported"),
    ("webhook", None, "a webhook's body without a gateway's event"),
    ("websocket-message", None, "a trigger that is not supported"),
    ("http-api-unknown-members", Some(200), "unknown members are ignored"),
    ("http-api-null-everything", Some(404), "null means absent"),
];

/// Events of schedules, and of plugins that keep a function warm.
const IGNORED: [&str; 3] =
    ["eventbridge-rule.json", "eventbridge-schedule.json", "warmup-plugin.json"];

#[tokio::test]
async fn schedules_and_warm_up_events_are_ignored() {
    let app = TestApp::new().await;
    for name in IGNORED {
        let event: Event = serde_json::from_value(read(&format!("hostile/{name}"))).unwrap();
        let Ok(answer) = app.function.handle(LambdaEvent::new(event, Context::default())).await;
        assert_eq!(serde_json::to_value(answer).unwrap(), Value::Null, "{name}");
    }
    assert_eq!(app.dynamodb.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn hostile_events_are_answered_or_refused() {
    let known: BTreeSet<_> = HOSTILE.iter().map(|(name, ..)| format!("{name}.json")).collect();
    let known = &known | &IGNORED.map(str::to_owned).into();
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
                assert!(words.starts_with("this function answers events from"), "{name}: {words}");
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
