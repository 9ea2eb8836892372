//! The answers of every release, read by a client that accepts only the keys of its release.

use authenticator_sms_stage::{
    api::{App, Settings},
    contract::{Contract, line::Line, releases},
};
use serde_json::{Value, json};

use super::harness::{
    Answer, LONG, OTHER_STAGE, Request, STAGE, TestApp, VIEWER, call_within, flow, library,
    new_stage, whole_document,
};

const LINES: &str = include_str!("../conformance/lines.json");

const LIST: &str = "/api/v3/stages/authenticator/sms/";
const OWNER: &str = "owner-token";

/// A client of one release that accepts exactly the keys of its release.
struct StrictClient<'l> {
    lines: &'l Value,
    line: &'l Value,
    function: App,
    release: String,
}

fn lines() -> Value {
    serde_json::from_str(LINES).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

impl StrictClient<'_> {
    /// Asserts that the object has exactly these keys, in this order.
    fn has_keys(&self, object: &Value, keys: &Value, what: &str) {
        let found: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, texts(keys), "{}: {what}", self.release);
    }

    fn decode_stage(&self, stage: &Value, what: &str) {
        self.has_keys(stage, &self.line["stage"], what);
        for flow in stage["flow_set"].as_array().unwrap() {
            self.has_keys(flow, &self.line["flow"], what);
        }
        if stage["pk"] == OTHER_STAGE {
            let none = &self.line["no_friendly_name"];
            assert_eq!(stage["friendly_name"], *none, "{}: {what}", self.release);
        }
    }

    async fn send(&self, request: Request) -> Answer {
        call_within(&self.function, &request, LONG).await
    }

    /// Sends a request that must succeed, and decodes the stage in the answer.
    async fn stage(&self, request: Request, status: u16, what: &str) -> Value {
        let answer = self.send(request).await;
        assert_eq!(answer.status, status, "{}: {what}: {}", self.release, answer.body);
        self.decode_stage(&answer.body, what);
        answer.body
    }

    /// Lists, retrieves, changes, creates and deletes stages.
    async fn use_all(&self) {
        let to = |method: &str| Request::patch("").method(method).token(OWNER);
        let list = self.send(to("GET").path(LIST)).await;
        assert_eq!(list.status, 200);
        self.has_keys(&list.body, &self.line["list"], "list");
        self.has_keys(&list.body["pagination"], &self.lines["pagination"], "pagination");
        let stages = list.body["results"].as_array().unwrap();
        assert_eq!(stages.len(), 3);
        for stage in stages {
            self.decode_stage(stage, "list");
        }
        for token in [OWNER, VIEWER] {
            self.stage(to("GET").token(token), 200, "retrieve").await;
        }
        let patch = Request::patch_json(&json!({"verify_only": true})).token(OWNER);
        self.stage(patch.clone(), 200, "partial update").await;
        self.stage(patch.stage(OTHER_STAGE), 200, "partial update without flows").await;
        let put = Request::patch_json(&whole_document()).method("PUT").token(OWNER);
        self.stage(put, 200, "update").await;
        let used_by = self.send(to("GET").path(&format!("{LIST}{STAGE}/used_by/"))).await;
        let used_by = used_by.body.as_array().unwrap().clone();
        assert_eq!(used_by.len(), 2);
        for used in used_by {
            self.has_keys(&used, &self.lines["used_by"], "used_by");
            assert!(
                texts(&self.line["used_by_actions"]).contains(&used["action"].as_str().unwrap())
            );
        }
        let made = self.create(&[flow("made")]).await;
        let kept = if self.writes_flows() { 1 } else { 0 };
        assert_eq!(made["flow_set"].as_array().unwrap().len(), kept, "{}", self.release);
        let destroy = to("DELETE").stage(made["pk"].as_str().unwrap());
        assert_eq!(self.send(destroy).await.status, 204);
    }

    fn writes_flows(&self) -> bool {
        self.line["flow_set_writable"] == true
    }

    fn creation(flows: &[Value]) -> Request {
        let body = json!({
            "name": "made",
            "provider": "generic",
            "from_number": "1",
            "account_sid": "https://sms.example.com",
            "auth": "secret",
            "flow_set": flows,
        });
        Request::patch_json(&body).method("POST").path(LIST).token(OWNER)
    }

    async fn create(&self, flows: &[Value]) -> Value {
        self.stage(Self::creation(flows), 201, "create").await
    }

    /// Sends requests at the limits of what the release accepts, and beyond them.
    async fn try_limits(&self) {
        if !self.writes_flows() {
            return;
        }
        let layouts = texts(&self.line["layouts"]);
        for layout in texts(&self.lines["lines"].as_array().unwrap().last().unwrap()["layouts"]) {
            let mut flow = flow("layout");
            flow["layout"] = layout.into();
            let answer = self.send(Self::creation(&[flow])).await;
            let expected = if layouts.contains(&layout) { 201 } else { 400 };
            assert_eq!(answer.status, expected, "{}: {layout}", self.release);
            if let Some(made) = answer.body["pk"].as_str() {
                let destroy = Request::patch("").method("DELETE").stage(made).token(OWNER);
                assert_eq!(self.send(destroy).await.status, 204);
            }
        }
        let limit = self.line["slug_length_max"].as_u64().unwrap();
        let long = "s".repeat(usize::try_from(limit).unwrap() + 1);
        assert_eq!(self.send(Self::creation(&[flow(&long)])).await.status, 400);
    }
}

