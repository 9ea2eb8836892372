//! What a stage is, and what a change makes of it. Knows no HTTP, no DynamoDB and no release of
//! authentik.

pub mod apply;
pub mod body;
pub mod field;
pub mod filter;
pub mod flow;
pub mod order;
pub mod paging;
pub mod parse;
pub mod patch;
pub mod problem;
pub mod rules;
pub mod search;
pub mod size;
#[expect(clippy::module_inception, reason = "the file is named for the type in it")]
pub mod stage;
pub mod value;
pub mod version;
