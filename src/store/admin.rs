//! What operators do to the table: make it, put whole stages and rows into it, take stages out.
//!
//! All of it may happen while the function is at work: a stage is written and deleted in one
//! transaction with its name's lock, on the condition of what was read, and rows that stages refer
//! to are never taken out.

mod on_conflict;
mod removal;
mod rows;
mod stages;
mod table;
mod unreadable;

pub use self::{
    on_conflict::OnConflict,
    removal::Removed,
    rows::{Row, RowPut},
    stages::{StageList, StagePut},
    unreadable::UnreadableItem,
};
