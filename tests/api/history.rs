//! Nothing lost, nothing twice, nothing half: what many clients asked and were answered, held
//! against a model of the stage.
//!
//! The clients' choices follow from a seed; what they meet does not. A large run:
//!
//! ```sh
//! HISTORY_CLIENTS=64 HISTORY_OPERATIONS=100000 HISTORY_SEED=7 \
//!     cargo test --release --test api history::many -- --nocapture
//! ```

pub mod check;
pub mod client;
mod forgeries;
pub mod model;
mod mutations;
pub mod names;
mod published;
pub mod record;
pub mod table;
mod wire;
pub mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use authenticator_sms_stage::store::{Secrets, documents::Documents};
use tokio::task::JoinHandle;

use self::{
    check::{History, Violation},
    client::Client,
    forgeries::FORGERIES,
    mutations::MISTAKES,
    record::{Asked, CALL, Call, Document, Function, Outcome, Recorder, Reply},
    wire::{Faults, Mutation, Wire},
    world::World,
};
use crate::harness::{House, Plan, Request, engine::Engine};

/// How often the table's items are looked at while the clients are at it.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// How large a run is, and what goes wrong in it.
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
    /// A run that a debug build finishes in a second or two.
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

/// The function in its house, at one end of the wire.
struct Guarded {
    house: House,
    wire: Arc<Wire>,
}

impl Function for Guarded {
    async fn ask(&self, request: &Request) -> Option<Reply> {
        let answer = self.house.send(request).await;
        self.wire.end(CALL.get());
        let tag = answer.header("etag").map(str::to_owned);
        Some(Reply { status: answer.status, tag, body: answer.body })
    }
}

/// Runs the clients. Returns what they were answered, and what was wrong with the table at any
/// time.
async fn run(setup: Setup) -> (History, Vec<Violation>) {
    let world = Arc::new(World::of(setup.stages));
    let recorder = Arc::new(Recorder::default());
    let house = furnished(&world).await;
    let wire = Wire::lay(&house, &recorder, setup.seed, setup.faults, setup.mutation);
    let function = Arc::new(Guarded { house, wire });
    survey(&*function, &world, &recorder).await;
    let at_work = let_loose(setup, &function, &world, &recorder);
    let mut violations = watch(&at_work, &function.house, &recorder, setup.operations).await;
    for client in at_work {
        client.await.unwrap();
    }
    function.house.tap.leave_alone();
    survey(&*function, &world, &recorder).await;
    violations.extend(table::check(&function.house.snapshot().await));
    let (model, calls) = (world.model.clone(), recorder.finish());
    (History { model, calls, stages: setup.stages }, violations)
}

/// A house with the world's stages in it. It remembers tokens, which are not what this is about.
async fn furnished(world: &World) -> House {
    let token_memory = Duration::from_secs(3600);
    let plan = Plan { secrets: Secrets::Echo, token_memory, is_furnished: false };
    let house = House::build(plan).await;
    let documents = Documents::parse(&world.documents().to_string()).unwrap();
    documents.load(&house.table).await.unwrap();
    house
}

fn let_loose(
    setup: Setup,
    function: &Arc<Guarded>,
    world: &Arc<World>,
    recorder: &Arc<Recorder>,
) -> Vec<JoinHandle<()>> {
    let clients = (0..setup.clients).map(|number| {
        let mut client = Client::new(number, setup.seed, world);
        let (function, world, recorder) = (function.clone(), world.clone(), recorder.clone());
        tokio::spawn(async move {
            for _ in 0..setup.operations / setup.clients {
                client.step(&*function, &world, &recorder).await;
            }
        })
    });
    clients.collect()
}

