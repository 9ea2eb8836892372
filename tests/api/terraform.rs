//! The requests of authentik's Terraform provider, in plans and applies, replayed on every trigger.

use std::collections::BTreeSet;

use authenticator_sms_stage::{
    api::{App, Settings},
    contract::Contract,
};
use serde_json::{Map, Value, json};

use super::harness::{
    CONFIGURE_FLOW, LONG, MAPPING, Request, STAGE, TestApp, Trigger, UNKNOWN, call_within, library,
};

const SEQUENCES: &str = include_str!("../terraform/sequences.json");

/// The provider's token, which has all permissions for stages.
const OWNER: &str = "terraform-token";

/// The fields that the provider may omit, each with the value that is equivalent to omitting it.
const OPTIONAL: [(&str, Value); 5] = [
    ("auth_password", Value::String(String::new())),
    ("configure_flow", Value::Null),
    ("friendly_name", Value::Null),
    ("mapping", Value::Null),
    ("verify_only", Value::Bool(false)),
];

#[tokio::test]
async fn the_provider_is_answered_as_recorded_through_a_rest_api() {
    replay_all(Trigger::RestApi).await;
}

#[tokio::test]
async fn the_provider_is_answered_as_recorded_through_an_http_api() {
    replay_all(Trigger::HttpApi).await;
}

#[tokio::test]
async fn the_provider_is_answered_as_recorded_through_a_function_url() {
    replay_all(Trigger::FunctionUrl).await;
}

#[tokio::test]
async fn the_provider_is_answered_as_recorded_through_a_load_balancer() {
    replay_all(Trigger::LoadBalancer).await;
}

/// Replays every version of the provider, with the contract for every release and with its own.
async fn replay_all(trigger: Trigger) {
    let file: Value = serde_json::from_str(SEQUENCES).unwrap();
    for provider in file["providers"].as_array().unwrap() {
        let version = provider["provider"].as_str().unwrap();
        for contract in [Contract::default(), contract_of(version)] {
            let replay = Replay::new(version, contract, trigger).await;
            for sequence in provider["sequences"].as_array().unwrap() {
                replay.run(sequence).await;
            }
        }
    }
}

/// The contract of the line of authentik for which a version of the provider is made.
fn contract_of(version: &str) -> Contract {
    Contract::parse(version)
        .or_else(|_| Contract::parse(version.rsplit_once('.').unwrap().0))
        .unwrap()
}

/// A function, and the provider as its only client.
struct Replay {
    function: App,
    /// Deletes the table when it is dropped.
    _app: TestApp,
    trigger: Trigger,
    user_agent: String,
    context: String,
}

impl Replay {
    async fn new(version: &str, contract: Contract, trigger: Trigger) -> Self {
        let app = TestApp::new().await;
        let model = "authentik_stages_authenticator_sms";
        let permissions = ["view", "add", "change", "delete"]
            .map(|verb| format!("{model}.{verb}_authenticatorsmsstage"));
        let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
        library::put_token(&app.table, OWNER, "terraform", &permissions, None).await;
        Self {
            function: App::new(app.table.clone(), Settings { contract, ..Settings::default() }),
            _app: app,
            trigger,
            user_agent: format!("authentik-terraform@{version}"),
            context: format!("provider {version}, {contract}, {trigger:?}"),
        }
    }

