//! Recorded sequences of requests to the whole resource, compared with the function's answers.
//!
//! `sequences.json` was recorded from release line 2025.8, `sequences-2026.8.json` from 2026.8. A
//! step is a request and its answer. There are two kinds of placeholder:
//!
//! * an object with `$stage` is the fixture's stage with that UUID, changed by the other members;
//! * `$pk1`, `$pk2`, … is a UUID that the server generated: bound to the first value that it is
//!   compared with, and used in later paths and answers.

#[path = "placeholders.rs"]
mod placeholders;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::placeholders::Placeholders;
use crate::harness::{
    Answer, FIXTURE, Request, Snapshot, TestApp, TestSettings, Trigger, check_invariants,
    library::{Contract, Secrets},
    policy, stage_with, with,
};

/// The number of tables, and so of sequences that run in parallel.
const WORKERS: usize = 4;

/// The sequences of one release line.
#[derive(Clone, Copy)]
struct Recording {
    release: &'static str,
    secrets: Secrets,
    sequences: &'static str,
    /// The number of sequences.
    count: usize,
    /// A stage of the fixture as the release shows it.
    view: fn(Value) -> Value,
}

const RELEASE_2025_8: Recording = Recording {
    release: "2025.8",
    secrets: Secrets::Echo,
    sequences: include_str!("sequences.json"),
    count: 380,
    view: |stage| stage,
};

const RELEASE_2026_8: Recording = Recording {
    release: "2026.8",
    // Like the reference, this setting lets a stage's address change without its secrets.
    secrets: Secrets::Echo,
    sequences: include_str!("sequences-2026.8.json"),
    count: 153,
    view: view_of_2026_8,
};

/// A stage in 2026.8: without secrets, with a text for `friendly_name`, and with `background_url`.
fn view_of_2026_8(mut stage: Value) -> Value {
    let members = stage.as_object_mut().unwrap();
    members.shift_remove("auth");
    members.shift_remove("auth_password");
    if members["friendly_name"].is_null() {
        members["friendly_name"] = "".into();
    }
    for flow in members["flow_set"].as_array_mut().unwrap() {
        let background = flow.as_object_mut().unwrap().shift_remove("background").unwrap();
        flow["background_url"] = background;
    }
    stage
}

impl Recording {
    fn sequences(&self) -> Vec<Sequence> {
        serde_json::from_str(self.sequences).unwrap()
    }

    fn settings(&self, documents: &'static str) -> TestSettings {
        TestSettings {
            contract: Contract::parse(self.release).unwrap(),
            secrets: Some(self.secrets),
            documents: Some(documents),
            ..TestSettings::default()
        }
    }
}

/// The text of a fixture.
fn fixture(name: &str) -> &'static str {
    match name {
        "fixture.json" => FIXTURE,
        "fixture-many.json" => include_str!("fixture-many.json"),
        other => panic!("unknown fixture {other}"),
    }
}

#[derive(Clone, Deserialize)]
struct Sequence {
    id: String,
    group: String,
    note: String,
    fixture: String,
    steps: Vec<Step>,
}

#[derive(Clone, Deserialize)]
struct Step {
    method: String,
    path: String,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<String>,
    status: u16,
    #[serde(default)]
    response: Value,
    detail_prefix: Option<String>,
    #[serde(default)]
    response_headers: Map<String, Value>,
    /// `status`: the body is not compared.
    #[serde(rename = "match")]
    compared: Option<String>,
}

impl Step {
    fn request(&self, trigger: Trigger, values: &Placeholders) -> Request {
        let body = values.resolve_text(self.body.as_deref().unwrap_or_default());
        let mut request = Request::patch(body)
            .trigger(trigger)
            .method(&self.method)
            .target(&values.resolve_text(&self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value.as_str());
        }
        request
    }

    /// Whether the step changes the table if it is answered as recorded.
    fn changes(&self) -> bool {
        let is_writing = ["POST", "PUT", "PATCH", "DELETE"].contains(&&*self.method);
        is_writing && self.status < 300
    }

    /// Compares an answer with the recorded one, and binds new placeholders.
    fn check(&self, answer: &Answer, values: &mut Placeholders) -> Result<(), String> {
        if answer.status != self.status {
            return Err(format!("status {}, not {}: {}", answer.status, self.status, answer.body));
        }
        for (name, value) in &self.response_headers {
            if answer.header(name) != value.as_str() {
                return Err(format!("{name}: {:?}, not {value}", answer.header(name)));
            }
        }
        match self.compared.as_deref() {
            None => {}
            Some("status") => return Ok(()),
            Some(other) => panic!("unknown kind of comparison: {other}"),
        }
        let Some(prefix) = &self.detail_prefix else {
            return values.compare(&self.response, &answer.body, "");
        };
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        if !detail.starts_with(prefix) {
            return Err(format!("{detail:?} does not begin with {prefix:?}"));
        }
        values.compare(&with(self.response.clone(), json!({"detail": detail})), &answer.body, "")
    }
}

