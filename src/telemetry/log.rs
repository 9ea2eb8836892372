//! Which events are logged, and where.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Starts the log, which writes one JSON line per event.
pub fn start<W>(own: LevelFilter, to: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        // The runtime's spans would repeat what each line already says.
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(to);
    tracing_subscriber::registry().with(lines.with_filter(targets(own))).init();
}

/// Which events are written. `own` is the level for this program only: at TRACE, lambda_runtime
/// prints whole events and the SDK whole bodies, so everything else is capped at INFO.
#[must_use]
pub fn targets(own: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO.min(own))
        // The embedded engine warns about every refusal, and conditions work by refusals.
        .with_target("dynoxide", LevelFilter::ERROR.min(own))
        // It would create a span for every request, which no line shows.
        .with_target("lambda_runtime", LevelFilter::WARN.min(own))
        .with_target(env!("CARGO_CRATE_NAME"), own)
}
