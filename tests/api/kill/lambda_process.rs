//! A process of the function as Lambda runs it: started, invoked, and killed.
//!
//! The process gets its events from the runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>). Each process has its own
//! API, so that no event is sent to a process that was killed.

use std::{
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Method, Request as HttpRequest, Response, StatusCode},
};
use fastrand::Rng;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc},
    task::JoinHandle,
};

use super::process::Process;
use crate::harness::{
    Request,
    history::{call::Reply, model::MODELLED_VERSION, recorder::Function},
};

/// Maximum duration of an invocation.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Minimum for the time within which a process is killed. Otherwise that is twice the mean duration
/// of its invocations, so a kill at a random moment in it is likely to interrupt one.
const KILL_WITHIN_MIN: Duration = Duration::from_millis(30);

/// Where the functions' table is.
#[derive(Clone, Debug)]
pub struct Table {
    /// The engine's URL.
    pub endpoint: String,
    /// The table's name.
    pub name: String,
}

/// One process of the function, started again whenever it is killed.
pub struct LambdaProcess {
    table: Table,
    /// The number of kills that remain, for all processes together.
    kills: Arc<AtomicUsize>,
    random: Mutex<Rng>,
    running: AsyncMutex<Running>,
    /// The number of invocations that were answered, and how long they took together.
    answered: Mutex<(u32, Duration)>,
}

/// A running process, and its runtime API.
struct Running {
    process: Process,
    api: JoinHandle<()>,
    events: mpsc::UnboundedSender<Value>,
    /// A message for each event that the process has received.
    taken: mpsc::UnboundedReceiver<()>,
    /// The answers; None for an invocation that failed.
    answers: mpsc::UnboundedReceiver<Option<Value>>,
}

impl LambdaProcess {
    /// Starts a process that waits for events.
    pub async fn start(table: &Table, kills: &Arc<AtomicUsize>, seed: u64) -> Self {
        Self {
            table: table.clone(),
            kills: Arc::clone(kills),
            random: Mutex::new(Rng::with_seed(seed)),
            running: AsyncMutex::new(Running::start(table).await),
            answered: Mutex::default(),
        }
    }

    /// When to kill the process during this invocation, if at all.
    fn kill_time(&self) -> Option<Duration> {
        let mut random = self.random.lock().unwrap();
        let (count, total) = *self.answered.lock().unwrap();
        let within = KILL_WITHIN_MIN.max(2 * total / count.max(1));
        (self.kills.load(Ordering::Relaxed) > 0 && random.u8(..3) == 0)
            .then(|| within.mul_f64(random.f64()))
    }

    /// Records how long an invocation took.
    fn note(&self, duration: Duration) {
        let mut answered = self.answered.lock().unwrap();
        answered.0 += 1;
        answered.1 += duration;
    }
}

impl Function for LambdaProcess {
    async fn ask(&self, request: &Request) -> Option<Reply> {
        let mut running = self.running.lock().await;
        running.events.send(request.event()).unwrap();
        let taken = tokio::time::timeout(TIMEOUT, running.taken.recv()).await;
        taken.expect("the function did not start").unwrap();
        let start = Instant::now();
        let kill_time = self.kill_time();
        let kill = tokio::time::sleep(kill_time.unwrap_or(2 * TIMEOUT));
        let answer = tokio::select! {
            answer = running.answers.recv() => {
                self.note(start.elapsed());
                answer.flatten()
            }
            () = kill => {
                assert!(kill_time.is_some(), "the function did not answer");
                running.kill().await;
                *running = Running::start(&self.table).await;
                // Two processes may be killed at once when one kill remains.
                let one_less = |kills: usize| Some(kills.saturating_sub(1));
                let _ = self.kills.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
                None
            }
        };
        answer.map(|answer| read(&answer))
    }
}

/// Parses the value that the function returns to an HTTP API.
fn read(answer: &Value) -> Reply {
    let body = answer["body"].as_str().unwrap_or("null");
    Reply {
        status: answer["statusCode"].as_u64().unwrap().try_into().unwrap(),
        tag: answer["headers"]["etag"].as_str().map(str::to_owned),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

impl Running {
    async fn start(table: &Table) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, pending_events) = mpsc::unbounded_channel();
        let (take, taken) = mpsc::unbounded_channel();
        let (give, answers) = mpsc::unbounded_channel();
        let api = Arc::new(Api { events: AsyncMutex::new(pending_events), take, give });
        let router = Router::new().fallback(serve).with_state(api);
        let api = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let process = Process::start_silent(function(table, address));
        Self { process, api, events, taken, answers }
    }

    async fn kill(&mut self) {
        self.process.kill().await;
        self.api.abort();
    }
}

/// The function's binary, with the environment that Lambda sets.
fn function(table: &Table, api: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command.env_clear().envs([
        ("AWS_LAMBDA_RUNTIME_API", &*api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "stage"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &table.endpoint),
        ("TABLE_NAME", &table.name),
        ("AUTHENTIK_VERSION", MODELLED_VERSION),
        ("LOG_LEVEL", "error"),
    ]);
    command
}

/// The runtime API of one process, which asks for one event at a time.
struct Api {
    events: AsyncMutex<mpsc::UnboundedReceiver<Value>>,
    take: mpsc::UnboundedSender<()>,
    give: mpsc::UnboundedSender<Option<Value>>,
}

async fn serve(State(api): State<Arc<Api>>, request: HttpRequest<Body>) -> Response<Body> {
    if request.method() == Method::GET {
        let event = api.events.lock().await.recv().await;
        // The receiver is gone if the test has ended.
        let _ = api.take.send(());
        return event.map_or_else(|| Response::new(Body::empty()), |event| invocation(&event));
    }
    let is_answer = request.uri().path().ends_with("/response");
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let answer = is_answer.then(|| serde_json::from_slice(&body).unwrap());
    // The receiver is gone if this process was just killed.
    let _ = api.give.send(answer);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn invocation(event: &Value) -> Response<Body> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Response::builder()
        .header("Lambda-Runtime-Aws-Request-Id", uuid::Uuid::new_v4().to_string())
        .header("Lambda-Runtime-Deadline-Ms", (now + TIMEOUT).as_millis().to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:1:function:stage")
        .body(Body::from(event.to_string()))
        .unwrap()
}
