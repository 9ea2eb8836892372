//! The function leaves nothing half done and loses nothing that it acknowledged when it is killed
//! at any moment, as by `kill -9`: as a Lambda process whose table is elsewhere, and as `sms-stage
//! serve` with the table in a file.
//!
//! Each is killed a few times; `KILLS=50 cargo test --test api kill:: -- --nocapture` sets another
//! number. `HISTORY_SEED` sets the seed, which determines the clients' choices, and when they are
//! interrupted, but not the order of their calls.

mod http;
mod lambda_process;
mod process;
mod restarted_server;
mod split_transactions;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use fastrand::Rng;

use self::{
    lambda_process::{LambdaProcess, Table},
    process::Process,
    restarted_server::RestartedServer,
};
use crate::harness::{
    Snapshot,
    command::{Folder, sms_stage},
    engine::EngineEndpoint,
    history::{
        call::Outcome,
        check::{self, History, Rule, Violation, check_table},
        client::Client,
        fixture::Fixture,
        print, read_all,
        recorder::Recorder,
        setting, summary,
    },
    read_snapshot,
};

/// The number of stages that the clients change.
const STAGES: usize = 3;
/// The number of clients, or of processes with one client each.
const CLIENTS: usize = 4;
/// The number of calls that each client makes after the last kill.
const CALLS_AFTERWARDS: usize = 5;
/// The number of calls that each client makes if there are no kills.
const CALLS_WITHOUT_KILLS: usize = 50;
/// Maximum time for a start and the calls until the next kill.
const TIME_FOR_ONE: Duration = Duration::from_secs(10);

/// Maximum number of rounds until a process is killed in the middle of a write; one is usually
/// enough.
const ROUNDS_MAX: u64 = 20;
/// The number of kills in such a round.
const KILLS_IN_A_ROUND: usize = 20;

fn kills(usual: usize) -> usize {
    setting("KILLS").map_or(usual, |kills| kills.try_into().unwrap())
}

/// The seed of a run, which is printed so that the run can be repeated.
fn new_seed() -> u64 {
    let seed = setting("HISTORY_SEED").unwrap_or_else(|| fastrand::u64(..));
    print(&format!("seed {seed}"));
    seed
}

/// Waits for a run, which must end in time.
async fn bounded<T>(kills: usize, done: impl Future<Output = T>) -> T {
    let bound = TIME_FOR_ONE * u32::try_from(kills + CLIENTS).unwrap();
    tokio::time::timeout(bound, done).await.expect("the run did not end in time")
}

/// A file with the fixture, for `--load`.
fn load_file(folder: &Folder, fixture: &Fixture) -> String {
    folder.write("fixture.json", fixture.documents().to_string())
}

/// Starts `sms-stage dynamodb`.
async fn start_engine(arguments: &[&str]) -> (Process, Table) {
    let listen = ["dynamodb", "--listen", "127.0.0.1:0"];
    let mut engine = Process::start(sms_stage(&[&listen, arguments].concat()));
    let endpoint = format!("http://{}", engine.line("listening on http://").await);
    let name = engine.line("table: ").await;
    (engine, Table { endpoint, name })
}

/// Every item of the table.
async fn snapshot(table: &Table) -> Snapshot {
    let endpoint = EngineEndpoint::embedded_at(&table.endpoint);
    read_snapshot(&endpoint.client(endpoint.http()), &table.name).await
}

/// The violations in the answers and in the stored items.
fn check_run(
    what: &str,
    kills: usize,
    fixture: &Fixture,
    recorder: &Recorder,
    left: &Snapshot,
) -> Vec<Violation> {
    let calls = recorder.finish();
    print(&format!("{what}: {}", summary(&calls)));
    let unknown = calls.iter().filter(|call| matches!(call.outcome, Outcome::Unknown)).count();
    assert!(kills == 0 || unknown > 0, "no call was in progress at any kill");
    let mut violations = check::check(&History::new(fixture, calls));
    violations.extend(check_table(left));
    violations
}

