//! `--data` and `--load`: the data of a command that starts an engine.

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

/// Where the data comes from.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// Keep the data in this file. If it does not exist, it is created, for its owner only. By
    /// default, the data is in memory and lost at exit.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// First load the documents of this file, as `sms-stage load` does: items that already exist
    /// are left unchanged. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub load: Vec<PathBuf>,
}

/// An engine with data in it.
pub struct Started {
    /// The engine.
    pub database: Database,
    /// The table on it.
    pub table: Table,
    /// The demo's token, if the demo's data was loaded.
    pub demo: Option<Demo>,
}

impl DataArgs {
    /// Starts the engine and loads the files' documents, or the demo's if there are no files and
    /// the table is new.
    pub async fn start(&self) -> Result<Started, Failure> {
        // First, so that no data file is created if a file cannot be loaded.
        let documents = files::read_all(&self.load)?;
        let database = match &self.data {
            Some(file) => data_file::open(file, IfMissing::Create, Access::Write)?,
            None => engine::in_memory()?,
        };
        let (table, is_new) = engine::table(database.clone()).await?;
        demo::delete_earlier_tokens(&table).await?;
        files::load_quietly(&table, &self.load, &documents).await?;
        let has_demo = is_new && self.load.is_empty();
        let demo = if has_demo { Some(Demo::start(&table).await?) } else { None };
        Ok(Started { database, table, demo })
    }
}
