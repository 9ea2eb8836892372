//! The expected result of each fault: the answer's status, and the writes in order.

use super::{
    expected::Expected,
    injection::{ALWAYS, ANSWER_LOST, Case, Extent, Fault, NOT_SENT, ONCE, OVERTAKEN, Others},
    request_kind::RequestKind,
};

/// A write of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The request's own write.
    Own,
    /// The writes of the other writers.
    Theirs,
}

/// The expected result of a case: the status, and the writes in order.
pub type Outcome = (u16, &'static [Write]);

/// The outcome of a group of faults.
struct Row {
    faults: &'static [Fault],
    extent: Extent,
    others: &'static [Others],
    /// The outcome of the fault at a call before the last one.
    earlier_call: Outcome,
    /// The outcome of the fault at the last call, which is the write if the request writes.
    last_call: Outcome,
}

const fn row(
    faults: &'static [Fault],
    extent: Extent,
    others: &'static [Others],
    earlier_call: Outcome,
    last_call: Outcome,
) -> Row {
    Row { faults, extent, others, earlier_call, last_call }
}

const ALONE: &[Others] = &[Others::None];
const OTHERS: &[Others] = &[Others::One, Others::Three, Others::Renaming];

/// No write.
pub const NOTHING: &[Write] = &[];
/// Only the request's own write.
pub const OWN: &[Write] = &[Write::Own];
const THEIRS: &[Write] = &[Write::Theirs];
/// The request's own write after the other writers' writes.
pub const THEIRS_THEN_OWN: &[Write] = &[Write::Theirs, Write::Own];
/// The request's own write before the other writers' writes.
pub const OWN_THEN_THEIRS: &[Write] = &[Write::Own, Write::Theirs];

/// The outcomes of a request that writes.
#[rustfmt::skip]
const WRITING: &[Row] = &[
    //  faults       extent    others  at an earlier call      at the last call
    row(NOT_SENT,    ONCE,     ALONE,  (200, OWN),             (200, OWN)),
    row(NOT_SENT,    ALWAYS,   ALONE,  (503, NOTHING),         (503, NOTHING)),
    row(ANSWER_LOST, ONCE,     ALONE,  (200, OWN),             (200, OWN)),
    row(ANSWER_LOST, ALWAYS,   ALONE,  (503, NOTHING),         (503, OWN)),
    row(ANSWER_LOST, ONCE,     OTHERS, (200, THEIRS_THEN_OWN), (200, OWN_THEN_THEIRS)),
    row(ANSWER_LOST, ALWAYS,   OTHERS, (503, THEIRS),          (503, OWN_THEN_THEIRS)),
    row(OVERTAKEN,   ONCE,     OTHERS, (200, THEIRS_THEN_OWN), (200, THEIRS_THEN_OWN)),
];

/// The outcomes of a request that writes with the current version as `If-Match`.
#[rustfmt::skip]
const WRITING_WITH_IF_MATCH: &[Row] = &[
    //  faults       extent    others  at an earlier call      at the last call
    row(NOT_SENT,    ONCE,     ALONE,  (200, OWN),             (200, OWN)),
    row(NOT_SENT,    ALWAYS,   ALONE,  (503, NOTHING),         (503, NOTHING)),
    row(ANSWER_LOST, ONCE,     ALONE,  (200, OWN),             (200, OWN)),
    row(ANSWER_LOST, ALWAYS,   ALONE,  (503, NOTHING),         (503, OWN)),
    row(ANSWER_LOST, ONCE,     OTHERS, (412, THEIRS),          (200, OWN_THEN_THEIRS)),
    row(ANSWER_LOST, ALWAYS,   OTHERS, (503, THEIRS),          (503, OWN_THEN_THEIRS)),
    row(OVERTAKEN,   ONCE,     OTHERS, (412, THEIRS),          (412, THEIRS)),
];

/// The outcomes of a request that only reads.
#[rustfmt::skip]
const READING: &[Row] = &[
    //  faults       extent    others  at an earlier call      at the last call
    row(NOT_SENT,    ONCE,     ALONE,  (200, NOTHING),         (200, NOTHING)),
    row(NOT_SENT,    ALWAYS,   ALONE,  (503, NOTHING),         (503, NOTHING)),
    row(ANSWER_LOST, ONCE,     ALONE,  (200, NOTHING),         (200, NOTHING)),
    row(ANSWER_LOST, ALWAYS,   ALONE,  (503, NOTHING),         (503, NOTHING)),
    row(ANSWER_LOST, ONCE,     OTHERS, (200, THEIRS),          (200, THEIRS)),
    row(ANSWER_LOST, ALWAYS,   OTHERS, (503, THEIRS),          (503, THEIRS)),
    row(OVERTAKEN,   ONCE,     OTHERS, (200, THEIRS),          (200, THEIRS)),
];

fn rows(kind: &RequestKind) -> &'static [Row] {
    match (kind.writes(), kind.has_if_match) {
        (true, false) => WRITING,
        (true, true) => WRITING_WITH_IF_MATCH,
        (false, _) => READING,
    }
}

/// The expectation of an outcome.
pub fn expected((status, order): Outcome, kind: &RequestKind, others: Others) -> Expected {
    let mut writes = Vec::new();
    let mut own = None;
    for write in order {
        match write {
            Write::Own => {
                own = Some(writes.len());
                writes.push(kind.effect.clone());
            }
            Write::Theirs => writes.extend(others.bodies()),
        }
    }
    Expected { status, writes, own }
}

/// Every case of one call, with its expectation.
pub fn cases(kind: &RequestKind, call: usize, last: usize) -> Vec<(Case, Expected)> {
    rows(kind).iter().flat_map(|row| cases_of_row(row, kind, call, last)).collect()
}

fn cases_of_row(row: &Row, kind: &RequestKind, call: usize, last: usize) -> Vec<(Case, Expected)> {
    let outcome = if call == last { row.last_call } else { row.earlier_call };
    let pairs = row.faults.iter().flat_map(|fault| row.others.iter().map(move |o| (*fault, *o)));
    let cases = pairs.map(|(fault, others)| {
        let case = Case { call, fault, extent: row.extent, others };
        (case, expected(outcome, kind, others))
    });
    cases.collect()
}
