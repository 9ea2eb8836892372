//! Operators' work on the table: create it, put whole stages and rows into it, delete stages.
//!
//! All of it may happen while the function is running: a stage is written or deleted in one
//! transaction with the lock of its name, on the condition that it has not changed since it was
//! read, and rows that stages refer to are never deleted.

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
