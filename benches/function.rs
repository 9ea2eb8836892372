//! What a request costs inside the function, by the number of flows that its stage has; and that the
//! number of stages in the table counts for nothing.
//!
//! `cargo bench` runs all of it, `cargo bench -- parse` what has `parse` in its name. The last two
//! have the embedded engine's time in them.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use std::{net::Ipv4Addr, time::Duration};

use authenticator_sms_stage::{
    flow::{DEFAULT_BACKGROUND, DeniedAction, Designation, Flow, Layout, PolicyEngineMode},
    handler::App,
    patch::{self, Completeness},
    permission::{CHANGE, VIEW},
    request::Event,
    response::{self, Answer},
    stage::{AuthType, Provider, Secret, Stage},
    store::{
        Secrets, StageTable,
        client::{self, Connection},
        documents::Documents,
        item::{self, Stored, WRITE_IDS_KEPT},
    },
    validation::Field,
};
use aws_sdk_dynamodb::config::Credentials;
use divan::{AllocProfiler, Bencher, counter::BytesCount};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};
use uuid::Uuid;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const FLOWS: [u64; 4] = [1, 10, 100, 1000];
const STAGES: [u64; 4] = [1, 10, 100, 1000];

fn main() {
    divan::main();
}

#[divan::bench(args = FLOWS)]
fn parse_and_validate(bencher: Bencher<'_, '_>, flows: u64) {
    let body = json!({"friendly_name": "Work phone", "flow_set": flow_set(flows)}).to_string();
    bencher.counter(BytesCount::of_str(&body)).bench(|| {
        let body: Value = serde_json::from_str(&body).unwrap();
        patch::parse(body, Completeness::Partial).unwrap()
    });
}

#[divan::bench(args = FLOWS)]
fn read_item(bencher: Bencher<'_, '_>, flows: u64) {
    let item = item::stage_item(&stored(flows));
    bencher.with_inputs(|| item.clone()).bench_values(|item| item::read_stage(item).unwrap());
}

#[divan::bench(args = FLOWS)]
fn write_item(bencher: Bencher<'_, '_>, flows: u64) {
    let stored = stored(flows);
    bencher.bench(|| Field::ALL.map(|field| item::attribute(field, &stored.stage)));
}

#[divan::bench(args = FLOWS)]
fn answer(bencher: Bencher<'_, '_>, flows: u64) {
    let outcome = Ok(Answer::Document(Box::new(stored(flows))));
    bencher.bench(|| response::respond(&outcome, false, Secrets::Echo));
}

/// Two fields of a stage with so many flows.
#[divan::bench(args = FLOWS, max_time = 4)]
fn handle_patch(bencher: Bencher<'_, '_>, flows: u64) {
    let house = House::new([stage(0, flows)]);
    let event = event(&json!({"friendly_name": "Work phone", "verify_only": true}));
    bencher.bench_local(|| house.handle(&event));
}

/// All flows of a stage with so many.
#[divan::bench(args = FLOWS, max_time = 4)]
fn handle_flow_set(bencher: Bencher<'_, '_>, flows: u64) {
    let house = House::new([stage(0, flows)]);
    let event = event(&json!({"flow_set": flow_set(flows)}));
    bencher.bench_local(|| house.handle(&event));
}

/// Two fields of one stage of so many.
#[divan::bench(args = STAGES, max_time = 4)]
fn handle_patch_among_stages(bencher: Bencher<'_, '_>, stages: u64) {
    let house = House::new((0..stages).map(|number| stage(number, 1)));
    let event = event(&json!({"friendly_name": "Work phone", "verify_only": true}));
    bencher.bench_local(|| house.handle(&event));
}

/// A function on an engine of its own.
struct House {
    runtime: Runtime,
    app: App,
}

impl House {
    fn new(stages: impl IntoIterator<Item = Stage>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let app = runtime.block_on(async {
            let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let endpoint = format!("http://{}", engine.local_addr().unwrap());
            let database = dynoxide::Database::memory().unwrap();
            tokio::spawn(dynoxide::server::serve_on(engine, database));
            let client = client::client(Connection {
                region: "us-east-1".to_owned(),
                endpoint: Some(endpoint),
                roots: None,
                credentials: Credentials::new("local", "local", None, None, "embedded engine"),
            });
            let table = StageTable::new(client.unwrap(), "bench".to_owned(), Secrets::Echo);
            table.create_table().await.unwrap();
            let tokens = json!({"tokens": [
                {"key": "good-token", "user": "bench", "permissions": [VIEW, CHANGE]},
            ]});
            Documents::parse(&tokens.to_string()).unwrap().load(&table).await.unwrap();
            for stage in stages {
                let _ = table.create_stage(stage).await.unwrap();
            }
            App::new(table, Secrets::Echo, Duration::from_secs(3600))
        });
        Self { runtime, app }
    }

    fn handle(&self, event: &str) -> String {
        let event: Event = serde_json::from_str(event).unwrap();
        let event = LambdaEvent::new(event, Context::default());
        let Ok(answer) = self.runtime.block_on(self.app.handle(event));
        let answer = serde_json::to_string(&answer).unwrap();
        assert!(answer.starts_with("{\"statusCode\":200"), "{answer}");
        answer
    }
}

/// An event with this body.
fn event(body: &Value) -> String {
    let mut event: Value =
        serde_json::from_str(include_str!("../events/http-api-patch-200.json")).unwrap();
    event["body"] = body.to_string().into();
    event.to_string()
}

/// A stage with so many flows. The one with the number 0 is the one that events name.
fn stage(number: u64, flows: u64) -> Stage {
    let uuid = |first| Uuid::from_u64_pair(0x5f2d_7c1e_8a44_4b0e, first);
    let flow = |number| Flow {
        pk: uuid(number),
        policybindingmodel_ptr_id: uuid(number),
        name: format!("Flow {number}"),
        slug: format!("flow-{number}"),
        title: format!("Flow {number}"),
        designation: Designation::StageConfiguration,
        background: DEFAULT_BACKGROUND.to_owned(),
        policy_engine_mode: PolicyEngineMode::Any,
        compatibility_mode: false,
        layout: Layout::Stacked,
        denied_action: DeniedAction::MessageContinue,
    };
    Stage {
        stage_uuid: uuid(0x9c3d_6a1b_e0f7_d2a9 + number),
        name: format!("sms-setup-{number}"),
        flow_set: (0..flows).map(flow).collect(),
        configure_flow: None,
        friendly_name: Some("Phone".to_owned()),
        provider: Provider::Twilio,
        from_number: "+15005550006".to_owned(),
        account_sid: "AC00000000000000000000000000000001".to_owned(),
        auth: Secret::new("an-auth-token".to_owned()),
        auth_password: Secret::new(String::new()),
        auth_type: AuthType::Basic,
        verify_only: false,
        mapping: None,
    }
}

/// The same as it is stored.
fn stored(flows: u64) -> Stored {
    let write_ids = vec!["0f8b3c5d7e9a41b2a3c4d5e6f7081920".to_owned(); WRITE_IDS_KEPT];
    Stored { stage: stage(0, flows), revision: 1, write_ids }
}

/// So many flows as a client sends them.
fn flow_set(flows: u64) -> Value {
    let flow = |number| {
        json!({
            "name": format!("Flow {number}"),
            "slug": format!("flow-{number}"),
            "title": format!("Flow {number}"),
            "designation": "stage_configuration",
            "policy_engine_mode": "any",
            "compatibility_mode": false,
            "layout": "stacked",
            "denied_action": "message_continue",
        })
    };
    (0..flows).map(flow).collect()
}
