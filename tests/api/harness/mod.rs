//! Helpers for the tests: a function with its own table, requests and answers, and ways to inspect
//! the table.
//!
//! Most tests use the library's API only through `library.rs`. Only `key.rs` contains the form of
//! the table's keys.

mod answer;
mod app;
mod assertions;
pub mod bench;
pub mod calls;
pub mod command;
pub mod dynamodb;
pub mod engine;
mod fixture;
pub mod history;
mod invariants;
mod item;
pub mod key;
pub mod library;
mod log;
pub mod policy;
mod port;
mod recording;
mod request;
pub mod small_answers;
mod snapshot;
mod table;

pub use self::{
    answer::{Answer, NAME_TAKEN, TOO_LARGE, detail, does_not_exist, invalid, not_found},
    app::{LONG, OtherClient, TestApp, TestSettings, call_within, invocation_of},
    assertions::{assert_refused, assert_updated},
    fixture::{
        CONFIGURE_FLOW, FIXTURE, GOOD, MANAGER, MAPPING, NEW_STAGE, OTHER_STAGE, RECOVERY_FLOW,
        SETUP_FLOW, STAGE, THIRD_STAGE, UNKNOWN, VIEWER, flow, form, new_stage, own_flow,
        stage_with, whole_document, with,
    },
    invariants::{check_invariants, violations},
    item::{Item, document, entity_tag, plain_item, revision, write_ids},
    key::{Key, Kind},
    log::{SECRETS, logged},
    port::ClosedPort,
    recording::{RecordedCall, RecordingClient},
    request::{Request, TRIGGERS, Trigger},
    snapshot::{Snapshot, read_snapshot, without_stage},
    table::{TABLE_PREFIX, TestTable, remove_table, run_id},
};
