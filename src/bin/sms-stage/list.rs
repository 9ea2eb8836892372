//! `sms-stage list`: lists the table's stages.

use authenticator_sms_stage::{
    import::quote::beginning,
    stage::{field::Field, version::Stored},
    store::{admin::StageList, entity_tag},
};
use clap::Args;
use serde_json::json;

use crate::{
    advice,
    output::{Failure, printable, printable_json, stderr, stdout},
    table_args::{Access, IfMissing, TableArgs},
    text_table,
};

/// List the stages: name, UUID, provider, and revision (how often the stage was written).
///
/// Stages that cannot be read are left out, and reported on standard error.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage list --table my-table
  sms-stage list --json --table my-table | jq -r '.[].pk'")]
pub struct ListArgs {
    /// Print JSON, which also has the ETags.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    table: TableArgs,
}

/// Lists the stages.
pub async fn run(args: ListArgs) -> Result<(), Failure> {
    let table = args.table.open(IfMissing::Fail, Access::Read).await?;
    let doing = "cannot list the stages";
    let mut list =
        table.session().stages(|_| ()).await.map_err(|error| advice::failure(doing, &error))?;
    list.stages.sort_by(|one, other| one.stage.name().cmp(other.stage.name()));
    stdout(&if args.json { as_json(&list)? } else { as_table(&list) })?;
    for item in &list.unreadable {
        let id = printable(&item.key.id);
        stderr(&format!("left out: stage {id}: {}; see `sms-stage check`", item.why));
    }
    Ok(())
}

fn as_table(list: &StageList) -> String {
    if list.stages.is_empty() {
        return "no stages".to_owned();
    }
    let mut rows = vec![["NAME", "UUID", "PROVIDER", "REVISION"].map(str::to_owned)];
    rows.extend(list.stages.iter().map(|Stored { stage, version }| {
        [
            beginning(stage.name()).into_owned(),
            stage.uuid.to_string(),
            stage.text(Field::PROVIDER).to_owned(),
            version.revision.to_string(),
        ]
    }));
    text_table::lines(&rows)
}

fn as_json(list: &StageList) -> Result<String, Failure> {
    let stages = list.stages.iter().map(|Stored { stage, version }| {
        json!({
            "pk": stage.uuid.to_string(),
            "name": stage.name(),
            "provider": stage.text(Field::PROVIDER),
            "revision": version.revision,
            "etag": entity_tag(version).to_string(),
        })
    });
    let json = serde_json::to_string_pretty(&stages.collect::<Vec<_>>());
    json.map(|json| printable_json(&json)).map_err(|error| Failure::new("cannot list", error))
}
