//! The window of time in which each state of a stage began.

use super::{
    super::call::{Call, Instant},
    Rule, Violation, violation,
};

/// The window of time in which a state began.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The earliest possible instant.
    pub earliest: Instant,
    /// The latest possible instant.
    pub latest: Instant,
}

impl Window {
    /// Before the first call.
    pub const ALWAYS: Self = Self { earliest: 0, latest: 0 };

    /// Within a call.
    pub fn of(call: &Call) -> Self {
        Self { earliest: call.start, latest: call.end }
    }
}

/// Narrows the windows because a call saw one of the states between these positions: the first had
/// begun before the call ended, and the one after the last had not begun when the call began.
pub fn saw(windows: &mut [Window], first: usize, last: usize, call: &Call) {
    windows[first].latest = windows[first].latest.min(call.end);
    if let Some(next) = windows.get_mut(last + 1) {
        next.earliest = next.earliest.max(call.start);
    }
}

/// Narrows the windows because the states follow each other. Fails if a window becomes empty.
pub fn order(windows: &mut [Window]) -> Result<(), Violation> {
    for place in 1..windows.len() {
        windows[place].earliest = windows[place].earliest.max(windows[place - 1].earliest);
    }
    for place in (1..windows.len()).rev() {
        windows[place - 1].latest = windows[place - 1].latest.min(windows[place].latest);
    }
    match windows.iter().position(|window| window.earliest > window.latest) {
        None => Ok(()),
        Some(place) => {
            let words = format!("state {place} of {} can never have begun", windows.len());
            Err(violation(Rule::Time, words))
        }
    }
}

/// The states that are possible at an instant of the call. The windows must be in order.
pub fn within(windows: &[Window], call: &Call) -> std::ops::Range<usize> {
    let from = windows.partition_point(|window| window.latest < call.start).saturating_sub(1);
    let to = windows.partition_point(|window| window.earliest <= call.end);
    from..to
}
