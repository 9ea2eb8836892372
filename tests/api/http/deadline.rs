//! The time that an invocation has left.

use std::time::{Duration, SystemTime};

use authenticator_sms_stage::http::deadline::time_left;
use lambda_http::Context;

/// The time since 1970, in milliseconds.
fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap()
}

fn left(deadline: u64) -> Duration {
    let mut context = Context::default();
    context.deadline = deadline;
    time_left(&context)
}

/// The time left if the deadline is this many milliseconds ahead.
fn left_before_deadline(ahead: u64) -> Duration {
    loop {
        let deadline = now() + ahead;
        let left = left(deadline);
        // On a busy machine, the deadline may have passed before the call.
        if now() < deadline {
            return left;
        }
    }
}

#[test]
fn a_deadline_that_has_passed_at_the_start_is_ignored() {
    let without = Duration::from_secs(25);
    for (deadline, why) in [
        (0, "none"),
        (600_000, "cargo-lambda's constant"),
        (now() - 3_600_000, "an hour ago"),
        (now() - 1, "just now"),
    ] {
        assert_eq!(left(deadline), without, "{why}");
    }
}

#[test]
fn a_quarter_of_a_second_before_the_deadline_is_kept_for_the_answer() {
    for (ahead, most) in [(10_000, 9_750), (300_000, 299_750), (240, 0)] {
        let left = left_before_deadline(ahead);
        assert!(left <= Duration::from_millis(most), "{ahead}: {left:?}");
        let least = Duration::from_millis(most).saturating_sub(Duration::from_secs(5));
        assert!(left >= least, "{ahead}: {left:?}");
    }
}
