//! Tests of the function from outside: an event, its answer, and the items stored afterwards.
//!
//! Every call goes through the AWS SDK to a real engine: the embedded one, or the one that the
//! variable `TEST_DYNAMODB` selects. Each test has its own table, so tests can run in parallel.
//! Code that several tests share is in `harness/`; no test imports another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, and the panic says where"
)]

mod harness;

#[path = "../conformance/runner.rs"]
mod conformance;
#[path = "../conformance/sequences.rs"]
mod sequences;

mod architecture;
mod browse;
mod check;
mod command;
mod consistency;
mod contract;
mod data_file;
mod dynamodb_conformance;
mod dynamodb_errors;
mod events;
mod faults;
mod floods;
mod get_delete;
mod history;
mod http;
mod import_file;
mod kill;
mod large_answers;
mod list;
mod listing;
mod load;
mod logs;
mod openapi;
mod operator_policy;
mod parser;
mod permission;
mod policy;
mod precondition;
mod retrieve;
mod route;
mod secrets;
mod serve;
mod settings;
mod small_answers;
mod strict_decoders;
mod table_arguments;
mod terraform;
mod token;
mod update;
