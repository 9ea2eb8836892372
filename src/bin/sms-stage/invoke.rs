//! `sms-stage invoke`: one event from a file, answered as the function would answer it.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use authenticator_sms_stage::{handler::App, log, request::Event, store::Secrets};
use lambda_http::{Context, LambdaEvent};
use tracing::level_filters::LevelFilter;
use uuid::Uuid;

use crate::{
    Failure, Output,
    engine::{self, Engine},
};

/// How long an answer may take here: as long as `template.yaml` gives the function.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Answers the event in this file, or on standard input for `-`.
pub async fn invoke(load: &[PathBuf], event: &Path, secrets: Secrets) -> Result<(), Failure> {
    let event = parse(&read(event)?, event)?;
    log::start(LevelFilter::INFO, std::io::stderr);
    let engine = Engine::start(engine::bind_loopback().await?, None, secrets).await?;
    if let Some(demo) = engine.load(load).await? {
        Output::Aside.say(&format!("demo token: {}", demo.key))?;
    }
    let app = App::new(engine.table, secrets, Duration::ZERO);
    let Ok(answer) = app.handle(LambdaEvent::new(event, context())).await;
    let answer = serde_json::to_string_pretty(&answer)
        .map_err(|error| Failure::new("cannot write the answer as JSON", error))?;
    Output::Main.say(&answer)
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| Failure::new(format!("cannot read the event {}", path.display()), error))
}

fn parse(text: &str, path: &Path) -> Result<Event, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::new(format!("{} is no HTTP event", path.display()), error))
}

/// The context of an invocation on this machine.
pub fn context() -> Context {
    let deadline = SystemTime::now() + TIMEOUT;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut context = Context::default();
    context.request_id = Uuid::new_v4().to_string();
    context.deadline = u64::try_from(deadline).unwrap_or_default();
    context
}
