//! No write is lost, repeated or half done: the answers to many clients, checked against a model of
//! the stage.
//!
//! A seed determines the clients' choices, but not the order of their calls. A large run:
//!
//! ```sh
//! HISTORY_CLIENTS=64 HISTORY_OPERATIONS=100000 HISTORY_SEED=7 \
//!     cargo test --profile bench --test api history::many -- --nocapture
//! ```

mod bad_histories;
mod fault_injection;
mod mutations;
mod published;
mod repeated_document;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use tokio::task::JoinHandle;

use self::{
    bad_histories::bad_histories,
    fault_injection::{FaultInjector, Faults, Mutation},
    mutations::MISTAKES,
};
use crate::harness::{
    LONG, Request, TestApp, TestSettings, call_within,
    engine::Engine,
    history::{
        call::Reply,
        check::{self, History, Violation, check_table},
        client::Client,
        fixture::Fixture,
        print, read_all,
        recorder::{CALL, Function, Recorder},
        setting, summary,
    },
    library::{self, App},
};

/// How often the table is checked while the clients run.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Maximum number of runs of a test. What a run shows depends on the order of the clients' calls;
/// the rarest mistake shows in one run of seven.
const RUNS_MAX: u64 = 100;

/// The size of a run, and its faults.
#[derive(Clone, Copy)]
struct Setup {
    clients: usize,
    stages: usize,
    operations: usize,
    seed: u64,
    faults: Faults,
    mutation: Option<Mutation>,
}

impl Setup {
    /// A run that takes a second or two in a debug build.
    const fn small(seed: u64) -> Self {
        Self {
            clients: 8,
            stages: 3,
            operations: 200,
            seed,
            faults: Faults { dropped: 0, lost: 0 },
            mutation: None,
        }
    }
}

/// A function whose calls to DynamoDB have faults. Each client has its own, because a Lambda
/// process answers one request at a time.
struct FaultyFunction {
    function: App,
    faults: Arc<FaultInjector>,
}

impl FaultyFunction {
    fn of(app: &TestApp, faults: &Arc<FaultInjector>) -> Self {
        let client = app.endpoint.client(SharedHttpClient::new(app.dynamodb.clone()));
        let table = library::table(client, &app.table_name);
        Self { function: library::app(&table, &settings()), faults: Arc::clone(faults) }
    }

    /// A function whose lists come in several answers, so that it reads their documents again.
    fn with_small_answers(app: &TestApp, faults: &Arc<FaultInjector>) -> Self {
        let function = app.function_with_small_answers(2, &settings());
        Self { function, faults: Arc::clone(faults) }
    }
}

impl Function for FaultyFunction {
    async fn ask(&self, request: &Request) -> Option<Reply> {
        let answer = call_within(&self.function, request, LONG).await;
        self.faults.end(CALL.get());
        let tag = answer.header("etag").map(str::to_owned);
        Some(Reply { status: answer.status, tag, body: answer.body })
    }
}

/// Runs the clients. Returns their history, and the violations found in the table during and after
/// the run.
async fn run(setup: Setup) -> (History, Vec<Violation>) {
    let fixture = Fixture::with_stages(setup.stages);
    let recorder = Arc::new(Recorder::of(&fixture.stages));
    let app = app_with(&fixture).await;
    let faults = FaultInjector::install(&app, &recorder, setup.seed, Faults::default(), None);
    let quiet = FaultyFunction::of(&app, &faults);
    read_all(&quiet, &recorder).await;
    let faults = FaultInjector::install(&app, &recorder, setup.seed, setup.faults, setup.mutation);
    let clients = start_clients(setup, &app, &faults, &fixture, &recorder);
    let mut violations = check_while_running(&clients, &app, &recorder, setup.operations).await;
    for client in clients {
        client.await.unwrap();
    }
    app.dynamodb.stop_intercepting();
    read_all(&quiet, &recorder).await;
    violations.extend(check_table(&app.snapshot().await));
    (History::new(&fixture, recorder.finish()), violations)
}

/// The function's settings. Tokens are remembered, because reading them is not tested here.
fn settings() -> TestSettings {
    TestSettings { token_memory: LONG, documents: None, ..TestSettings::default() }
}

/// A table with the fixture's stages.
async fn app_with(fixture: &Fixture) -> TestApp {
    let app = TestApp::with_settings(settings()).await;
    library::load(&app.table, &fixture.documents().to_string()).await;
    app
}

fn start_clients(
    setup: Setup,
    app: &TestApp,
    faults: &Arc<FaultInjector>,
    fixture: &Fixture,
    recorder: &Arc<Recorder>,
) -> Vec<JoinHandle<()>> {
    let clients = (0..setup.clients).map(|number| {
        let mut client = Client::new(number, setup.seed, fixture);
        let function = if number % 2 == 0 {
            FaultyFunction::of(app, faults)
        } else {
            FaultyFunction::with_small_answers(app, faults)
        };
        let recorder = recorder.clone();
        tokio::spawn(async move {
            for _ in 0..setup.operations / setup.clients {
                client.step(&function, &recorder).await;
            }
        })
    });
    clients.collect()
}

