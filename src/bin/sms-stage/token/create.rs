//! `sms-stage token create`.

use authenticator_sms_stage::{
    access::{
        caller::Caller,
        permission::{ADD, CHANGE, DELETE, VIEW, VIEW_FLOW},
        token::{Token, TokenHash, TokenKey},
    },
    store::{
        Session, Table,
        admin::{OnConflict, RowPut},
        time,
    },
};
use clap::Args;
use uuid::Uuid;

use super::words;
use crate::{
    advice,
    audit::{Audit, AuditArgs, Change},
    output::{Failure, printable, stderr, stdout_required},
    stage_argument,
    table_args::{Access, IfMissing, TableArgs},
};

/// How long a token lives where nothing else is said: a year, in seconds.
const LIFETIME: u64 = 365 * 24 * 60 * 60;

/// Make a token, and show its key this once.
///
/// Only the key goes to standard output. The table keeps its hash, from which the key cannot be
/// found. The token ends after a year, unless --expires or --forever says otherwise.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage token create --user terraform --permission view,add,change,delete --table my-table
  sms-stage token create --user dashboard --permission view --expires 30d --table my-table
  sms-stage token create --user helpdesk --expires 2030-01-31T12:00:00Z \\
    --stage 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table")]
pub struct CreateArgs {
    /// Whose token it is. The log names them.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: String,
    /// What they may do: view, add, change, delete and view_flow, or Django's codenames for these,
    /// with commas between. To change or delete a stage takes view as well.
    #[arg(
        long = "permission", value_name = "PERMISSION", value_delimiter = ',',
        value_parser = words::permission, default_values = ["view", "change"]
    )]
    permissions: Vec<&'static str>,
    /// For this stage only. May be repeated. Without it, for all stages.
    #[arg(long = "stage", value_name = "STAGE-UUID")]
    stages: Vec<String>,
    /// When the token ends: a time from now (30d, 12h) or a point in time (2030-01-31T12:00:00Z).
    #[arg(long, value_name = "WHEN", value_parser = words::expiry, conflicts_with = "forever")]
    expires: Option<u64>,
    /// The token does not end.
    #[arg(long)]
    forever: bool,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Makes the token.
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
        Err(failure) => Err(take_back(&table.session(), &hash, failure, &mut audit).await),
    }
}

/// Some permissions are for all stages only.
fn refuse_unscopable(args: &CreateArgs) -> Result<(), Failure> {
    let unscopable = args.permissions.iter().find(|held| [ADD, VIEW_FLOW].contains(held));
    match unscopable {
        Some(held) if !args.stages.is_empty() => Err(Failure::new(
            "cannot make the token",
            format!("{} cannot be limited to one stage", words::summary(&[(*held).to_owned()])),
        )),
        _ => Ok(()),
    }
}

/// The stages that the token is for. One that is not there yet may be meant, but rarely is.
async fn stages(table: &Table, named: &[String]) -> Result<Vec<Uuid>, Failure> {
    let mut stages = Vec::new();
    for text in named {
        let uuid = stage_argument::resolve(table, text).await?;
        let found = table.session().inspect(uuid).await;
        let found = found.map_err(|error| advice::failure("cannot make the token", &error))?;
        if found.is_none() {
            stderr(&format!("warning: no stage has the UUID {uuid}"));
        }
        if !stages.contains(&uuid) {
            stages.push(uuid);
        }
    }
    Ok(stages)
}

async fn put(
    session: &Session<'_>,
    hash: &TokenHash,
    token: &Token,
    audit: &mut Audit,
) -> Result<(), Failure> {
    let doing = "cannot make the token";
    let put = session.put_token(hash, token, OnConflict::Skip).await;
    // A key is random: what is there already is this token, of an attempt whose answer was lost.
    let is_done = matches!(put, Ok(RowPut::Put | RowPut::Exists));
    record(audit, "token create", session, hash, is_done);
    match put {
        Ok(_) if is_done => Ok(()),
        Ok(_) => Err(Failure::new(
            doing,
            "with so many stages it is larger than the 400 KB that can be stored",
        )),
        Err(error) if !session.is_certain() => {
            let (why, shown) = (advice::explained(&error), hash.shown());
            let lost = "its key is known to no one, revoke it";
            Err(Failure::new(
                doing,
                format!("{why}; it may be there all the same, as {shown}: {lost}"),
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

/// Takes a token out whose key could not be shown.
async fn take_back(
    session: &Session<'_>,
    hash: &TokenHash,
    failure: Failure,
    audit: &mut Audit,
) -> Failure {
    let shown = hash.shown();
    let deleted = session.delete_token(hash).await;
    record(audit, "token delete", session, hash, deleted.is_ok());
    match deleted {
        Ok(_) => Failure(format!("{}; the token {shown} was taken out again", failure.0)),
        Err(error) => Failure(format!(
            "{}; the token {shown} was made, its key is known to no one, and it could not be taken \
             out again ({}): revoke it",
            failure.0,
            advice::explained(&error)
        )),
    }
}

fn described(hash: &TokenHash, token: &Token) -> String {
    let end = match token.expires {
        Some(end) => format!("it ends at {}", time::format(end)),
        None => "it does not end".to_owned(),
    };
    format!(
        "made token {} for {:?}: {}; {end}. The key is shown this once and kept nowhere:",
        hash.shown(),
        token.caller.user.as_deref().unwrap_or_default(),
        printable(&words::summary(token.caller.permissions())),
    )
}

fn warnings(permissions: &[&str]) -> impl Iterator<Item = &'static str> {
    let has_view = permissions.contains(&VIEW);
    let changes = permissions.iter().any(|held| [CHANGE, DELETE].contains(held));
    let warning = "warning: this token can change or delete nothing: that takes view as well";
    (changes && !has_view).then_some(warning).into_iter()
}

/// A key of 244 random bits, in letters and digits that survive any header.
fn new_key() -> String {
    // Each UUID has 122 bits from the system's source of randomness.
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The permissions, each for all stages or for each of these.
fn scoped(permissions: &[&str], stages: &[Uuid]) -> Vec<String> {
    if stages.is_empty() {
        return permissions.iter().map(|held| (*held).to_owned()).collect();
    }
    let pairs = permissions.iter().flat_map(|held| stages.iter().map(move |stage| (held, stage)));
    pairs.map(|(held, stage)| format!("{held}:{stage}")).collect()
}
