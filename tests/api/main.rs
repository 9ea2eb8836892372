//! The function as its clients and its table see it: an event in, an answer out, and what is stored
//! then.
//!
//! Everything runs through the AWS SDK against a real engine: the embedded one, or the one that the
//! variable `TEST_DYNAMODB` names. Each test has a table of its own, so that they run side by side.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says where"
)]

mod harness;

#[path = "../conformance/runner.rs"]
mod conformance;

mod browse;
mod canned;
mod command;
mod engines;
mod events;
mod faults;
mod history;
mod house;
mod kill;
mod logs;
mod methods;
mod openapi;
mod operators;
mod parser;
mod permission;
mod policy;
mod precondition;
mod secrets;
mod settings;
mod writing;
