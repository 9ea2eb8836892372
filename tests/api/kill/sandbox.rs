//! Lambda's part: a process of the function, what it is invoked with, and its end.
//!
//! The process asks for its events at the runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>). Each has an API of its own,
//! which goes with it, so that no event is handed to one that is gone.

use std::{
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
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
use crate::{
    harness::Request,
    history::record::{Function, Reply},
};

/// How long an invocation may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An invocation is over within this, mostly, from when the process has its event; so an end at
/// random within it is somewhere in the middle.
const LIFE_MAX: Duration = Duration::from_millis(30);

/// Where the functions' table is.
#[derive(Clone, Debug)]
pub struct Table {
    /// The engine's URL.
    pub endpoint: String,
    /// The table's name.
    pub name: String,
}

/// A sandbox with one process of the function in it at a time.
pub struct Sandbox {
    table: Table,
    /// How many ends there are still to come, in all sandboxes.
    ends: Arc<AtomicUsize>,
    random: Mutex<Rng>,
    life: AsyncMutex<Life>,
}

/// One process, and its runtime API.
struct Life {
    process: Process,
    api: JoinHandle<()>,
    events: mpsc::UnboundedSender<Value>,
    /// One for each event that the process has taken.
    taken: mpsc::UnboundedReceiver<()>,
    /// None for an invocation that failed.
    answers: mpsc::UnboundedReceiver<Option<Value>>,
}

impl Sandbox {
    /// A sandbox with a process that waits for events.
    pub async fn open(table: &Table, ends: &Arc<AtomicUsize>, seed: u64) -> Self {
        Self {
            table: table.clone(),
            ends: Arc::clone(ends),
            random: Mutex::new(Rng::with_seed(seed)),
            life: AsyncMutex::new(Life::begin(table).await),
        }
    }

    /// When this invocation's process is to end, if it is.
    fn doom(&self) -> Option<Duration> {
        let mut random = self.random.lock().unwrap();
        (self.ends.load(Ordering::Relaxed) > 0 && random.u8(..3) == 0)
            .then(|| LIFE_MAX.mul_f64(random.f64()))
    }
}

impl Function for Sandbox {
    async fn ask(&self, request: &Request) -> Option<Reply> {
        let mut life = self.life.lock().await;
        life.events.send(request.event()).unwrap();
        let taken = tokio::time::timeout(TIMEOUT, life.taken.recv()).await;
        taken.expect("the function starts").unwrap();
        let doom = self.doom();
        let end = tokio::time::sleep(doom.unwrap_or(2 * TIMEOUT));
        let answer = tokio::select! {
            answer = life.answers.recv() => answer.flatten(),
            () = end => {
                assert!(doom.is_some(), "the function did not answer");
                life.end().await;
                *life = Life::begin(&self.table).await;
                // Two sandboxes may take the last one at once.
                let one_less = |ends: usize| Some(ends.saturating_sub(1));
                let _ = self.ends.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
                None
            }
        };
        answer.map(|answer| read(&answer))
    }
}

/// Reads what the function returns to an HTTP API.
fn read(answer: &Value) -> Reply {
    let body = answer["body"].as_str().unwrap_or("null");
    Reply {
        status: answer["statusCode"].as_u64().unwrap().try_into().unwrap(),
        tag: answer["headers"]["etag"].as_str().map(str::to_owned),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

impl Life {
    async fn begin(table: &Table) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, to_come) = mpsc::unbounded_channel();
        let (take, taken) = mpsc::unbounded_channel();
        let (give, answers) = mpsc::unbounded_channel();
        let api = Arc::new(Api { events: AsyncMutex::new(to_come), take, give });
        let router = Router::new().fallback(serve).with_state(api);
        let api = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let process = Process::start_unheard(function(table, address));
        Self { process, api, events, taken, answers }
    }

    async fn end(&mut self) {
        self.process.kill().await;
        self.api.abort();
    }
}

/// The function's binary, in the surroundings that Lambda gives it.
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
        ("LOG_LEVEL", "error"),
    ]);
    command
}

/// The runtime API of one process. It is asked for one event at a time.
struct Api {
    events: AsyncMutex<mpsc::UnboundedReceiver<Value>>,
    take: mpsc::UnboundedSender<()>,
    give: mpsc::UnboundedSender<Option<Value>>,
}

async fn serve(State(api): State<Arc<Api>>, request: HttpRequest<Body>) -> Response<Body> {
    if request.method() == Method::GET {
        let event = api.events.lock().await.recv().await;
        // Nobody waits for this any more if the sandbox is gone.
        let _ = api.take.send(());
        return event.map_or_else(|| Response::new(Body::empty()), |event| invocation(&event));
    }
    let is_answer = request.uri().path().ends_with("/response");
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let answer = is_answer.then(|| serde_json::from_slice(&body).unwrap());
    // Nobody waits for it any more if the sandbox has just ended this process.
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
