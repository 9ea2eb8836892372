//! The part of Lambda's Runtime API that one function needs:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Response, StatusCode},
    routing::{get, post},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{Failure, failure};

/// The time until the deadline of a call, ample even for a function under callgrind.
const TIME_TO_DEADLINE: Duration = Duration::from_secs(60);

/// A function's call of the Runtime API.
enum Call {
    /// It asks for the next event.
    Next { at: Instant, event: oneshot::Sender<String> },
    /// It answers an event.
    Answer(Answer),
    /// It reports an error.
    Failure(String),
}

/// A function's answer.
pub struct Answer {
    /// The time at which its last byte was read.
    pub at: Instant,
    /// Its body.
    pub body: String,
}

/// The Runtime API of one function.
pub struct RuntimeApi {
    /// The address on which it listens.
    pub address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
    /// Sends the event that the function is waiting for.
    waiting: Option<oneshot::Sender<String>>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::unbounded_channel();
        let invocation = "/2018-06-01/runtime/invocation";
        let router = Router::new()
            .route(&format!("{invocation}/next"), get(next))
            .route(&format!("{invocation}/{{id}}/response"), post(answer))
            .fallback(fail)
            .with_state(sender);
        let server = tokio::spawn(async move {
            // It runs until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, calls, waiting: None, server })
    }

    /// Waits until the function asks for an event, and returns the time at which it did.
    pub async fn polled(&mut self) -> Result<Instant, Failure> {
        match self.calls.recv().await {
            Some(Call::Next { at, event }) => {
                self.waiting = Some(event);
                Ok(at)
            }
            Some(Call::Answer(answer)) => failure(format!("answered twice: {}", answer.body)),
            Some(Call::Failure(reason)) => failure(format!("failed: {reason}")),
            None => failure("the Runtime API has ended"),
        }
    }

    /// Sends the function an event, and waits for its answer and its request for the next event.
    pub async fn invoke(&mut self, event: &str) -> Result<Answer, Failure> {
        let Some(waiting) = self.waiting.take() else {
            return failure("the function did not ask for an event");
        };
        if waiting.send(event.to_owned()).is_err() {
            return failure("the function has closed its connection");
        }
        let answer = match self.calls.recv().await {
            Some(Call::Answer(answer)) => answer,
            Some(Call::Failure(reason)) => return failure(format!("failed: {reason}")),
            Some(Call::Next { .. }) | None => return failure("did not answer"),
        };
        self.polled().await?;
        Ok(answer)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Calls = State<mpsc::UnboundedSender<Call>>;

async fn next(State(calls): Calls) -> Result<Response<String>, StatusCode> {
    let at = Instant::now();
    let (sender, event) = oneshot::channel();
    let gone = StatusCode::GONE;
    calls.send(Call::Next { at, event: sender }).map_err(|_| gone)?;
    let event = event.await.map_err(|_| gone)?;
    let deadline = (SystemTime::now() + TIME_TO_DEADLINE).duration_since(UNIX_EPOCH);
    let deadline = deadline.unwrap_or_default().as_millis();
    let function = "arn:aws:lambda:us-east-1:123456789012:function:measured";
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", "8f4d2f8e-5a43-4e5c-9e0d-2f0f5a3b1c77")
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header("lambda-runtime-invoked-function-arn", function)
        .header("lambda-runtime-trace-id", "Root=1-6923f1a2-0c1d2e3f4a5b6c7d8e9f0a1b")
        .body(event)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn answer(State(calls): Calls, body: Bytes) -> StatusCode {
    let answer = Answer { at: Instant::now(), body: String::from_utf8_lossy(&body).into_owned() };
    // The receiver is gone if the measurement has ended.
    let _ = calls.send(Call::Answer(answer));
    StatusCode::ACCEPTED
}

/// Every other path reports an error.
async fn fail(State(calls): Calls, body: Bytes) -> StatusCode {
    let _ = calls.send(Call::Failure(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}
