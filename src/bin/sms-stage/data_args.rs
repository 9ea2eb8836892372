//! `--data` and `--load`: what a command that starts an engine has in it.

use std::path::PathBuf;

use authenticator_sms_stage::store::Table;
use clap::Args;
use dynoxide::Database;

use crate::{
    data_file::{self, Access, IfMissing},
    demo::{self, Demo},
    engine, files,
    output::Failure,
};

/// What data there is.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// Keep the data in this file, which is made if it is not there, for its owner only. Without it,
    /// everything is in memory and gone at the end.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Put the documents of this file in first, as `sms-stage load` does: what is there already is
    /// left as it is. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub load: Vec<PathBuf>,
}

/// An engine with data in it.
pub struct Started {
    /// The engine.
    pub database: Database,
    /// The table on it.
    pub table: Table,
    /// The demo's token, if it has the demo's data.
    pub demo: Option<Demo>,
}

impl DataArgs {
    /// Starts the engine and puts in the files' documents; or, if there are none and the table is
    /// new, the demo's.
    pub async fn start(&self) -> Result<Started, Failure> {
        // First, so that no data file is made where a file cannot be loaded.
        let documents = files::read_all(&self.load)?;
        let database = match &self.data {
            Some(file) => data_file::open(file, IfMissing::Create, Access::Write)?,
            None => engine::in_memory()?,
        };
        let (table, is_new) = engine::table(database.clone()).await?;
        demo::delete_former_tokens(&table).await?;
        files::load_quietly(&table, &self.load, &documents).await?;
        let has_demo = is_new && self.load.is_empty();
        let demo = if has_demo { Some(Demo::start(&table).await?) } else { None };
        Ok(Started { database, table, demo })
    }
}
