//! How often a write is tried that another writer or the table itself keeps from landing, and how
//! long it waits in between.

use std::time::Duration;

/// Tries of a write whose item keeps changing under it, or is in another writer's transactions. With
/// full jitter and a cap of [`BACKOFF_MAX`], the last try comes within four seconds.
pub(super) const TRIES_MAX: u32 = 16;
/// Wait after the first try that failed, at most; doubled after that.
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// Longest wait between two tries.
const BACKOFF_MAX: Duration = Duration::from_millis(320);

/// Waits before the next try. Full jitter: anything from nothing to twice as much as before, so that
/// writers who met once do not meet again
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
pub(super) async fn pause(attempt: u32) {
    let doubled = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    tokio::time::sleep(doubled.min(BACKOFF_MAX).mul_f64(fastrand::f64())).await;
}
