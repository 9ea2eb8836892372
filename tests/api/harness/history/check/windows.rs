//! The instants between which each state of a stage began.

use super::{
    super::call::{Call, Instant},
    Rule, Violation, violation,
};

/// The instants between which a state began.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Not before this.
    pub earliest: Instant,
    /// Not after this.
    pub latest: Instant,
}

impl Window {
    /// From before the first call.
    pub const ALWAYS: Self = Self { earliest: 0, latest: 0 };

    /// Within a call.
    pub fn of(call: &Call) -> Self {
        Self { earliest: call.start, latest: call.end }
    }
}

/// Takes in that a call saw one of the states between these places: the first began before the call
/// ended, and the one after the last had not begun when the call began.
pub fn saw(windows: &mut [Window], first: usize, last: usize, call: &Call) {
    windows[first].latest = windows[first].latest.min(call.end);
    if let Some(next) = windows.get_mut(last + 1) {
        next.earliest = next.earliest.max(call.start);
    }
}

/// Takes in that the states follow each other. Fails if one can have begun at no instant.
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
            let words = format!("state {place} of {} can have begun at no instant", windows.len());
            Err(violation(Rule::Time, words))
        }
    }
}

/// The states that there can have been at an instant of the call. The windows are in order.
pub fn within(windows: &[Window], call: &Call) -> std::ops::Range<usize> {
    let from = windows.partition_point(|window| window.latest < call.start).saturating_sub(1);
    let to = windows.partition_point(|window| window.earliest <= call.end);
    from..to
}
