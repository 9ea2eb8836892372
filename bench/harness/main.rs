//! Measures the function's release binary from outside, as Lambda would run it: a Runtime API of our
//! own asks, and the embedded engine behind TLS answers for DynamoDB.
//!
//! `bench/footprint`, `bench/budget` and `bench/peers/run` build what this needs, and run it.

#![expect(clippy::print_stdout, reason = "what a command says")]

mod dynamodb;
mod function;
mod instructions;
mod peers;
mod process;
mod runtime_api;
mod site;
mod times;

use std::path::Path;

use clap::{Parser, Subcommand};

use self::dynamodb::Dynamodb;

/// What goes wrong ends the measurement.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A failure of ours.
pub fn failure<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(reason.into().into())
}

/// A PATCH of three fields.
pub const PATCH: &str = include_str!("../../events/http-api-patch-200.json");

/// Measures the function's release binary.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Start, first call, warm call, memory and size, beside an empty and a bare function.
    Times(times::Arguments),
    /// Instructions of a start, of the first call and of a warm call, counted by callgrind.
    Instructions(instructions::Arguments),
    /// First answer and warm calls, beside the same endpoint in Node, in Python and in Django.
    Peers(peers::Arguments),
}

// One thread: everything here waits for the function, and it for us.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("harness-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&folder)?;
    let outcome = measure(arguments, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(arguments: Arguments, folder: &Path) -> Result<(), Failure> {
    let dynamodb = Dynamodb::start(folder).await?;
    match arguments.what {
        What::Times(arguments) => times::measure(&arguments, &dynamodb).await,
        What::Instructions(arguments) => instructions::measure(&arguments, folder, &dynamodb).await,
        What::Peers(arguments) => peers::measure(&arguments, folder, &dynamodb).await,
    }
}

/// That the last call went well, and not around what is measured.
pub fn check(answer: &str) -> Result<(), Failure> {
    let answer: serde_json::Value = serde_json::from_str(answer)?;
    if answer.get("statusCode") == Some(&200.into()) {
        Ok(())
    } else {
        failure(format!("answered {answer}"))
    }
}
