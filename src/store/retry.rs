//! How many times a write is tried if other writers or the table itself prevent it, and how long it
//! waits between tries.

use std::time::Duration;

use super::{
    error::StoreError,
    session::Session,
    transaction::{self, Outcome},
};

/// Maximum tries of a write whose item keeps changing, or is in another writer's transactions. With
/// full jitter and a cap of [`BACKOFF_MAX`], the last try starts within four seconds.
pub(super) const TRIES_MAX: u32 = 16;
/// Maximum wait after the first failed try; doubled after that.
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// Maximum wait between two tries.
const BACKOFF_MAX: Duration = Duration::from_millis(320);

/// Waits before the next try, with full jitter: a random time up to a maximum that doubles each
/// time, so that writers that collided once do not collide again
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
pub(super) async fn pause(attempt: u32) {
    let doubled = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    tokio::time::sleep(doubled.min(BACKOFF_MAX).mul_f64(fastrand::f64())).await;
}

/// The tries of one write.
#[derive(Default)]
pub(super) struct Tries {
    made: u32,
    /// Whether another writer or the table is to be given time before the next one.
    waits: bool,
    /// The reason's code, if the table had no capacity left for the last of them.
    throttled: Option<String>,
}

impl Tries {
    /// Waits, and returns the number of the next try; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<u32> {
        if self.made == TRIES_MAX {
            return None;
        }
        if std::mem::take(&mut self.waits) {
            pause(self.made).await;
        }
        self.made += 1;
        Some(self.made)
    }

    /// Records why a try failed, unless another one would fail as well.
    pub(super) fn failed(&mut self, outcome: Outcome) -> Result<(), StoreError> {
        self.waits = true;
        self.throttled = match outcome {
            Outcome::ForeignLock => return Err(transaction::foreign_lock()),
            Outcome::Throttled(code) => Some(code),
            _ => None,
        };
        Ok(())
    }

    /// The outcome after the last try: `conflict`, if other writers came first.
    pub(super) fn end<T>(self, session: &Session<'_>, conflict: T) -> Result<T, StoreError> {
        match self.throttled {
            Some(code) => Err(StoreError::retryable("TransactWriteItems", code)),
            None => session.unless_lost(conflict),
        }
    }
}
