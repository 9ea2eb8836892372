//! How long an invocation may take.

use std::time::{Duration, SystemTime};

use lambda_http::Context;

/// Time reserved before the invocation's deadline, so that the answer can still be sent.
const ANSWER_TIME: Duration = Duration::from_millis(250);
/// Time for an event without a deadline: API Gateway itself gives up after 29 s.
const TIME_WITHOUT_DEADLINE: Duration = Duration::from_secs(25);

/// How much longer an invocation may take. Call this when it starts.
///
/// A deadline that has already passed is ignored: Lambda starts no such invocation, but its
/// emulators send constants (`cargo lambda watch` sends 600,000 ms, which is in 1970).
#[must_use]
pub fn time_left(context: &Context) -> Duration {
    match context.deadline().duration_since(SystemTime::now()) {
        Ok(left) => left.saturating_sub(ANSWER_TIME),
        Err(_) => TIME_WITHOUT_DEADLINE,
    }
}
