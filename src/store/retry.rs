//! How often a write is tried that another writer or the table itself keeps from landing, and how
//! long it waits in between.

use std::time::Duration;

use super::{error::StoreError, session::Session, transaction::Outcome};

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

/// The tries of one transaction.
#[derive(Default)]
pub(super) struct Tries {
    made: u32,
    /// Why the table refused the last of them, if it had no capacity left.
    throttled: Option<String>,
}

impl Tries {
    /// The number of the next try, after a pause; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<u32> {
        if self.made > 0 {
            pause(self.made).await;
        }
        self.made += 1;
        (self.made <= TRIES_MAX).then_some(self.made)
    }

    /// Notes what kept a try from landing.
    pub(super) fn failed(&mut self, outcome: Outcome) {
        self.throttled = match outcome {
            Outcome::Throttled(code) => Some(code),
            _ => None,
        };
    }

    /// What to say after the last try: `conflict`, if other writers came first.
    pub(super) fn end<T>(self, session: &Session<'_>, conflict: T) -> Result<T, StoreError> {
        match self.throttled {
            Some(code) => Err(StoreError::retryable("TransactWriteItems", code)),
            None => session.unless_lost(conflict),
        }
    }
}
