//! `sms-stage token create`: creates a token.

use std::collections::HashSet;

use authenticator_sms_stage::{
    access::{
        caller::Caller,
        permission::{ADD, CHANGE, DELETE, VIEW, VIEW_FLOW},
        token::{Token, TokenHash, TokenKey},
    },
    import::quote::quoted,
    store::{
        Session, Table,
        admin::{OnConflict, RowPut},
        time,
    },
};
use clap::Args;
use uuid::Uuid;

use super::text;
use crate::{
    advice,
    audit::{Audit, AuditArgs, Change},
    output::{Failure, printable, stderr, stdout_required},
    stage_argument,
    table_args::{Access, IfMissing, TableArgs},
};

/// Default lifetime of a token: a year, in seconds.
const LIFETIME: u64 = 365 * 24 * 60 * 60;

/// Create a token, and show its key this once.
///
/// Only the key goes to standard output. The table keeps its hash, from which the key cannot be
/// recovered. The token expires after a year unless --expires or --forever is given.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage token create --user terraform --permission view,add,change,delete --table my-table
  sms-stage token create --user dashboard --permission view --expires 30d --table my-table
  sms-stage token create --user helpdesk --expires 2030-01-31T12:00:00Z \\
    --stage 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table")]
pub struct CreateArgs {
    /// Name of the token's user, which the log shows as the caller.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: String,
    /// What the token permits: view, add, change, delete, view_flow, or their Django codenames,
    /// separated by commas. To change or delete a stage, view is needed as well.
    #[arg(
        long = "permission", value_name = "PERMISSION", value_delimiter = ',',
        value_parser = text::permission, default_values = ["view", "change"]
    )]
    permissions: Vec<&'static str>,
    /// Limit the token to the stage with this UUID. May be repeated. Default: all stages.
    #[arg(long = "stage", value_name = "STAGE-UUID")]
    stages: Vec<String>,
    /// When the token expires: a time from now (30d, 12h) or a point in time
    /// (2030-01-31T12:00:00Z). Default: 365d.
    #[arg(long, value_name = "WHEN", value_parser = text::expiry, conflicts_with = "forever")]
    expires: Option<u64>,
    /// The token never expires.
    #[arg(long)]
    forever: bool,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Creates the token.
pub async fn run(args: CreateArgs) -> Result<(), Failure> {
    refuse_unscopable(&args)?;
    let table = args.table.open(IfMissing::Fail, Access::Write).await?;
    let stages = stages(&table, &args.stages).await?;
    let mut audit = args.audit.open(args.table.place())?;
    let lasts_until = args.expires.unwrap_or_else(|| time::now().saturating_add(LIFETIME));
    let token = Token {
        caller: Caller::new(Some(args.user.clone()), scoped(&args.permissions, &stages)),
        created: Some(time::now()),
        expires: (!args.forever).then_some(lasts_until),
    };
    let key = new_key();
    let hash = TokenKey::new(key.clone()).hash();
    put(&table.session(), &hash, &token, &mut audit).await?;
    for warning in warnings(&args.permissions) {
        stderr(warning);
    }
    stderr(&described(&hash, &token));
    match stdout_required(&key) {
        Ok(()) => Ok(()),
        Err(failure) => Err(delete_unshown(&table.session(), &hash, failure, &mut audit).await),
    }
}

/// Refuses --stage for permissions that are for all stages only.
fn refuse_unscopable(args: &CreateArgs) -> Result<(), Failure> {
    let unscopable = args.permissions.iter().find(|held| [ADD, VIEW_FLOW].contains(held));
    match unscopable {
        Some(held) if !args.stages.is_empty() => Err(Failure::new(
            "cannot create the token",
            format!("{} cannot be limited to one stage", text::summary(&[(*held).to_owned()])),
        )),
        _ => Ok(()),
    }
}

