//! `sms-stage delete`: deletes one stage.

use std::io::{BufRead, IsTerminal};

use authenticator_sms_stage::{
    import::quote::quoted,
    stage::version::Stored,
    store::{Deleted, Session, admin::Removed, error::StoreError, schema::Unreadable},
};
use clap::Args;
use uuid::Uuid;

use crate::{
    advice,
    audit::{Audit, AuditArgs, Change},
    output::{Failure, stderr, stdout},
    stage_argument,
    table_args::{Access, IfMissing, TableArgs},
};

/// Delete a stage, and free its name.
///
/// Asks for confirmation on a terminal. Without one, nothing is deleted unless --yes is given.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage delete 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table
  sms-stage delete 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table --yes")]
pub struct DeleteArgs {
    /// Delete without asking for confirmation.
    #[arg(long)]
    yes: bool,
    /// Delete the stage even if its item cannot be read, or it does not own the lock of its name.
    #[arg(long)]
    force: bool,
    /// The stage's UUID.
    #[arg(value_name = "STAGE-UUID")]
    stage: String,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Deletes the stage.
pub async fn run(args: DeleteArgs) -> Result<(), Failure> {
    if !args.yes && !std::io::stdin().is_terminal() {
        let doing = format!("cannot delete stage {}", quoted(&args.stage));
        return Err(Failure::new(doing, "there is no terminal to ask for confirmation; add --yes"));
    }
    let table = args.table.open(IfMissing::Fail, Access::Write).await?;
    let uuid = stage_argument::resolve(&table, &args.stage).await?;
    let doing = || format!("cannot delete stage {uuid}");
    let found = table.session().inspect(uuid).await;
    let found = found.map_err(|error| advice::failure(doing(), &error))?;
    let found = found.ok_or_else(|| missing(uuid))?;
    if let (Err(why), false) = (&found, args.force) {
        let cause = format!("it cannot be read: {why}; add --force to delete it anyway");
        return Err(Failure::new(doing(), cause));
    }
    let place = args.table.place();
    if !args.yes && !is_confirmed(uuid, &found, &place)? {
        return Err(Failure::new(doing(), "not confirmed; nothing was changed"));
    }
    let mut audit = args.audit.open(place)?;
    let deletion = Deletion { session: table.session(), uuid };
    if args.force { deletion.force(&mut audit).await } else { deletion.run(&mut audit).await }
}

struct Deletion<'t> {
    session: Session<'t>,
    uuid: Uuid,
}

impl Deletion<'_> {
    async fn run(&self, audit: &mut Audit) -> Result<(), Failure> {
        let deleted = self.session.remove(self.uuid).await;
        let revision = match &deleted {
            Ok(Deleted::Done(stored)) => Some(stored.version.revision),
            _ => None,
        };
        self.record(audit, revision.is_some(), revision);
        match deleted.map_err(|error| self.failed(&error))? {
            Deleted::Done(stored) => stdout(&format!(
                "deleted stage {} ({}, revision {}); its name is free",
                self.uuid,
                quoted(stored.stage.name()),
                stored.version.revision
            )),
            Deleted::Missing => Err(missing(self.uuid)),
            Deleted::PreconditionFailed | Deleted::Conflict => Err(self.conflict()),
        }
    }

    async fn force(&self, audit: &mut Audit) -> Result<(), Failure> {
        let removed = self.session.remove_by_force(self.uuid).await;
        self.record(audit, matches!(removed, Ok(Removed::Done { .. })), None);
        match removed.map_err(|error| self.failed(&error))? {
            Removed::Done { freed: Some(name) } => {
                stdout(&format!("deleted stage {}; its name {} is free", self.uuid, quoted(&name)))
            }
            Removed::Done { freed: None } => stdout(&format!(
                "deleted stage {}; if its name stays locked, `sms-stage check --repair` frees it",
                self.uuid
            )),
            Removed::Missing => Err(missing(self.uuid)),
            Removed::Conflict => Err(self.conflict()),
        }
    }

    /// Writes the audit line, unless it is certain that nothing was deleted.
    fn record(&self, audit: &mut Audit, is_done: bool, revision_before: Option<u64>) {
        let change = Change {
            stage: Some(self.uuid.to_string()),
            revision_before,
            ..Change::new("delete", &self.session, is_done)
        };
        if is_done || !change.certain {
            audit.write(&change);
        }
    }

    fn failed(&self, error: &StoreError) -> Failure {
        let mut cause = advice::explained(error);
        if !self.session.is_certain() {
            cause.push_str("; the stage may be deleted nevertheless, check with `sms-stage get`");
        } else if error.cause.contains("lock") {
            cause.push_str("; see `sms-stage check`, or add --force to delete it anyway");
        }
        Failure::new(format!("cannot delete stage {}", self.uuid), cause)
    }

    fn conflict(&self) -> Failure {
        let cause = "other writers keep changing it; nothing was deleted, try again";
        Failure::new(format!("cannot delete stage {}", self.uuid), cause)
    }
}

fn missing(uuid: Uuid) -> Failure {
    let doing = format!("cannot delete stage {uuid}");
    Failure::new(doing, "no stage in this table has this UUID")
}

fn is_confirmed(
    uuid: Uuid,
    found: &Result<Stored, Unreadable>,
    place: &str,
) -> Result<bool, Failure> {
    let stage = match found {
        Ok(Stored { stage, version }) => {
            format!("{uuid} ({}, revision {})", quoted(stage.name()), version.revision)
        }
        Err(why) => format!("{uuid} (which cannot be read: {why})"),
    };
    stderr(&format!("This deletes stage {stage} from {place}. Type yes to continue:"));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new("cannot read the answer", error))?;
    Ok(matches!(answer.trim(), "yes" | "y"))
}
