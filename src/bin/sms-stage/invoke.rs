//! `sms-stage invoke`: answers one event from a file as the function would.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use authenticator_sms_stage::{api::App, http::event::Event};
use clap::Args;
use lambda_http::{Context, LambdaEvent};
use uuid::Uuid;

use crate::{
    data_args::{DataArgs, Started},
    files,
    output::{Failure, stderr, stdout},
    settings::SettingsArgs,
    terminal_log::{self, LogArgs},
};

/// Time for an answer: as long as API Gateway waits. The function has less, but a debug build of
/// the engine takes seconds for a large stage.
const TIMEOUT: Duration = Duration::from_secs(29);

/// Answer one Lambda event from a file.
///
/// The event is handled by the function's own code. Standard output is exactly what the function
/// would return, as JSON; the log goes to standard error. An event that is not a request (from a
/// schedule, or a plugin that keeps the function warm) is answered with null. Each run starts with
/// fresh data in memory: that of --load, or else a demo stage.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage invoke --load tests/conformance/fixture.json events/http-api-patch-200.json
  sms-stage invoke --load tests/conformance/fixture.json - < event.json")]
pub struct InvokeArgs {
    /// First load the documents of this file. May be repeated.
    #[arg(long, value_name = "FILE")]
    load: Vec<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// The event, as JSON: an HTTP API (or function URL), REST API or load balancer event. `-`
    /// reads standard input.
    #[arg(value_name = "EVENT.json")]
    event: PathBuf,
}

/// Answers the event.
pub async fn run(args: InvokeArgs) -> Result<(), Failure> {
    let event = read(&args.event)?;
    terminal_log::start(&args.log);
    let data = DataArgs { data: None, load: args.load };
    let Started { database: _, table, demo } = data.start().await?;
    if let Some(demo) = demo {
        stderr(&format!("demo token: {}", demo.key));
    }
    let app = App::new(table, args.settings.settings(Duration::ZERO));
    let Ok(answer) = app.handle(LambdaEvent::new(event, context())).await;
    let answer = serde_json::to_string_pretty(&answer)
        .map_err(|error| Failure::new("cannot write the answer as JSON", error))?;
    stdout(&answer)
}

fn read(path: &Path) -> Result<Event, Failure> {
    let failure = |problem: &dyn std::fmt::Display| {
        Failure::new(format!("cannot read the event {}", path.display()), problem)
    };
    let text = files::read_text(path).map_err(|problem| failure(&problem))?;
    // The syntax is checked first: the other errors do not have a line and column.
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map_err(|error| failure(&format!("not valid JSON: {error}")))?;
    serde_json::from_str(&text).map_err(|error| failure(&error))
}

/// Returns the context of an invocation on this machine.
pub fn context() -> Context {
    let deadline = SystemTime::now() + TIMEOUT;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut context = Context::default();
    context.request_id = Uuid::new_v4().to_string();
    context.deadline = u64::try_from(deadline).unwrap_or_default();
    context
}