/// Runs a sequence on a table that equals the snapshot.
async fn run(
    app: &TestApp,
    before: &Snapshot,
    recording: &Recording,
    sequence: &Sequence,
    trigger: Trigger,
) -> Result<(), String> {
    let mut values = Placeholders::new(recording.view, fixture(&sequence.fixture));
    for (number, step) in sequence.steps.iter().enumerate() {
        let answer = app.send(&step.request(trigger, &values)).await;
        policy::assert_allowed(&app.dynamodb.calls());
        let result = step.check(&answer, &mut values);
        result.map_err(|problem| format!("step {}: {problem}", number + 1))?;
    }
    let after = app.snapshot().await;
    check_invariants(&after)?;
    let changes = sequence.steps.iter().any(Step::changes);
    if changes || after == *before { Ok(()) } else { Err("the table has changed".to_owned()) }
}

/// Runs some of the sequences, one after another, and returns the failures.
async fn run_some(recording: Recording, sequences: Vec<Sequence>, trigger: Trigger) -> Vec<String> {
    let mut failures = Vec::new();
    let mut apps: BTreeMap<String, (TestApp, Snapshot)> = BTreeMap::new();
    for sequence in sequences {
        if !apps.contains_key(&sequence.fixture) {
            let settings = recording.settings(fixture(&sequence.fixture));
            let app = TestApp::with_settings(settings).await;
            let before = app.snapshot().await;
            apps.insert(sequence.fixture.clone(), (app, before));
        }
        let (app, before) = &apps[&sequence.fixture];
        if let Err(problem) = run(app, before, &recording, &sequence, trigger).await {
            let Sequence { id, group, note, .. } = &sequence;
            failures.push(format!("{id} ({group}, {note}): {problem}"));
        }
        app.restore(before).await;
    }
    failures
}

