//! `sms-stage load`: puts the documents of files into the table.

use std::path::PathBuf;

use authenticator_sms_stage::import::{file::GivenSecrets, load::OnConflict, quote::quoted};
use clap::Args;

use crate::{
    audit::AuditArgs,
    files::{self, Loading},
    output::{Failure, printable},
    table_args::{Access, IfMissing, TableArgs},
};

/// Load stages, and the flows and mappings that they refer to, into the table.
///
/// A file is what the API of any release of authentik returned for GET /stages/authenticator/sms/,
/// /flows/instances/ or /propertymappings/notification/: one object, a list, or one page of a list.
/// Or it is an object with any of the lists `stages`, `flows`, `mappings` and `tokens`.
///
/// If any file has an error in it, nothing is loaded. Otherwise, each document is loaded in full or
/// not at all, even while the function is running; documents that fail are listed, and the others
/// are loaded. Items that already exist are left unchanged unless --replace is given, so loading
/// again continues where a failed load stopped. A token that was revoked stays revoked.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  curl -H \"Authorization: Bearer $TOKEN\" \\
    https://authentik.example/api/v3/stages/authenticator/sms/ > stages.json
  curl -H \"Authorization: Bearer $TOKEN\" \\
    https://authentik.example/api/v3/flows/instances/ > flows.json
  sms-stage load stages.json flows.json --table my-table --profile admin

  umask 077    # the file will contain secrets: remove it afterwards
  sms-stage get 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --show-secrets --table my-table > stage.json
  sms-stage load stage.json --replace --table my-table

  jq -n '{\"sms-setup\": {auth: env.AUTH, auth_password: \"\"}}' > secrets.json
  sms-stage load stages.json --secrets secrets.json --table my-table")]
pub struct LoadArgs {
    /// Overwrite items that already exist. A stage's revision goes up by one; if it is renamed, its
    /// old name becomes free. A stage that has changed since its document was made (its `_etag`),
    /// or that another writer changes at the same moment, is left unchanged and listed.
    #[arg(long)]
    replace: bool,
    /// With --replace: also overwrite stages that have changed since their documents were made.
    #[arg(long, requires = "replace")]
    force: bool,
    /// File with secrets for stages whose documents hide them, as JSON:
    /// {"UUID or name": {"auth": …, "auth_password": …}, …}. They override those in the documents.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Files to load, in any order; `-` reads standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    table: TableArgs,
}

/// Loads the files.
pub async fn run(args: LoadArgs) -> Result<(), Failure> {
    let mut secrets = match &args.secrets {
        Some(file) => files::read_secrets(file)?,
        None => GivenSecrets::default(),
    };
    let mut documents = files::read_all_with(&args.files, &mut secrets)?;
    let unused: Vec<_> = secrets.unused().map(quoted).collect();
    if let (Some(file), false) = (&args.secrets, unused.is_empty()) {
        let problem = format!("no stage in the files has the UUID or name {}", unused.join(", "));
        let doing = format!("cannot use the secrets in {}", printable(&file.to_string_lossy()));
        return Err(Failure::new(doing, problem));
    }
    if args.force {
        documents.iter_mut().for_each(|documents| documents.forget_versions());
    }
    let table = args.table.open(IfMissing::Create, Access::Write).await?;
    let mut audit = args.audit.open(args.table.place())?;
    let on_conflict = if args.replace { OnConflict::Overwrite } else { OnConflict::Skip };
    let names = files::names(&args.files);
    let loading = Loading { table: &table, names: &names, documents: &documents, on_conflict };
    loading.run(&mut audit).await
}
