//! Ended at any moment as by `kill -9`, the function leaves nothing half, and nothing that it
//! acknowledged is lost: as a Lambda process whose table is elsewhere, and as `sms-stage serve`
//! with the table in a file.
//!
//! Each is ended a few times; `KILLS=50 cargo test --test api kill:: -- --nocapture` says how
//! often instead.

mod http;
mod process;
mod sandbox;
mod server;
mod splitter;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::Client as Dynamo;

use self::{
    process::Process,
    sandbox::{Sandbox, Table},
    server::Server,
};
use crate::{
    command::{Folder, sms_stage},
    harness::{Snapshot, engine::Site},
    history::{
        check::{self, History, Rule, Violation},
        client::Client,
        record::{Call, Outcome, Recorder},
        say, setting, summary, survey, table,
        world::World,
    },
};

/// How many stages the clients fight over.
const STAGES: usize = 3;
/// How many clients there are, or sandboxes with one client each.
const CLIENTS: usize = 4;
/// What a client still asks when nobody is ended any more.
const AFTERWARDS: usize = 5;
/// How long a start and the calls until the next end may take.
const TIME_FOR_ONE: Duration = Duration::from_secs(10);

/// Rounds in one of which a write must be caught in its middle; nearly each does.
const ROUNDS_MAX: u64 = 5;

fn kills(usual: usize) -> usize {
    setting("KILLS").map_or(usual, |kills| kills.try_into().unwrap())
}

/// Waits for what must be over in time.
async fn bounded<T>(kills: usize, done: impl Future<Output = T>) -> T {
    let bound = TIME_FOR_ONE * u32::try_from(kills + CLIENTS).unwrap();
    tokio::time::timeout(bound, done).await.expect("it takes too long")
}

/// The world in a file for `--load`.
fn load_file(folder: &Folder, world: &World) -> String {
    folder.write("world.json", world.documents().to_string())
}

/// `sms-stage dynamodb`, and where its table is.
async fn start_engine(arguments: &[&str]) -> (Process, Table) {
    let listen = ["dynamodb", "--listen", "127.0.0.1:0"];
    let mut engine = Process::start(sms_stage(&[&listen, arguments].concat()));
    let endpoint = format!("http://{}", engine.line("listening on http://").await);
    let name = engine.line("table: ").await;
    (engine, Table { endpoint, name })
}

/// Every item of the table.
async fn snapshot(table: &Table) -> Snapshot {
    let site = Site::embedded_at(&table.endpoint);
    let client: Dynamo = site.client(site.http());
    let scan = client.scan().table_name(&table.name).send().await.unwrap();
    assert!(scan.last_evaluated_key.is_none(), "it is one page");
    let items = scan.items.unwrap_or_default().into_iter();
    items.map(|item| (item["partition_key"].as_s().unwrap().clone(), item)).collect()
}

/// How many writes there are in the table, from its revisions.
fn writes(left: &Snapshot) -> usize {
    let stages = left.iter().filter(|(key, _)| key.starts_with("STAGE#"));
    let revision = |item: &str| item.parse::<usize>().unwrap() - 1;
    stages.map(|(_, stage)| revision(stage["revision"].as_n().unwrap())).sum()
}

/// Everything that is wrong with what was answered and what is left.
fn judge(what: &str, world: &World, recorder: &Recorder, left: &Snapshot) -> Vec<Violation> {
    let calls = recorder.finish();
    let is_acknowledged = |call: &&Call| call.asked.is_change() && call.shown().is_some();
    let silent = writes(left).saturating_sub(calls.iter().filter(is_acknowledged).count());
    say(&format!("{what}: {}; {silent} of those unknown are written", summary(&calls)));
    let lost = calls.iter().filter(|call| matches!(call.outcome, Outcome::Unknown)).count();
    assert!(lost > 0, "no call was under way at any end");
    let history = History { model: world.model.clone(), calls, stages: world.stages.len() };
    let mut violations = check::check(&history);
    violations.extend(table::check(left));
    violations
}