async fn run_all(recording: Recording, trigger: Trigger) {
    let sequences = recording.sequences();
    assert_eq!(sequences.len(), recording.count, "the number of recorded sequences");
    let chunks = sequences.chunks(sequences.len().div_ceil(WORKERS));
    let workers: Vec<_> =
        chunks.map(|chunk| tokio::spawn(run_some(recording, chunk.to_vec(), trigger))).collect();
    let mut failures = Vec::new();
    for worker in workers {
        failures.extend(worker.await.unwrap());
    }
    let (count, release) = (failures.len(), recording.release);
    assert!(failures.is_empty(), "{count} of {release} failed:\n{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_of_2025_8_are_answered_as_recorded_through_the_http_api() {
    run_all(RELEASE_2025_8, Trigger::HttpApi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_of_2025_8_are_answered_as_recorded_through_the_rest_api() {
    run_all(RELEASE_2025_8, Trigger::RestApi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_of_2026_8_are_answered_as_recorded_through_the_http_api() {
    run_all(RELEASE_2026_8, Trigger::HttpApi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_of_2026_8_are_answered_as_recorded_through_the_rest_api() {
    run_all(RELEASE_2026_8, Trigger::RestApi).await;
}

// Tests of the comparison itself.

/// The recorded body of a step, with its placeholders replaced.
fn recorded_body(recorded: &Value, values: &mut Placeholders) -> Value {
    match recorded {
        Value::String(text) if text.starts_with("$pk") => {
            let new = || Uuid::new_v4().to_string();
            values.generated.entry(text.clone()).or_insert_with(new).clone().into()
        }
        Value::String(text) => values.resolve_text(text).into(),
        Value::Object(object) => {
            let object = values.stage(object).unwrap_or_else(|| recorded.clone());
            let members = object.as_object().unwrap().iter();
            members
                .map(|(name, value)| (name.clone(), recorded_body(value, values)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(elements) => {
            elements.iter().map(|element| recorded_body(element, values)).collect()
        }
        other => other.clone(),
    }
}

/// The body with its first simple value changed; `None` if it has none.
fn changed(body: &Value) -> Option<Value> {
    let first = |children: Vec<(String, &Value)>| {
        children.into_iter().find_map(|(key, child)| Some((key, changed(child)?)))
    };
    let mut copy = body.clone();
    match body {
        Value::Object(members) => {
            let (name, value) = first(members.iter().map(|(k, v)| (k.clone(), v)).collect())?;
            copy[name] = value;
        }
        Value::Array(elements) => {
            let children = elements.iter().enumerate();
            let (place, value) = first(children.map(|(n, v)| (n.to_string(), v)).collect())?;
            copy[place.parse::<usize>().unwrap()] = value;
        }
        Value::Null => copy = json!("changed"),
        Value::Bool(boolean) => copy = json!(!boolean),
        Value::Number(_) => copy = json!(-1),
        Value::String(text) => copy = json!(format!("{text} changed")),
    }
    Some(copy)
}

/// Every recorded answer passes its own comparison, and fails it if anything in it is changed.
#[test]
fn each_step_accepts_its_recorded_answer_and_no_other() {
    for recording in [RELEASE_2025_8, RELEASE_2026_8] {
        for sequence in recording.sequences() {
            let mut values = Placeholders::new(recording.view, fixture(&sequence.fixture));
            for step in &sequence.steps {
                let bound = values.generated.clone();
                let body = recorded_body(&step.response, &mut values);
                let header = |(name, value): (&String, &Value)| {
                    (name.clone(), value.as_str().unwrap().to_owned())
                };
                let headers = step.response_headers.iter().map(header).collect();
                let right = Answer { status: step.status, headers, body };
                let mut check = |answer: &Answer| {
                    values.generated.clone_from(&bound);
                    step.check(answer, &mut values)
                };

                let mut wrong = vec![Answer { status: step.status + 1, ..right.clone() }];
                if !step.response_headers.is_empty() {
                    wrong.push(Answer { headers: BTreeMap::new(), ..right.clone() });
                }
                if step.compared.is_none() {
                    let body = changed(&right.body).unwrap_or_else(|| json!("changed"));
                    wrong.push(Answer { body: json!([body.clone()]), ..right.clone() });
                    if step.detail_prefix.is_none() && !is_generated(&step.response) {
                        wrong.push(Answer { body, ..right.clone() });
                    }
                }
                for wrong in wrong {
                    assert!(check(&wrong).is_err(), "{}: {wrong:?}", sequence.id);
                }
                assert_eq!(check(&right), Ok(()), "{}", sequence.id);
            }
        }
    }
}

/// Whether the first simple value is a placeholder, which would be bound to a changed UUID.
fn is_generated(recorded: &Value) -> bool {
    recorded["pk"].as_str().is_some_and(|text| text.starts_with("$pk"))
}

#[test]
fn status_header_and_prefix_are_compared() {
    let step = |more: Value| -> Step {
        let step = json!({"method": "GET", "path": "/", "status": 400, "response": {"detail": "JSON parse error - x", "code": "parse_error"}});
        serde_json::from_value(with(step, more)).unwrap()
    };
    let answer = |status, detail: &str, code: &str| Answer {
        status,
        headers: [("allow".to_owned(), "GET".to_owned())].into(),
        body: json!({"detail": detail, "code": code}),
    };
    let prefix = step(json!({"detail_prefix": "JSON parse error - "}));
    let header = step(json!({"response_headers": {"allow": "GET, HEAD"}}));
    let status_only = step(json!({"match": "status"}));
    for (step, answer, is_right) in [
        (&prefix, answer(400, "JSON parse error - y", "parse_error"), true),
        (&prefix, answer(400, "JSON error", "parse_error"), false),
        (&prefix, answer(400, "JSON parse error - y", "error"), false),
        (&prefix, answer(403, "JSON parse error - y", "parse_error"), false),
        (&header, answer(400, "JSON parse error - x", "parse_error"), false),
        (&status_only, answer(400, "another", "body"), true),
        (&status_only, answer(500, "JSON parse error - x", "parse_error"), false),
    ] {
        let mut values = Placeholders::new(RELEASE_2025_8.view, FIXTURE);
        assert_eq!(step.check(&answer, &mut values).is_ok(), is_right, "{answer:?}");
    }
}

#[test]
fn a_path_gets_the_generated_uuids_and_a_view_the_keys_of_its_release() {
    let mut values = Placeholders::new(RELEASE_2025_8.view, FIXTURE);
    for name in ["$pk1", "$pk2"] {
        values.generated.insert(name.to_owned(), format!("uuid of {}", &name[1..]));
    }
    let step = RELEASE_2025_8.sequences()[0].steps[0].clone();
    let step = Step { path: "/stages/$pk1/?a=$pk2".to_owned(), ..step };
    let request = step.request(Trigger::HttpApi, &values);
    assert_eq!(request.request_target(), "/stages/uuid of pk1/?a=uuid of pk2");

    let shown = view_of_2026_8(stage_with(json!({"friendly_name": null})));
    assert_eq!(shown["friendly_name"], "");
    assert_eq!((shown.get("auth"), shown.get("auth_password")), (None, None));
    let flow = &shown["flow_set"][1];
    let background = &stage_with(json!({}))["flow_set"][1]["background"];
    assert_eq!((flow.get("background"), &flow["background_url"]), (None, background));
}