/// Returns the stages that the token is for. One that does not exist is accepted, with a warning.
async fn stages(table: &Table, named: &[String]) -> Result<Vec<Uuid>, Failure> {
    let mut stages = Vec::new();
    let mut seen = HashSet::new();
    for text in named {
        let uuid = stage_argument::resolve(table, text).await?;
        if !seen.insert(uuid) {
            continue;
        }
        let found = table.session().inspect(uuid).await;
        let found = found.map_err(|error| advice::failure("cannot create the token", &error))?;
        if found.is_none() {
            stderr(&format!("warning: no stage has the UUID {uuid}"));
        }
        stages.push(uuid);
    }
    Ok(stages)
}

async fn put(
    session: &Session<'_>,
    hash: &TokenHash,
    token: &Token,
    audit: &mut Audit,
) -> Result<(), Failure> {
    let doing = "cannot create the token";
    let put = session.put_token(hash, token, OnConflict::Skip).await;
    // A key is random: an existing item is this token, from an attempt whose answer was lost.
    let is_done = matches!(put, Ok(RowPut::Put | RowPut::Exists));
    record(audit, "token create", session, hash, is_done);
    match put {
        Ok(_) if is_done => Ok(()),
        Ok(_) => Err(Failure::new(
            doing,
            "with so many stages, it is larger than the 400 KB that can be stored",
        )),
        Err(error) if !session.is_certain() => {
            let (why, shown) = (advice::explained(&error), hash.shown());
            let lost = "its key was not shown, so revoke it";
            Err(Failure::new(
                doing,
                format!("{why}; it may have been created nevertheless, as {shown}: {lost}"),
            ))
        }
        Err(error) => Err(advice::failure(doing, &error)),
    }
}

fn record(
    audit: &mut Audit,
    operation: &'static str,
    session: &Session<'_>,
    hash: &TokenHash,
    is_done: bool,
) {
    let change = Change::new(operation, session, is_done);
    if is_done || !change.certain {
        audit.write(&Change { token: Some(hash.shown().to_owned()), ..change });
    }
}

/// Deletes a token whose key could not be shown.
async fn delete_unshown(
    session: &Session<'_>,
    hash: &TokenHash,
    failure: Failure,
    audit: &mut Audit,
) -> Failure {
    let shown = hash.shown();
    let deleted = session.delete_token(hash).await;
    record(audit, "token delete", session, hash, deleted.is_ok());
    match deleted {
        Ok(_) => Failure(format!("{}; the token {shown} was deleted again", failure.0)),
        Err(error) => Failure(format!(
            "{}; the token {shown} was created, its key was not shown, and it could not be deleted \
             again ({}): revoke it",
            failure.0,
            advice::explained(&error)
        )),
    }
}

fn described(hash: &TokenHash, token: &Token) -> String {
    let end = match token.expires {
        Some(end) => format!("it expires at {}", time::format(end)),
        None => "it never expires".to_owned(),
    };
    format!(
        "created token {} for {}: {}; {end}. The key is shown this once and is not stored:",
        hash.shown(),
        quoted(token.caller.user.as_deref().unwrap_or_default()),
        printable(&text::summary(token.caller.permissions())),
    )
}

fn warnings(permissions: &[&str]) -> impl Iterator<Item = &'static str> {
    let has_view = permissions.contains(&VIEW);
    let changes = permissions.iter().any(|held| [CHANGE, DELETE].contains(held));
    let warning = "warning: this token cannot change or delete stages: that needs view as well";
    (changes && !has_view).then_some(warning).into_iter()
}

/// Returns a key of 244 random bits, in letters and digits that any header can carry.
fn new_key() -> String {
    // Each UUID has 122 bits from the system's source of randomness.
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Returns the permissions for each of these stages, or for all stages if there are none.
fn scoped(permissions: &[&str], stages: &[Uuid]) -> Vec<String> {
    if stages.is_empty() {
        return permissions.iter().map(|held| (*held).to_owned()).collect();
    }
    let pairs = permissions.iter().flat_map(|held| stages.iter().map(move |stage| (held, stage)));
    pairs.map(|(held, stage)| format!("{held}:{stage}")).collect()
}