fn answering_by(app: &TestApp, contract: Contract) -> App {
    App::new(app.table.clone(), Settings { contract, ..Settings::default() })
}

async fn app_with_owner() -> TestApp {
    let app = TestApp::new().await;
    let model = "authentik_stages_authenticator_sms";
    let permissions = ["view", "add", "change", "delete"]
        .map(|verb| format!("{model}.{verb}_authenticatorsmsstage"));
    let mut permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    permissions.push("authentik_flows.view_flow");
    library::put_token(&app.table, OWNER, "owner", &permissions, None).await;
    app
}

#[tokio::test]
async fn a_strict_client_of_every_release_can_read_all_answers() {
    let app = app_with_owner().await;
    let lines = lines();
    for line in lines["lines"].as_array().unwrap() {
        for release in texts(&line["releases"]) {
            let function = answering_by(&app, Contract::parse(release).unwrap());
            let client =
                StrictClient { lines: &lines, line, function, release: release.to_owned() };
            client.use_all().await;
            client.try_limits().await;
        }
    }
}

#[tokio::test]
async fn without_a_release_answers_have_the_keys_that_any_client_requires() {
    let app = app_with_owner().await;
    let lines = lines();
    let every_release = &lines["every_release"];
    let function = answering_by(&app, Contract::default());
    let release = "every release".to_owned();
    let client = StrictClient { lines: &lines, line: every_release, function, release };
    client.use_all().await;
    client.try_limits().await;
    for line in lines["lines"].as_array().unwrap() {
        for (required, keys) in
            [("stage_required", "stage"), ("flow_required", "flow"), ("list", "list")]
        {
            for key in texts(&line[required]) {
                assert!(texts(&every_release[keys]).contains(&key), "{}: {key}", line["releases"]);
            }
        }
    }
}

/// A made-up release, which states only its changes.
static MADE_UP: Line = Line {
    flow_set_is_writable: true,
    page_size_default: 7,
    ..releases::r2026_8::LINE.unchanged_in(2031, 4, 3)
};

#[tokio::test]
async fn a_new_release_needs_only_one_new_value() {
    let app = app_with_owner().await;
    let lines = lines();
    let mut line = lines["lines"].as_array().unwrap().last().unwrap().clone();
    line["flow_set_writable"] = true.into();
    let contract = Contract::of(&MADE_UP, 0);
    assert_eq!(contract.to_string(), "2031.4.0");
    let function = answering_by(&app, contract);
    let client =
        StrictClient { lines: &lines, line: &line, function, release: "2031.4.0".to_owned() };
    client.use_all().await;

    let more: Vec<_> = (0..5)
        .map(|number| {
            let pk = format!("11111111-2222-4333-8444-00000000000{number}");
            new_stage(json!({"pk": pk, "name": format!("more-{number}")}))
        })
        .collect();
    library::load(&app.table, &json!({"stages": more}).to_string()).await;
    let list = client.send(Request::list()).await.body;
    let (results, pagination) = (list["results"].as_array().unwrap(), &list["pagination"]);
    assert_eq!((results.len(), &pagination["count"]), (7, &json!(8)), "the release's page size");
}
