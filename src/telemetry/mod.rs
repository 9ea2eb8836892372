//! What is written about requests. Fed facts; asks no other room.

pub mod audit;
pub mod log;
pub mod metrics;