/// Ends Lambda processes at random while each answers a client.
async fn end_functions(
    kills: usize,
    seed: u64,
    table: &Table,
    world: &Arc<World>,
    recorder: &Arc<Recorder>,
) {
    let ends = Arc::new(AtomicUsize::new(kills));
    let mut at_work = Vec::new();
    for number in 0..CLIENTS {
        let sandbox = Sandbox::open(table, &ends, seed * CLIENTS as u64 + number as u64).await;
        let mut client = Client::new(number, seed, world).signing();
        let (world, recorder, ends) = (world.clone(), recorder.clone(), ends.clone());
        at_work.push(tokio::spawn(async move {
            while ends.load(Ordering::Relaxed) > 0 {
                client.step(&sandbox, &world, &recorder).await;
            }
            for _ in 0..AFTERWARDS {
                client.step(&sandbox, &world, &recorder).await;
            }
        }));
    }
    for client in at_work {
        client.await.unwrap();
    }
}

async fn run_functions(kills: usize, seed: u64, is_split: bool) -> Vec<Violation> {
    let started = Instant::now();
    let (folder, world) = (Folder::new(), Arc::new(World::of(STAGES)));
    let (_engine, table) = start_engine(&["--load", &load_file(&folder, &world)]).await;
    let recorder = Arc::new(Recorder::default());
    let immortal = Sandbox::open(&table, &Arc::default(), 0).await;
    survey(&immortal, &world, &recorder).await;
    let seen = if is_split { splitter::split(&table).await } else { table.clone() };
    end_functions(kills, seed, &seen, &world, &recorder).await;
    survey(&immortal, &world, &recorder).await;
    let what = format!("{kills} Lambda processes ended in {:.1?}", started.elapsed());
    judge(&what, &world, &recorder, &snapshot(&table).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lambda_processes_that_are_killed_leave_nothing_half() {
    let kills = kills(6);
    let violations = bounded(kills, run_functions(kills, 1, false)).await;
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lambda_processes_whose_transactions_are_several_writes_are_found_out() {
    let mut reported = BTreeSet::new();
    // Other choices and other moments in every round: the same ones would miss the same middle again.
    for seed in 1..=ROUNDS_MAX {
        let violations = bounded(6, run_functions(6, seed, true)).await;
        reported.extend(violations.iter().map(|violation| violation.rule));
        if reported.contains(&Rule::Table) {
            return;
        }
    }
    panic!("only {reported:?}");
}

/// Ends the server at random while clients ask it.
async fn end_server(
    kills: usize,
    server: &Arc<Server>,
    world: &Arc<World>,
    recorder: &Arc<Recorder>,
) {
    let mut process = server.start().await;
    survey(&**server, world, recorder).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let at_work: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = Client::new(number, 2, world).signing();
            let (server, world, recorder) = (server.clone(), world.clone(), recorder.clone());
            let is_over = is_over.clone();
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    client.step(&*server, &world, &recorder).await;
                }
            })
        })
        .collect();
    for _ in 0..kills {
        server.answers(fastrand::usize(1..30)).await;
        process.kill().await;
        process = server.start().await;
    }
    server.answers(AFTERWARDS * CLIENTS).await;
    is_over.store(true, Ordering::Relaxed);
    for client in at_work {
        client.await.unwrap();
    }
    survey(&**server, world, recorder).await;
    process.kill().await;
}

/// `--data` makes the difference between what lasts and what does not.
async fn run_server(kills: usize, is_kept: bool) -> Vec<Violation> {
    let started = Instant::now();
    let (folder, world) = (Folder::new(), Arc::new(World::of(STAGES)));
    let (data, load) = (folder.path("data"), load_file(&folder, &world));
    let recorder = Arc::new(Recorder::default());
    // What is there already is left as it is.
    let arguments: &[&str] =
        if is_kept { &["--data", &data, "--load", &load] } else { &["--load", &load] };
    let server = Arc::new(Server::new(arguments));
    end_server(kills, &server, &world, &recorder).await;
    let what = format!("{kills} servers ended in {:.1?}", started.elapsed());
    let (_engine, table) = start_engine(&["--data", &data, "--load", &load]).await;
    judge(&what, &world, &recorder, &snapshot(&table).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_finds_all_that_it_acknowledged_in_its_file() {
    let kills = kills(6);
    let violations = bounded(kills, run_server(kills, true)).await;
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_has_no_file_is_found_to_have_lost_writes() {
    let violations = bounded(3, run_server(3, false)).await;
    let rules: BTreeSet<_> = violations.iter().map(|violation| violation.rule).collect();
    assert!(rules.contains(&Rule::Document) || rules.contains(&Rule::Once), "{violations:#?}");
}
