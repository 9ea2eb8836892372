//! The log on standard error: short lines on a terminal, otherwise JSON.

use std::{
    collections::BTreeMap,
    env,
    fmt::{Debug, Write as _},
    io::{self, IsTerminal},
    time::{SystemTime, UNIX_EPOCH},
};

use authenticator_sms_stage::telemetry::log;
use clap::{Args, ValueEnum};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};
use uuid::Uuid;

use crate::output::{printable, stderr};

/// The format of the log.
#[derive(Args, Clone, Copy, Debug)]
pub struct LogArgs {
    /// Format of the log on standard error. Default: text if standard error is a terminal,
    /// otherwise json.
    #[arg(long, value_name = "FORMAT", value_enum)]
    log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// A short line for each request; times are UTC.
    Text,
    /// The same JSON lines as the function's.
    Json,
}

/// Starts to write the log to standard error.
pub fn start(args: &LogArgs) {
    let is_terminal = io::stderr().is_terminal();
    let by_default = if is_terminal { LogFormat::Text } else { LogFormat::Json };
    match args.log_format.unwrap_or(by_default) {
        LogFormat::Json => log::start(LevelFilter::INFO, io::stderr),
        LogFormat::Text => {
            let has_colour = is_terminal && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
            let lines = Lines { has_colour }.with_filter(log::targets(LevelFilter::INFO));
            tracing_subscriber::registry().with(lines).init();
        }
    }
}

/// Writes a line for each event.
struct Lines {
    has_colour: bool,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let line = match fields.text("message") {
            "answered" => answered(&fields, self.has_colour),
            _ => other(*event.metadata().level(), &fields),
        };
        stderr(&format!("{} {line}", time_of_day(now)));
    }
}

/// An event's fields, as text that is safe for a terminal.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), printable(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), format!("{value:.1}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), printable(&format!("{value:?}")));
    }
}

/// `PATCH /stages/…d7a9/ 200 demo friendly_name 1→2 2.3 ms`
fn answered(fields: &Fields, has_colour: bool) -> String {
    let status = fields.text("status");
    let (on, off) = if has_colour { (colour(status), "\x1b[0m") } else { ("", "") };
    let mut line = String::new();
    // Writing to a String cannot fail.
    let mut add = |text: &str| {
        if !text.is_empty() {
            let _ = write!(line, "{text} ");
        }
    };
    add(fields.text("method"));
    add(&shortened(fields.text("path")));
    add(&format!("{on}{status}{off}"));
    add(fields.text("caller"));
    add(fields.text("fields"));
    add(&revisions(fields));
    let words = words(status, fields);
    if !words.is_empty() {
        add(&format!("{on}{words}{off}"));
    }
    line + fields.text("milliseconds") + " ms"
}

/// Shortens each UUID in a path to its last four digits, and leaves out the stage's type before it.
fn shortened(path: &str) -> String {
    let segments = path.split('/').map(|segment| match Uuid::try_parse(segment) {
        Ok(_) => format!("…{}", segment.get(segment.len() - 4..).unwrap_or_default()),
        Err(_) => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/").replace("authenticator/sms/…", "…")
}

/// Returns the stage's revision before and after, if it changed.
fn revisions(fields: &Fields) -> String {
    let (before, after) = (fields.text("revision_before"), fields.text("revision"));
    if before == after { String::new() } else { format!("{before}→{after}") }
}

/// Returns what a status other than success means.
fn words(status: &str, fields: &Fields) -> String {
    let code = fields.text("code");
    let words = match (status, code) {
        ("403", "not_authenticated") => "refused: no token was sent",
        ("403", "authentication_failed") => "refused: the token is unknown or has expired",
        ("403", _) => "refused: the token does not permit it",
        ("404", _) => "not found",
        ("405", _) => "refused: the path does not have this method",
        ("409", _) => "conflict: other requests are changing the stage; nothing was changed",
        ("412", _) => {
            "conflict: the stage does not satisfy If-Match or If-None-Match; nothing was changed"
        }
        ("413", _) => "refused: the body is too large",
        ("415", _) => "refused: the Content-Type of the body is not JSON",
        ("400", "invalid") => "refused: the answer says which values are wrong",
        ("400", "parse_error") => "refused: the body is not JSON",
        ("501", _) => "a path of authentik's API that is not served here",
        _ if status.starts_with('4') => return format!("refused: {code}"),
        _ => fields.text("cause"),
    };
    words.to_owned()
}

fn colour(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'2') => "\x1b[32m",
        Some(b'3') => "\x1b[36m",
        Some(b'4') => "\x1b[33m",
        _ => "\x1b[31m",
    }
}

/// Returns the line of any other event: its level unless it is INFO, its message, its fields.
fn other(level: Level, fields: &Fields) -> String {
    let mut line = String::new();
    if level != Level::INFO {
        let _ = write!(line, "{level} ");
    }
    line += fields.text("message");
    for (name, value) in fields.0.iter().filter(|(name, _)| **name != "message") {
        let _ = write!(line, " {name}={value}");
    }
    line
}

fn time_of_day(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}
