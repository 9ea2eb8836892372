//! Reads the whole table and finds what is wrong in it.
//!
//! The function may be running at the same time: one query's view of a stage and another's of the
//! lock of its name may be from different moments, so each suspected fault of a lock is checked
//! again before it is reported.

mod finding;
mod lock;
mod scan;

use super::{Table, error::StoreError, key::Kind};

pub use self::{
    finding::Finding,
    lock::{LockFault, LockFinding, RepairOutcome},
};

use self::scan::Scan;

/// What the table contains, and what is wrong in it.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Number of items of each kind.
    pub counts: Vec<(Kind, usize)>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Checks the table. `progress` is called with each kind and the number of items read so far.
///
/// # Errors
///
/// [`StoreError`] if a call to DynamoDB fails.
pub async fn check(
    table: &Table,
    mut progress: impl FnMut(Kind, usize),
) -> Result<Check, StoreError> {
    let session = table.session();
    let mut scan = Scan::default();
    let mut counts = Vec::new();
    // Rows are read after the stages that refer to them, because rows are only ever added.
    for kind in Kind::ALL {
        let mut count = 0;
        let each = |id, item| {
            count += 1;
            progress(kind, count);
            scan.add(kind, id, item);
        };
        session.read_kind(kind, "", each).await?;
        counts.push((kind, count));
    }
    let mut locks = Vec::new();
    for suspect in scan.suspects() {
        locks.extend(session.confirm(suspect).await?.map(Finding::Lock));
    }
    let mut findings = scan.into_findings();
    findings.extend(locks);
    Ok(Check { counts, findings })
}
