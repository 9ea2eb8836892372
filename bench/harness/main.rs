//! Measures the function's release binary from outside, as Lambda runs it: with a Runtime API that
//! sends it events, and the embedded engine behind TLS in place of DynamoDB.
//!
//! `bench/footprint`, `bench/budget` and `bench/peers/run` build what it needs, and run it.

#![expect(clippy::print_stdout, reason = "the results of a command go to standard output")]

mod django;
mod dynamodb;
mod events;
mod function;
mod growth;
mod instructions;
mod process;
mod requests;
mod runtime_api;
#[path = "../table.rs"]
mod table;
mod times;

use std::path::Path;

use clap::{Parser, Subcommand};

use self::dynamodb::Dynamodb;

pub use self::table::Failure;

/// An error of the harness itself.
pub fn failure<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(reason.into().into())
}

/// A PATCH of three fields.
pub const PATCH: &str = include_str!("../../events/http-api-patch-200.json");

/// Measures the function's release binary.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start, first call, warm call, memory and size, compared with an empty and a bare function.
    Times(times::Arguments),
    /// Instructions of a start, of the first call and of a warm call, counted by callgrind.
    Instructions(instructions::Arguments),
    /// Requests to DynamoDB for each operation.
    Requests(requests::Arguments),
    /// A list and a PATCH with 10, 1,000 and 100,000 stages in the table.
    Growth(growth::Arguments),
    /// First answer and warm calls, compared with the same endpoint in Django.
    Django(django::Arguments),
}

// One thread: the harness and the function wait for each other in turn.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("harness-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&folder)?;
    let result = run(arguments.command, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    result
}

async fn run(command: Command, folder: &Path) -> Result<(), Failure> {
    let dynamodb = async || Dynamodb::start(folder).await;
    match command {
        Command::Times(arguments) => times::measure(&arguments, &dynamodb().await?).await,
        Command::Instructions(arguments) => {
            instructions::measure(&arguments, folder, &dynamodb().await?).await
        }
        Command::Requests(arguments) => requests::measure(&arguments, &dynamodb().await?).await,
        Command::Growth(arguments) => growth::measure(&arguments, folder).await,
        Command::Django(arguments) => django::measure(&arguments, folder, &dynamodb().await?).await,
    }
}

/// Fails unless a function's answer has this status.
pub fn check(answer: &str, status: u16) -> Result<(), Failure> {
    let answer: serde_json::Value = serde_json::from_str(answer)?;
    if answer.get("statusCode") == Some(&status.into()) {
        Ok(())
    } else {
        failure(format!("answered {answer}"))
    }
}
