//! What is logged about requests. Uses no other module.

pub mod audit;
pub mod log;
pub mod metrics;
