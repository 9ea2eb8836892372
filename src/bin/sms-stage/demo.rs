//! The demo data, for when no data was loaded, and its token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authenticator_sms_stage::{
    access::{
        caller::Caller,
        permission::{ADD, CHANGE, DELETE, VIEW, VIEW_FLOW},
        token::{Token, TokenHash, TokenKey},
    },
    import::file::Documents,
    store::{Table, admin::OnConflict},
};
use uuid::Uuid;

use crate::{files, output::Failure};

/// A stage and the rows that it refers to, without a token: each start creates a new one.
const DATA: &str = include_str!("demo.json");

/// The UUID of the demo's stage.
pub const STAGE: &str = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";

/// The token's user.
const USER: &str = "demo";
/// What the token permits: everything.
const PERMISSIONS: [&str; 5] = [VIEW, ADD, CHANGE, DELETE, VIEW_FLOW];
/// Lifetime of the token, in case the process is killed before it can delete it.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// A demo's token, for as long as the process runs.
pub struct Demo {
    /// The token's key.
    pub key: String,
    hash: TokenHash,
}

impl Demo {
    /// Loads the demo's data into the table, and creates its token.
    pub async fn start(table: &Table) -> Result<Self, Failure> {
        let documents = Documents::parse(DATA.as_bytes());
        let documents =
            documents.map_err(|error| Failure::new("cannot read the demo data", error))?;
        files::load_documents_quietly("demo data", table, documents).await?;
        let key = format!("demo-{}", Uuid::new_v4().simple());
        let hash = TokenKey::new(key.clone()).hash();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let token = Token {
            caller: caller(),
            created: Some(now),
            expires: Some(now + TOKEN_LIFE.as_secs()),
        };
        let put = table.session().put_token(&hash, &token, OnConflict::Skip).await;
        // No other item can have the hash of a new key.
        put.map(|_| Self { key, hash })
            .map_err(|error| Failure::new("cannot create the demo token", error))
    }
}

/// Deletes the demo's token, if there is a demo.
pub async fn end(demo: Option<Demo>, table: &Table) -> Result<(), Failure> {
    let Some(demo) = demo else {
        return Ok(());
    };
    let deleted = table.session().delete_token(&demo.hash).await;
    deleted.map(|_| ()).map_err(|error| Failure::new("cannot delete the demo token", error))
}

fn caller() -> Caller {
    Caller::new(Some(USER.to_owned()), PERMISSIONS.map(str::to_owned).to_vec())
}

/// Deletes the tokens of demos whose processes were killed.
pub async fn delete_earlier_tokens(table: &Table) -> Result<(), Failure> {
    let cannot = |error| Failure::new("cannot delete the demo's earlier tokens", error);
    let session = table.session();
    for (hash, token) in session.tokens().await.map_err(cannot)?.tokens {
        let life = token.created.zip(token.expires).map(|(start, end)| end.saturating_sub(start));
        if token.caller == caller() && life == Some(TOKEN_LIFE.as_secs()) {
            session.delete_token(&hash).await.map_err(cannot)?;
        }
    }
    Ok(())
}