    async fn run(&self, sequence: &Value) {
        let name = sequence["name"].as_str().unwrap();
        let token = if name == "refused" { "no-such-token" } else { OWNER };
        let mut resource = Resource::default();
        for step in sequence["steps"].as_array().unwrap() {
            let context = format!("{}: {name}: {}", self.context, step["step"]);
            for request in step["requests"].as_array().unwrap() {
                self.send(token, request, &mut resource, &context).await;
            }
            if let Some(fields) = step.get("differs_in") {
                let fields: BTreeSet<&str> = fields
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|field| field.as_str().unwrap())
                    .collect();
                assert_eq!(resource.kept(), fields, "{context}");
            }
        }
    }

    async fn send(&self, token: &str, recorded: &Value, resource: &mut Resource, context: &str) {
        let target = resource.fill_in(recorded["path"].as_str().unwrap());
        let body = recorded.get("body").map(|body| resource.fill_in(&body.to_string()));
        let method = recorded["method"].as_str().unwrap();
        let context = format!("{context}: {method} {target}");
        let request = Request::patch(body.clone().unwrap_or_default())
            .method(method)
            .target(&target)
            .token(token)
            .header("User-Agent", &*self.user_agent)
            .trigger(self.trigger);
        let answer = call_within(&self.function, &request, LONG).await;
        assert_eq!(u64::from(answer.status), recorded["status"], "{context}: {}", answer.body);
        if let Some(expected) = recorded.get("response") {
            assert_eq!(answer.body, *expected, "{context}");
        }
        match answer.status {
            405 => assert_eq!(answer.body["code"], "method_not_allowed", "{context}"),
            501 => assert_eq!(answer.body["code"], "not_implemented", "{context}"),
            _ => {
                assert_eq!(recorded.get("recorded"), None, "{context}: served, but not as recorded")
            }
        }
        if answer.status < 300 {
            let sent = body.map(|body| serde_json::from_str(&body).unwrap());
            resource.check(method, &target, sent, &answer.body, &context);
        }
    }
}

/// The provider's state: the stage that it manages.
#[derive(Default)]
struct Resource {
    pk: Option<String>,
    /// The body that was sent last.
    sent: Option<Map<String, Value>>,
    /// The stage in the last answer.
    stage: Value,
}

impl Resource {
    fn fill_in(&self, text: &str) -> String {
        let text = text.replace("$imported", STAGE).replace("$unknown", UNKNOWN);
        text.replace("$flow", CONFIGURE_FLOW)
            .replace("$mapping", MAPPING)
            .replace("$made", self.pk.as_deref().unwrap_or_default())
    }

    /// Asserts that a plan is clean: sent fields have the sent values, and others are unchanged.
    fn check(
        &mut self,
        method: &str,
        target: &str,
        sent: Option<Map<String, Value>>,
        body: &Value,
        context: &str,
    ) {
        if method == "DELETE" {
            assert_eq!(*body, Value::Null, "{context}");
            self.sent = None;
            self.pk = None;
        } else if target.ends_with("/root/config/") {
            assert_eq!(body["error_reporting"]["enabled"], false, "{context}");
        } else if target.contains("?slug=configure-sms") {
            let [flow] = body["results"].as_array().unwrap().as_slice() else {
                panic!("{context}: {body}");
            };
            assert_eq!(
                (&flow["pk"], &flow["slug"]),
                (&json!(CONFIGURE_FLOW), &json!("configure-sms"))
            );
        } else if target.contains("?slug=") {
            assert_eq!((&body["results"], &body["pagination"]["count"]), (&json!([]), &json!(0)));
        } else if target.contains("?name=") {
            let found: Vec<&Value> =
                body["results"].as_array().unwrap().iter().map(|stage| &stage["pk"]).collect();
            let expected: Vec<Value> = self.pk.iter().map(|pk| json!(pk)).collect();
            assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{context}");
        } else {
            self.check_stage(method, sent, body, context);
        }
    }

    fn check_stage(
        &mut self,
        method: &str,
        sent: Option<Map<String, Value>>,
        body: &Value,
        context: &str,
    ) {
        let before = std::mem::replace(&mut self.stage, body.clone());
        if method == "POST" {
            self.pk = Some(body["pk"].as_str().unwrap().to_owned());
        }
        if let Some(sent) = sent {
            if method == "PUT" {
                for (field, value) in before.as_object().unwrap() {
                    if !sent.contains_key(field) {
                        assert_eq!(body[field], *value, "{context}: {field} was not sent");
                    }
                }
            }
            self.sent = Some(sent);
        }
        for (field, value) in self.sent.iter().flatten() {
            assert_eq!(body[field], *value, "{context}: {field}");
        }
    }

    /// The fields that were not sent and still have a value.
    fn kept(&self) -> BTreeSet<&'static str> {
        let sent = self.sent.as_ref().unwrap();
        let kept = OPTIONAL.into_iter().filter(|(field, none)| {
            !sent.contains_key(*field)
                && self.stage[*field] != *none
                && self.stage[*field] != json!("")
        });
        kept.map(|(field, _)| field).collect()
    }
}
