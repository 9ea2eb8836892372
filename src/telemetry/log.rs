//! Where the log's lines go, and which lines there are.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Writes one JSON line per event from now on.
pub fn start<W>(own: LevelFilter, to: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        // The runtime's spans say again, on every line, what the line says.
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(to);
    tracing_subscriber::registry().with(lines.with_filter(targets(own))).init();
}

/// Which events are written. `own` holds for this program only: at TRACE, lambda_runtime prints whole
/// events and the SDK whole bodies, so everything else is held at INFO.
#[must_use]
pub fn targets(own: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO.min(own))
        // The embedded engine warns of every refusal, and refusals are how conditions work.
        .with_target("dynoxide", LevelFilter::ERROR.min(own))
        // It would make a span for every request, which no line shows.
        .with_target("lambda_runtime", LevelFilter::WARN.min(own))
        .with_target(env!("CARGO_CRATE_NAME"), own)
}