/// Looks at the table until the clients are done.
async fn watch(
    at_work: &[JoinHandle<()>],
    house: &House,
    recorder: &Recorder,
    operations: usize,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    let mut said = 0;
    while !at_work.iter().all(JoinHandle::is_finished) {
        looks.tick().await;
        // A scan is of one instant on the embedded engine only.
        if house.site.engine == Engine::Embedded {
            violations.extend(table::check(&house.snapshot().await));
        }
        // They are not looked at, and would fill the memory.
        house.tap.calls();
        let progress = 10 * recorder.count() / operations;
        if operations >= 10_000 && progress > said {
            said = progress;
            say(&format!("{} calls", recorder.count()));
        }
    }
    violations
}

/// Looks at every stage.
pub async fn survey(function: &impl Function, world: &World, recorder: &Recorder) {
    for stage in 0..world.stages.len() {
        let (body, if_match) = (Document::new(), Vec::new());
        let asked = Asked { stage, method: "GET", body, if_match };
        recorder.call(function, &world.stages, asked).await;
    }
}

/// Everything that is wrong with a run.
fn judge(history: &History, mut violations: Vec<Violation>) -> Vec<Violation> {
    violations.extend(check::check(history));
    violations
}

/// How often each thing was answered, for the person who reads of a run.
pub fn summary(calls: &[Call]) -> String {
    let mut counts = BTreeMap::new();
    for call in calls {
        let kind = match &call.outcome {
            Outcome::Shown(shown) => match (&call.landed, call.asked.is_change()) {
                (_, false) => "read",
                (None, true) => "written",
                (Some(landed), true) if landed.tag == shown.tag => "written, answer dropped",
                (Some(_), true) => "written, answer dropped, others came in between",
            },
            Outcome::Invalid(_) => "refused (400)",
            Outcome::PreconditionFailed => "refused (412)",
            Outcome::Outrun => "outrun (409)",
            Outcome::Unknown => "unknown (503)",
            Outcome::Unexpected(_) => "unexpected",
        };
        *counts.entry(kind).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} calls: {}", calls.len(), counts.join(", "))
}

/// Says something to the person who watches.
#[expect(clippy::print_stderr, reason = "a large run is watched")]
pub fn say(words: &str) {
    eprintln!("{words}");
}

/// A number from the environment.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|digits| digits.parse().unwrap())
}

/// The runs that were asked for: a large one by environment variables, or else a few small ones.
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
async fn many_clients_find_each_stage_changed_by_one_write_at_a_time() {
    for setup in setups() {
        let started = Instant::now();
        let (history, violations) = run(setup).await;
        let run_time = started.elapsed();
        let violations = judge(&history, violations);
        say(&format!(
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
async fn every_mistake_in_a_write_s_conditions_is_reported() {
    let mut unnoticed = Vec::new();
    for mistake in &MISTAKES {
        let mut reported = BTreeSet::new();
        for seed in 1..=12 {
            let setup = Setup {
                operations: 100,
                faults: mistake.faults,
                mutation: Some(mistake.mutation),
                ..Setup::small(seed)
            };
            let (history, violations) = run(setup).await;
            let violations = judge(&history, violations);
            reported.extend(violations.iter().map(|violation| violation.rule));
            if mistake.breaks.iter().any(|rule| reported.contains(rule)) {
                break;
            }
        }
        say(&format!("{}: {reported:?}", mistake.what));
        if !mistake.breaks.iter().any(|rule| reported.contains(rule)) {
            unnoticed.push(mistake.what);
        }
    }
    assert!(unnoticed.is_empty(), "nobody noticed: {unnoticed:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_history_is_seen_through_by_both_checkers() {
    let (genuine, _) = run(Setup { clients: 4, operations: 120, ..Setup::small(21) }).await;
    assert!(check::check(&genuine).is_empty());
    for (what, rule, forge) in FORGERIES {
        let mut calls = genuine.calls.clone();
        forge(&mut calls).unwrap();
        let forged = History { calls, model: genuine.model.clone(), ..genuine };
        let rules: Vec<_> = check::check(&forged).iter().map(|found| found.rule).collect();
        assert!(rules.contains(&rule), "{what}: {rules:?}");
        assert!(!published::is_linearizable(&forged), "{what}");
    }
}