/// Checks the table until the clients have finished.
async fn check_while_running(
    clients: &[JoinHandle<()>],
    app: &TestApp,
    recorder: &Recorder,
    operations: usize,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut checks = tokio::time::interval(CHECK_INTERVAL);
    let mut printed = 0;
    while !clients.iter().all(JoinHandle::is_finished) {
        checks.tick().await;
        // Only the embedded engine's scan shows a single instant.
        if app.endpoint.engine == Engine::Embedded {
            violations.extend(check_table(&app.snapshot().await));
        }
        // The recorded calls are not needed, and would fill the memory.
        app.dynamodb.calls();
        let progress = 10 * recorder.count() / operations;
        if operations >= 10_000 && progress > printed {
            printed = progress;
            print(&format!("{} calls", recorder.count()));
        }
    }
    violations
}

/// All violations of a run.
fn all_violations(history: &History, mut violations: Vec<Violation>) -> Vec<Violation> {
    violations.extend(check::check(history));
    violations
}

/// The runs: a large one if environment variables ask for it, otherwise a few small ones.
fn setups() -> Vec<Setup> {
    let faults = Faults { dropped: 5, lost: 2 };
    let Some(clients) = setting("HISTORY_CLIENTS") else {
        let faulty = (2..=3).map(|seed| Setup { faults, ..Setup::small(seed) });
        return std::iter::once(Setup::small(1)).chain(faulty).collect();
    };
    let number = |name, default| usize::try_from(setting(name).unwrap_or(default)).unwrap();
    vec![Setup {
        clients: usize::try_from(clients).unwrap(),
        stages: number("HISTORY_STAGES", clients.div_ceil(4)),
        operations: number("HISTORY_OPERATIONS", 10_000),
        seed: setting("HISTORY_SEED").unwrap_or_else(|| fastrand::u64(..)),
        faults,
        mutation: None,
    }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_see_each_stage_changed_by_one_write_at_a_time() {
    for setup in setups() {
        let started = Instant::now();
        let (history, violations) = run(setup).await;
        let run_time = started.elapsed();
        let violations = all_violations(&history, violations);
        print(&format!(
            "seed {}: {} in {run_time:.1?}, checked in {:.1?}",
            setup.seed,
            summary(&history.calls),
            started.elapsed() - run_time,
        ));
        assert!(violations.is_empty(), "seed {}: {violations:#?}", setup.seed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_checker_finds_small_histories_linearizable() {
    for seed in 11..=14 {
        let faults = Faults { dropped: 10, lost: 2 };
        let (history, _) =
            run(Setup { clients: 4, operations: 120, faults, ..Setup::small(seed) }).await;
        assert!(published::is_linearizable(&history), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mistake_in_the_conditions_of_a_write_is_reported() {
    let mut unreported = Vec::new();
    for mistake in &MISTAKES {
        let mut reported = BTreeSet::new();
        for seed in 1..=RUNS_MAX {
            let setup = Setup {
                operations: 100,
                faults: mistake.faults,
                mutation: Some(mistake.mutation),
                ..Setup::small(seed)
            };
            let (history, violations) = run(setup).await;
            let violations = all_violations(&history, violations);
            reported.extend(violations.iter().map(|violation| violation.rule));
            if mistake.breaks.iter().any(|rule| reported.contains(rule)) {
                break;
            }
        }
        print(&format!("{}: {reported:?}", mistake.description));
        if !mistake.breaks.iter().any(|rule| reported.contains(rule)) {
            unreported.push(mistake.description);
        }
    }
    assert!(unreported.is_empty(), "not reported: {unreported:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_checkers_report_an_impossible_history() {
    let mut missing: Vec<_> = bad_histories().collect();
    // Not every history has a call that is suitable for each falsification.
    for seed in 21..=20 + RUNS_MAX {
        let (genuine, _) = run(Setup { clients: 3, operations: 120, ..Setup::small(seed) }).await;
        assert!(check::check(&genuine).is_empty());
        missing.retain(|(description, rule, falsify)| {
            let mut calls = genuine.calls.clone();
            if falsify(&mut calls).is_none() {
                return true;
            }
            let (model, first) = (genuine.model.clone(), genuine.first.clone());
            let impossible = History { calls, model, first };
            let rules: Vec<_> = check::check(&impossible).iter().map(|found| found.rule).collect();
            assert!(rules.contains(rule), "{description}: {rules:?}");
            assert!(!published::is_linearizable(&impossible), "{description}");
            false
        });
        if missing.is_empty() {
            return;
        }
    }
    let missing: Vec<_> = missing.iter().map(|(description, ..)| description).collect();
    panic!("no history was suitable for these: {missing:#?}");
}