/// Kills Lambda processes at random moments while each answers a client.
async fn kill_functions(
    kills: usize,
    seed: u64,
    table: &Table,
    fixture: &Fixture,
    recorder: &Arc<Recorder>,
) {
    let calls = if kills > 0 { CALLS_AFTERWARDS } else { CALLS_WITHOUT_KILLS };
    let kills = Arc::new(AtomicUsize::new(kills));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let own_seed = seed.wrapping_mul(CLIENTS as u64).wrapping_add(number as u64);
        let process = LambdaProcess::start(table, &kills, own_seed).await;
        let mut client = Client::new(number, seed, fixture).signing();
        let (recorder, kills) = (recorder.clone(), kills.clone());
        clients.push(tokio::spawn(async move {
            while kills.load(Ordering::Relaxed) > 0 {
                client.step(&process, &recorder).await;
            }
            for _ in 0..calls {
                client.step(&process, &recorder).await;
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
}

async fn run_functions(kills: usize, seed: u64, is_split: bool) -> Vec<Violation> {
    let started = Instant::now();
    let (folder, fixture) = (Folder::new(), Fixture::with_stages(STAGES));
    let (_engine, table) = start_engine(&["--load", &load_file(&folder, &fixture)]).await;
    let recorder = Arc::new(Recorder::of(&fixture.stages));
    let other = LambdaProcess::start(&table, &Arc::default(), 0).await;
    read_all(&other, &recorder).await;
    let seen =
        if is_split { split_transactions::split(&table, kills > 0).await } else { table.clone() };
    kill_functions(kills, seed, &seen, &fixture, &recorder).await;
    read_all(&other, &recorder).await;
    let what = format!("{kills} Lambda processes killed in {:.1?}", started.elapsed());
    check_run(&what, kills, &fixture, &recorder, &snapshot(&table).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_lambda_processes_leave_nothing_half_done() {
    let (kills, seed) = (kills(6), new_seed());
    let violations = bounded(kills, run_functions(kills, seed, false)).await;
    assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
}

/// What is reported for the same processes with kills is due to the kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn split_transactions_that_no_kill_interrupts_are_not_reported() {
    let seed = new_seed();
    let violations = bounded(6, run_functions(0, seed, true)).await;
    assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn split_transactions_that_are_left_half_done_are_reported() {
    let mut reported = BTreeSet::new();
    // Each round has a different seed: the same choices would miss the same moment again.
    for seed in 1..=ROUNDS_MAX {
        let violations =
            bounded(KILLS_IN_A_ROUND, run_functions(KILLS_IN_A_ROUND, seed, true)).await;
        reported.extend(violations.iter().map(|violation| violation.rule));
        if reported.contains(&Rule::Table) {
            return;
        }
    }
    panic!("only these rules were reported: {reported:?}");
}

/// Kills the server at random moments while clients call it.
async fn kill_server(
    kills: usize,
    seed: u64,
    server: &Arc<RestartedServer>,
    fixture: &Fixture,
    recorder: &Arc<Recorder>,
) {
    let mut random = Rng::with_seed(seed);
    let mut process = server.start().await;
    read_all(&**server, recorder).await;
    let is_finished = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = Client::new(number, seed, fixture).signing();
            let (server, recorder) = (server.clone(), recorder.clone());
            let is_finished = is_finished.clone();
            tokio::spawn(async move {
                while !is_finished.load(Ordering::Relaxed) {
                    client.step(&*server, &recorder).await;
                }
            })
        })
        .collect();
    for _ in 0..kills {
        server.wait_for_answers(random.usize(1..30)).await;
        process.kill().await;
        process = server.start().await;
    }
    server.wait_for_answers(CALLS_AFTERWARDS * CLIENTS).await;
    is_finished.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    read_all(&**server, recorder).await;
    process.kill().await;
}

/// Kills a server, and checks its answers and its table. With `--data`, it keeps what it
/// acknowledged; without, it does not.
async fn run_server(kills: usize, seed: u64, is_kept: bool) -> Vec<Violation> {
    let started = Instant::now();
    let (folder, fixture) = (Folder::new(), Fixture::with_stages(STAGES));
    let (data, load) = (folder.path("data"), load_file(&folder, &fixture));
    let recorder = Arc::new(Recorder::of(&fixture.stages));
    let (first, later): (&[&str], &[&str]) = if is_kept {
        // Loaded only once: a later load would bring back what was deleted.
        (&["--data", &data, "--load", &load], &["--data", &data])
    } else {
        (&["--load", &load], &["--load", &load])
    };
    let server = Arc::new(RestartedServer::new(first, later));
    kill_server(kills, seed, &server, &fixture, &recorder).await;
    let what = format!("{kills} servers killed in {:.1?}", started.elapsed());
    let (_engine, table) = start_engine(later).await;
    check_run(&what, kills, &fixture, &recorder, &snapshot(&table).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_keeps_everything_that_it_acknowledged() {
    let (kills, seed) = (kills(6), new_seed());
    let violations = bounded(kills, run_server(kills, seed, true)).await;
    assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_a_killed_server_without_a_file_loses_are_reported() {
    let seed = new_seed();
    let violations = bounded(6, run_server(6, seed, false)).await;
    let rules: BTreeSet<_> = violations.iter().map(|violation| violation.rule).collect();
    assert!(
        rules.contains(&Rule::Document) || rules.contains(&Rule::Once),
        "seed {seed}: {violations:#?}"
    );
}
