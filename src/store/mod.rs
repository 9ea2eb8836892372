//! The DynamoDB table: reads, and conditional writes without lost updates.
//!
//! | kind | id | holds |
//! |---|---|---|
//! | `STAGE` | uuid | a stage's document, its revision, the ids of its last four writes |
//! | `NAME` | SHA-256 of the name | which stage owns the name |
//! | `FLOW`, `MAPPING` | uuid | what a stage may refer to |
//! | `TOKEN` | SHA-256 of the key | the token's user, permissions and expiry |
//!
//! Each item has a schema version (attribute `schema`), which every write of the function requires.

#[cfg(feature = "local")]
pub mod admin;
#[cfg(feature = "local")]
pub mod check;
pub mod client;
mod delete;
pub mod endpoint;
pub mod error;
mod expression;
mod get;
mod insert;
pub mod item;
mod item_size;
pub mod key;
mod list;
mod query;
mod retry;
pub mod schema;
mod session;
mod table;
#[cfg(feature = "local")]
pub mod time;
#[cfg(feature = "local")]
pub mod tokens;
mod transaction;
mod update;
mod verify;
mod watch;

pub use self::{
    delete::Deleted,
    insert::Inserted,
    list::{Documents, DocumentsTooLarge, Selection},
    session::{Session, entity_tag},
    table::Table,
    update::Updated,
};
