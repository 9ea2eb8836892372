//! `sms-stage check`: finds what is wrong in the table, and repairs it where that is safe.

mod text;

use std::process::ExitCode;

use authenticator_sms_stage::store::{
    Table,
    check::{self, Check, Finding, LockFinding, RepairOutcome},
};
use clap::Args;

use crate::{
    advice,
    audit::{Audit, AuditArgs, Change},
    output::{Failure, printable, stderr, stdout},
    progress::Progress,
    table_args::{Access, IfMissing, TableArgs},
};

const DOING: &str = "cannot check the table";

/// The exit status if there are findings: neither 1, a failure, nor 2, wrong usage.
const FINDINGS: u8 = 3;

/// Check the whole table, and print one line for each thing that is wrong.
///
/// Finds items that cannot be read, locks of names that do not match their stages, and references
/// to flows or mappings that do not exist. Expired tokens are printed as notes. The command fails
/// with the exit status 3 if any finding other than a note is left; 1 is any other failure. The
/// function may be running meanwhile.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage check --table my-table
  sms-stage check --repair --table my-table")]
pub struct CheckArgs {
    /// Repair locks of names where that is safe while the function is running, and delete expired
    /// tokens. All other findings are for an operator to decide.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Checks the table.
pub async fn run(args: CheckArgs) -> Result<ExitCode, Failure> {
    let access = if args.repair { Access::Write } else { Access::Read };
    let table = args.table.open(IfMissing::Fail, access).await?;
    let audit = args.repair.then(|| args.audit.open(args.table.place())).transpose()?;
    let mut progress = Progress::new("items read", None);
    let checked = check::check(&table, |_, _| progress.advance()).await;
    progress.end();
    let Check { counts, findings } = checked.map_err(|error| advice::failure(DOING, &error))?;
    let counts = counts.iter().map(|(kind, count)| format!("{count} {}", kind.as_str()));
    stderr(&format!("read {}", counts.collect::<Vec<_>>().join(", ")));
    let left = report(&findings, audit.map(|audit| Repair { table: &table, audit })).await?;
    if left > 0 {
        summary(left, &findings, args.repair).print();
        return Ok(ExitCode::from(FINDINGS));
    }
    stderr(match findings.as_slice() {
        [] => "nothing is wrong",
        _ if args.repair => "nothing is left to repair",
        _ => "nothing is wrong, apart from the notes",
    });
    Ok(ExitCode::SUCCESS)
}

fn summary(left: usize, findings: &[Finding], is_repair: bool) -> Failure {
    let is_repairable =
        |finding: &Finding| matches!(finding, Finding::Lock(lock) if lock.is_repairable);
    let hint = match findings.iter().filter(|finding| is_repairable(finding)).count() {
        0 => "",
        _ if is_repair => "",
        _ => "; --repair fixes those that say so",
    };
    Failure(format!("{left} {}{hint}", if left == 1 { "finding" } else { "findings" }))
}

/// Prints the findings, repairs what can be repaired, and counts what is left, without notes.
async fn report(findings: &[Finding], mut repair: Option<Repair<'_>>) -> Result<usize, Failure> {
    let mut left = 0;
    for finding in findings {
        let outcome = match &mut repair {
            Some(repair) => repair.apply(finding).await?,
            None => Outcome::Left,
        };
        let is_note = matches!(finding, Finding::ExpiredToken { .. });
        left += usize::from(!matches!(outcome, Outcome::Settled(_)) && !is_note);
        stdout(&printable(&text::line(finding, &outcome)))?;
    }
    Ok(left)
}

/// What became of a finding.
enum Outcome {
    /// It is still there, as it was found.
    Left,
    /// It could have been repaired when it was found; now there is something else wrong, or other
    /// writers keep changing it.
    Changed,
    /// It is gone, for this reason.
    Settled(&'static str),
}

/// Repairs findings one by one.
struct Repair<'t> {
    table: &'t Table,
    audit: Audit,
}

impl Repair<'_> {
    /// Repairs a finding, if that is safe.
    async fn apply(&mut self, finding: &Finding) -> Result<Outcome, Failure> {
        match finding {
            Finding::Lock(lock) => self.repair_lock(lock).await,
            Finding::ExpiredToken { id, expired } => self.delete_token(id, *expired).await,
            Finding::Unreadable(_) | Finding::DanglingReference { .. } => Ok(Outcome::Left),
        }
    }

    async fn repair_lock(&mut self, lock: &LockFinding) -> Result<Outcome, Failure> {
        let session = self.table.session();
        let outcome = session.repair_lock(lock).await;
        let is_done = matches!(outcome, Ok(RepairOutcome::Done));
        let change = Change::new("check repair", &session, is_done);
        if is_done || !change.certain {
            self.audit.write(&Change { row: Some(lock.id.clone()), ..change });
        }
        let outcome = outcome.map_err(|error| advice::failure("cannot repair a lock", &error))?;
        Ok(match outcome {
            RepairOutcome::Done => Outcome::Settled("repaired"),
            RepairOutcome::NotNeeded => Outcome::Settled("repaired meanwhile"),
            RepairOutcome::NotPossible if !lock.is_repairable => Outcome::Left,
            RepairOutcome::NotPossible | RepairOutcome::Conflict => Outcome::Changed,
        })
    }

    async fn delete_token(&mut self, id: &str, expired: u64) -> Result<Outcome, Failure> {
        let session = self.table.session();
        let deleted = session.delete_expired_token(id, expired).await;
        let is_done = matches!(deleted, Ok(true));
        let change = Change::new("check repair", &session, is_done);
        if is_done || !change.certain {
            let token = Some(text::token(id));
            self.audit.write(&Change { token, ..change });
        }
        let deleted =
            deleted.map_err(|error| advice::failure("cannot delete an expired token", &error))?;
        Ok(Outcome::Settled(if deleted { "deleted" } else { "gone or renewed meanwhile" }))
    }
}
