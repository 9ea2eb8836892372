//! The time that an invocation has left.

use std::time::{Duration, SystemTime};

use authenticator_sms_stage::http::deadline::time_left;
use lambda_http::Context;

fn left(deadline: u64) -> Duration {
    let mut context = Context::default();
    context.deadline = deadline;
    time_left(&context)
}

#[test]
fn a_deadline_that_has_passed_at_the_start_is_ignored() {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let now = u64::try_from(now).unwrap();
    let without = Duration::from_secs(25);
    for (deadline, why) in [
        (0, "none"),
        (600_000, "cargo-lambda's constant"),
        (now - 3_600_000, "an hour ago"),
        (now - 1, "just now"),
    ] {
        assert_eq!(left(deadline), without, "{why}");
    }
    for (ahead, most) in [(10_000, 9_750), (300_000, 299_750), (200, 0)] {
        let left = left(now + ahead);
        assert!(left <= Duration::from_millis(most), "{ahead}: {left:?}");
        let least = Duration::from_millis(most).saturating_sub(Duration::from_secs(5));
        assert!(left >= least, "{ahead}: {left:?}");
    }
}
