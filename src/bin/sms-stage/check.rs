//! `sms-stage check`: what is wrong in the table, and how it is mended.

mod words;

use authenticator_sms_stage::store::{
    Table,
    check::{self, Check, Finding, LockFinding, Mended},
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

/// Check the whole table, and say what is wrong, one line each.
///
/// Items that cannot be read and why, names' locks that do not fit their stages, references to
/// nothing; and, as notes, tokens that have ended. Fails if there is any finding but notes. The
/// function may be at work meanwhile.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage check --table my-table
  sms-stage check --repair --table my-table")]
pub struct CheckArgs {
    /// Mend names' locks where that is safe while the function is at work, and take out tokens that
    /// have ended. What is left is for an operator to decide.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Checks the table.
pub async fn run(args: CheckArgs) -> Result<(), Failure> {
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
        return Err(failure(left, &findings, args.repair));
    }
    stderr(match findings.as_slice() {
        [] => "nothing is wrong",
        _ if args.repair => "nothing is left to mend",
        _ => "nothing is wrong but what is noted",
    });
    Ok(())
}

fn failure(left: usize, findings: &[Finding], is_repair: bool) -> Failure {
    let is_mendable =
        |finding: &Finding| matches!(finding, Finding::Lock(lock) if lock.is_mendable);
    let hint = match findings.iter().filter(|finding| is_mendable(finding)).count() {
        0 => "",
        _ if is_repair => "",
        _ => "; --repair mends what is marked so",
    };
    Failure(format!("{left} {}{hint}", if left == 1 { "finding" } else { "findings" }))
}

/// Prints the findings, mends what can be mended, and counts what is left, but for notes.
async fn report(findings: &[Finding], mut repair: Option<Repair<'_>>) -> Result<usize, Failure> {
    let mut left = 0;
    for finding in findings {
        let mended = match &mut repair {
            Some(repair) => repair.mend(finding).await?,
            None => None,
        };
        let is_note = matches!(finding, Finding::ExpiredToken { .. });
        left += usize::from(mended.is_none() && !is_note);
        stdout(&printable(&words::line(finding, mended)))?;
    }
    Ok(left)
}

/// Mends findings one by one.
struct Repair<'t> {
    table: &'t Table,
    audit: Audit,
}

impl Repair<'_> {
    /// What was done about a finding, if it is one no longer.
    async fn mend(&mut self, finding: &Finding) -> Result<Option<&'static str>, Failure> {
        match finding {
            Finding::Lock(lock) => self.mend_lock(lock).await,
            Finding::ExpiredToken { id, expired } => self.delete_token(id, *expired).await,
            Finding::Unreadable(_) | Finding::DanglingReference { .. } => Ok(None),
        }
    }

    async fn mend_lock(&mut self, lock: &LockFinding) -> Result<Option<&'static str>, Failure> {
        let session = self.table.session();
        let mended = session.mend(lock).await;
        let is_done = matches!(mended, Ok(Mended::Done));
        let change = Change::new("check repair", &session, is_done);
        if is_done || !change.certain {
            self.audit.write(&Change { row: Some(lock.id.clone()), ..change });
        }
        match mended.map_err(|error| advice::failure("cannot mend a lock", &error))? {
            Mended::Done => Ok(Some("mended")),
            Mended::NotNeeded => Ok(Some("mended meanwhile")),
            Mended::NotPossible | Mended::Conflict => Ok(None),
        }
    }

    async fn delete_token(
        &mut self,
        id: &str,
        expired: u64,
    ) -> Result<Option<&'static str>, Failure> {
        let session = self.table.session();
        let deleted = session.delete_expired_token(id, expired).await;
        let is_done = matches!(deleted, Ok(true));
        let change = Change::new("check repair", &session, is_done);
        if is_done || !change.certain {
            let token = Some(words::token(id));
            self.audit.write(&Change { token, ..change });
        }
        let deleted =
            deleted.map_err(|error| advice::failure("cannot take a token out", &error))?;
        Ok(Some(if deleted { "taken out" } else { "gone or renewed meanwhile" }))
    }
}
