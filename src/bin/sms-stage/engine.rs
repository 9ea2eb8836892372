//! The embedded DynamoDB engine, served on a loopback port for the AWS SDK to speak to.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use authenticator_sms_stage::{
    permission::{CHANGE, TokenKey, VIEW},
    store::{
        Secrets, StageTable,
        client::{self, Connection},
        documents::Documents,
        operate::Existing,
    },
};
use aws_sdk_dynamodb::config::Credentials;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{Data, Failure, Listen, Output, files};

/// The table's name on the embedded engine.
const TABLE: &str = "authenticator-sms-stage";

/// What there is to try when nothing else was loaded. Has no token: that is made anew at every
/// start.
const DEMO: &str = include_str!("demo.json");

/// The engine, at work.
pub struct Engine {
    /// Where it listens.
    pub address: SocketAddr,
    /// The table on it.
    pub table: StageTable,
    /// Whether the table was made just now.
    is_new: bool,
}

/// What the demo data has to offer.
pub struct Demo {
    /// A token's key that may change every stage.
    pub key: String,
}

impl Engine {
    /// Starts the engine on this listener, with its data in memory or in a file, and makes the table
    /// if it is not there.
    pub async fn start(
        listener: TcpListener,
        data: Option<&Path>,
        secrets: Secrets,
    ) -> Result<Self, Failure> {
        let database = match data {
            None => dynoxide::Database::memory(),
            Some(file) => dynoxide::Database::new(&file.to_string_lossy()),
        };
        let database = database.map_err(|error| {
            let place = data.map_or("memory".into(), Path::to_string_lossy);
            Failure::new(format!("cannot open the data in {place}"), error)
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::new("cannot tell the listening address", error))?;
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let client = client::client(Connection {
            region: "us-east-1".to_owned(),
            endpoint: Some(format!("http://{address}")),
            roots: None,
            // The engine wants a signature, and does not look whose it is.
            credentials: Credentials::new("local", "local", None, None, "embedded engine"),
        });
        let client = client.map_err(|error| Failure(error.to_string()))?;
        let table = StageTable::new(client, TABLE.to_owned(), secrets);
        let cannot_make = |error| Failure::new("cannot make the table", error);
        let is_new = !table.exists().await.map_err(cannot_make)?;
        if is_new {
            table.create_table().await.map_err(cannot_make)?;
        }
        Ok(Self { address, table, is_new })
    }

    /// Puts in the files' documents; or, if there are none and the table is new, the demo's.
    pub async fn load(&self, files: &[PathBuf]) -> Result<Option<Demo>, Failure> {
        if !files.is_empty() {
            let documents = files::read_all(files)?;
            let (existing, to) = (Existing::Leave, Output::Aside);
            files::put_in(&self.table, files, &documents, existing, to).await?;
        }
        if !files.is_empty() || !self.is_new {
            return Ok(None);
        }
        let cannot_load = "cannot load the demo data";
        let demo = Documents::parse(DEMO).map_err(|error| Failure::new(cannot_load, error))?;
        let loaded = demo.load(&self.table).await;
        let loaded = loaded.map_err(|error| Failure::new(cannot_load, error))?;
        Output::Aside.say(&format!("loaded demo data: {loaded}"))?;
        let key = format!("demo-{}", Uuid::new_v4().simple());
        let permissions = [VIEW.to_owned(), CHANGE.to_owned()];
        let hash = TokenKey::new(key.clone()).hash();
        let put = self.table.put_token(&hash, "demo", &permissions, None).await;
        put.map_err(|error| Failure::new("cannot make the demo token", error))?;
        Ok(Some(Demo { key }))
    }
}

/// Binds the address that was asked for.
pub async fn bind(listen: &Listen) -> Result<TcpListener, Failure> {
    let address = listen.listen;
    if !address.ip().is_loopback() && !listen.allow_remote {
        return Err(Failure::new(
            format!("will not listen on {address}"),
            "other machines can reach it, in the clear; add --allow-remote if that is meant",
        ));
    }
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Failure::new(format!("cannot listen on {address}"), error))
}

/// Binds a free port that only this machine can reach.
pub async fn bind_loopback() -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await;
    bound.map_err(|error| Failure::new("cannot listen on a loopback port", error))
}

/// Waits until somebody asks this process to end.
pub async fn until_told_to_end() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

/// `sms-stage dynamodb`.
pub async fn serve(listen: &Listen, data: &Data) -> Result<(), Failure> {
    let listener = bind(listen).await?;
    let engine = Engine::start(listener, data.data.as_deref(), Secrets::Echo).await?;
    let demo = engine.load(&data.load).await?;
    Output::Main.say(&format!("listening on http://{}", engine.address))?;
    Output::Main.say(&format!("table: {TABLE}"))?;
    if let Some(demo) = demo {
        Output::Main.say(&format!("demo token: {}", demo.key))?;
    }
    until_told_to_end().await;
    Ok(())
}
