//! Reads the whole table and finds what is wrong in it.
//!
//! The function may be at work meanwhile: what one query sees of a stage and another of its name's
//! lock may be from different moments, so that each suspicion about a lock is looked at again before
//! it counts.

mod finding;
mod lock;
mod scan;

use super::{Table, error::StoreError, key::Kind};

pub use self::{
    finding::Finding,
    lock::{LockFault, LockFinding, Mended},
};

use self::scan::Scan;

/// What the table holds, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// How many items of each kind there are.
    pub counts: Vec<(Kind, usize)>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Checks the table. `progress` hears of each kind how many items were read so far.
///
/// # Errors
///
/// [`StoreError`] if the table could not be asked.
pub async fn check(
    table: &Table,
    mut progress: impl FnMut(Kind, usize),
) -> Result<Check, StoreError> {
    let session = table.session();
    let mut scan = Scan::default();
    let mut counts = Vec::new();
    // Rows come after the stages that refer to them: they are only ever added.
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
