//! Stages, their fields and the changes to them. Nothing here depends on HTTP, on DynamoDB or on a
//! release of authentik.

pub mod apply;
pub mod body;
pub mod echo;
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
#[expect(clippy::module_inception, reason = "the file is named after its type")]
pub mod stage;
pub mod value;
pub mod version;
