//! The cost of a request inside the function, by the number of flows of its stage and by the number
//! of stages in the table.
//!
//! `cargo bench` runs all benches, `cargo bench -- list` those with `list` in their names. Those
//! with `handle` include the time of the embedded engine, but not its memory, because it runs on
//! its own thread.

#![expect(clippy::unwrap_used, reason = "a bench that cannot continue has failed")]

#[path = "../bench/table.rs"]
mod table;

use std::{net::SocketAddr, sync::mpsc, thread, time::Duration};

use authenticator_sms_stage::{
    api::{
        App, Settings,
        answer::{self, Answer},
    },
    contract::{Contract, Secrets},
    http::event::Event,
    stage::{
        body::Body,
        field::Field,
        patch::{Completeness, Patch},
        stage::Stage,
    },
    store::item,
};
use divan::{AllocProfiler, Bencher, counter::BytesCount};
use dynoxide::Database;
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

use self::table::{event, stage, stored};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Numbers of flows of a stage.
const FLOWS: [u64; 4] = [1, 10, 100, 1000];
/// Numbers of stages in the table.
const STAGES: [u64; 3] = [10, 1000, 100_000];

fn main() {
    divan::main();
}

#[divan::bench(args = FLOWS)]
fn parse_and_validate(bencher: Bencher<'_, '_>, flows: u64) {
    let body = json!({"friendly_name": "Work phone", "flow_set": flow_set(flows)}).to_string();
    let rules = Contract::default().rules(Secrets::Echo);
    bencher.counter(BytesCount::of_str(&body)).bench(|| {
        let body = Body::from_json(body.as_bytes()).unwrap();
        Patch::parse(body, &rules, Completeness::Partial).unwrap()
    });
}

#[divan::bench(args = FLOWS)]
fn read_item(bencher: Bencher<'_, '_>, flows: u64) {
    let item = item::stage_item(&stored(stage(0, flows)));
    bencher.with_inputs(|| item.clone()).bench_values(|item| item::read_stage(item).unwrap());
}

#[divan::bench(args = FLOWS)]
fn write_item(bencher: Bencher<'_, '_>, flows: u64) {
    let stage = stage(0, flows);
    bencher
        .bench(|| Field::all().map(|field| item::attribute(stage.get(field))).collect::<Vec<_>>());
}

#[divan::bench(args = FLOWS)]
fn respond(bencher: Bencher<'_, '_>, flows: u64) {
    let stored = Box::new(stored(stage(0, flows)));
    let mut outcome = Ok(Answer::Stage { stored, shows_secrets: true });
    bencher.bench_local(|| answer::respond(&mut outcome, Contract::default()));
}

/// PATCH of two fields of a stage with `flows` flows.
#[divan::bench(args = FLOWS, max_time = 4)]
fn handle_patch(bencher: Bencher<'_, '_>, flows: u64) {
    let function = Function::new([stage(0, flows)]);
    bencher.bench_local(|| function.handle(&patch()));
}

/// PATCH of all flows of a stage with `flows` flows.
#[divan::bench(args = FLOWS, max_time = 4)]
fn handle_flow_set(bencher: Bencher<'_, '_>, flows: u64) {
    let function = Function::new([stage(0, flows)]);
    let body = json!({"flow_set": flow_set(flows)});
    let event = event("PATCH", Some(STAGE), "", Some(&body)).unwrap();
    bencher.bench_local(|| function.handle(&event));
}

/// PATCH of two fields of one stage among `stages` stages.
#[divan::bench(args = STAGES, max_time = 4)]
fn handle_patch_among_stages(bencher: Bencher<'_, '_>, stages: u64) {
    let function = Function::new((0..stages).map(|number| stage(number, 1)));
    bencher.bench_local(|| function.handle(&patch()));
}

/// The first page of a list of `stages` stages, with the default page size.
#[divan::bench(args = STAGES, max_time = 10)]
fn handle_list(bencher: Bencher<'_, '_>, stages: u64) {
    let function = Function::new((0..stages).map(|number| stage(number, 1)));
    let event = event("GET", None, "", None).unwrap();
    bencher.bench_local(|| function.handle(&event));
}

/// A list of `stages` stages, with a filter that one of them matches.
#[divan::bench(args = STAGES, max_time = 10)]
fn handle_filtered_list(bencher: Bencher<'_, '_>, stages: u64) {
    let function = Function::new((0..stages).map(|number| stage(number, 1)));
    let event = event("GET", None, "name=sms-setup-7", None).unwrap();
    bencher.bench_local(|| function.handle(&event));
}

/// The key of stage number 0.
const STAGE: &str = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";

/// A PATCH of two fields of stage number 0.
fn patch() -> String {
    let body = json!({"friendly_name": "Work phone", "verify_only": true});
    event("PATCH", Some(STAGE), "", Some(&body)).unwrap()
}

/// A function with its own engine.
struct Function {
    runtime: Runtime,
    app: App,
}

impl Function {
    fn new(stages: impl IntoIterator<Item = Stage>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let database = Database::memory().unwrap();
        let table = runtime.block_on(table::create(serve(database.clone()))).unwrap();
        table::fill(&database, stages.into_iter()).unwrap();
        let token_memory = Duration::from_secs(3600);
        let settings = Settings { token_memory, ..Settings::default() };
        Self { runtime, app: App::new(table, settings) }
    }

    /// The answer to an event.
    fn handle(&self, event: &str) -> String {
        let event: Event = serde_json::from_str(event).unwrap();
        let event = LambdaEvent::new(event, Context::default());
        let Ok(answer) = self.runtime.block_on(self.app.handle(event));
        let answer = serde_json::to_string(&answer).unwrap();
        assert!(answer.starts_with("{\"statusCode\":200"), "{answer}");
        answer
    }
}

/// Serves the database on its own thread, as long as the benches run.
fn serve(database: Database) -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let engine = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            sender.send(engine.local_addr().unwrap()).unwrap();
            dynoxide::server::serve_on(engine, database).await
        })
    });
    receiver.recv().unwrap()
}

/// `flows` flows, as a client sends them.
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
