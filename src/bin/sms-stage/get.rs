//! `sms-stage get`: prints one stage as the API returns it.

use authenticator_sms_stage::{
    contract::{Contract, document::StageDocument},
    import::file::{ETAG, MASK},
    stage::{field::Field, stage::Stage, value::Value, version::Stored},
    store::{Table, entity_tag},
};
use clap::Args;
use uuid::Uuid;

use crate::{
    advice,
    output::{Failure, printable_json, stderr, stdout},
    stage_argument,
    table_args::{Access, IfMissing, TableArgs},
};

/// Print a stage as the API returns it.
///
/// The credentials are masked unless --show-secrets is given. The key `_etag` is the version: after
/// an edit, `sms-stage load --replace` refuses the document if the stage has changed meanwhile.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage get 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table

  umask 077    # the file will contain secrets: remove it afterwards
  sms-stage get 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --show-secrets --table my-table > stage.json
  sms-stage load stage.json --replace --table my-table")]
pub struct GetArgs {
    /// Print `auth` and `auth_password` instead of masking them.
    #[arg(long)]
    show_secrets: bool,
    /// The stage's UUID.
    #[arg(value_name = "STAGE-UUID")]
    stage: String,
    #[command(flatten)]
    table: TableArgs,
}

/// Prints the stage.
pub async fn run(args: GetArgs) -> Result<(), Failure> {
    let table = args.table.open(IfMissing::Fail, Access::Read).await?;
    let uuid = stage_argument::resolve(&table, &args.stage).await?;
    let Stored { mut stage, version } = stored(&table, uuid).await?;
    if !args.show_secrets {
        mask(&mut stage);
    }
    let contract = Contract::default();
    let document = StageDocument { contract, stage: &stage, shows_secrets: true };
    let failed = |error| Failure::new(format!("cannot print stage {uuid}"), error);
    let mut document = serde_json::to_value(document).map_err(failed)?;
    let tag = entity_tag(&version).to_string();
    if let Some(fields) = document.as_object_mut() {
        fields.insert(ETAG.to_owned(), tag.trim_matches('"').into());
    }
    stdout(&printable_json(&serde_json::to_string_pretty(&document).map_err(failed)?))?;
    stderr(&format!("revision {}, ETag {tag}", version.revision));
    Ok(())
}

async fn stored(table: &Table, uuid: Uuid) -> Result<Stored, Failure> {
    let doing = || format!("cannot get stage {uuid}");
    let found = table.session().inspect(uuid).await;
    match found.map_err(|error| advice::failure(doing(), &error))? {
        Some(Ok(stored)) => Ok(stored),
        Some(Err(why)) => {
            Err(Failure::new(doing(), format!("it cannot be read: {why}; see `sms-stage check`")))
        }
        None => Err(Failure::new(doing(), "no stage in this table has this UUID")),
    }
}

/// Masks each credential that is not empty. Whether one is empty is not a secret.
fn mask(stage: &mut Stage) {
    let masked: Vec<_> = stage
        .secrets()
        .filter(|(_, secret)| !secret.reveal().is_empty())
        .map(|(field, _)| field)
        .collect::<Vec<Field>>();
    for field in masked {
        stage.set(field, Some(Value::secret(MASK.to_owned())));
    }
}
