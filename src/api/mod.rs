//! The API of the function: one file for each operation.

pub mod answer;
pub mod app;
pub mod authenticate;
pub mod context;
mod create;
mod destroy;
pub mod error;
mod list;
mod lookup;
mod problems;
mod retrieve;
pub mod route;
mod summary;
mod update;
mod used_by;

pub use self::app::{App, Settings};
