//! `sms-stage`: the function on this machine, and what operators do to its table.

mod engine;
mod invoke;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// authentik's SMS Authenticator Setup Stage endpoint, as a Lambda function over one DynamoDB
/// table.
///
/// This command runs the function's own code on this machine, on an embedded engine, so that
/// nothing else has to be installed.
#[derive(Parser)]
#[command(name = "sms-stage", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the endpoint over HTTP on this machine.
    ///
    /// Each HTTP request becomes the event that API Gateway's HTTP API would send, and takes the
    /// function's own way from there. Without --load (and with a new --data file or none) there is a
    /// demo stage to try, and a token and a curl line for it are printed.
    #[command(after_help = "Example:\n  sms-stage serve --load tests/conformance/fixture.json")]
    Serve {
        #[command(flatten)]
        listen: Listen,
        #[command(flatten)]
        data: Data,
    },
    /// Answer one Lambda event from a file.
    ///
    /// The event takes the way that it takes in the function. Standard output is exactly what the
    /// function would return, as JSON; the log goes to standard error. Every run begins with fresh
    /// data.
    #[command(
        after_help = "Example:\n  sms-stage invoke --load tests/conformance/fixture.json events/http-api-patch-200.json"
    )]
    Invoke {
        /// Put the stages, flows, mappings and tokens of this file in first. May be repeated.
        #[arg(long, value_name = "FILE")]
        load: Vec<PathBuf>,
        /// The event, as JSON: an HTTP API (or function URL), REST API or load balancer event. `-`
        /// reads standard input.
        #[arg(value_name = "EVENT.json")]
        event: PathBuf,
    },
    /// Serve only the embedded DynamoDB engine, with the table made.
    ///
    /// For pointing the real function binary or `sam local` at: set AWS_ENDPOINT_URL_DYNAMODB to
    /// the printed address and TABLE_NAME to the printed table. Any credentials are taken.
    #[command(
        after_help = "Example:\n  sms-stage dynamodb --listen 127.0.0.1:0 --load tests/conformance/fixture.json"
    )]
    Dynamodb {
        #[command(flatten)]
        listen: Listen,
        #[command(flatten)]
        data: Data,
    },
}

/// Where to listen.
#[derive(Args)]
struct Listen {
    /// The address to listen on. Port 0 picks a free port, which is then printed.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    listen: std::net::SocketAddr,
    /// Let --listen name an address that other machines can reach. There is no TLS here, and a
    /// token sent in the clear is a token given away.
    #[arg(long)]
    allow_remote: bool,
}

/// What data there is.
#[derive(Args)]
struct Data {
    /// Keep the data in this file. Without it, everything is in memory and gone at the end.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Put the stages, flows, mappings and tokens of this file in first. May be repeated. A stage
    /// that is there already is left as it is.
    #[arg(long, value_name = "FILE")]
    load: Vec<PathBuf>,
}

/// A failure, in words for the person at the terminal.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    /// What was being done, and why it did not work.
    fn new(doing: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self(format!("{doing}: {cause}"))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve { listen, data } => serve::serve(&listen, &data).await,
        Command::Invoke { load, event } => invoke::invoke(&load, &event).await,
        Command::Dynamodb { listen, data } => engine::serve(&listen, &data).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(words)) => {
            say_aside(&format!("sms-stage: {words}"));
            ExitCode::FAILURE
        }
    }
}

/// Says something on standard output, which is this command's own.
#[expect(clippy::print_stdout, reason = "a command talks to the person at the terminal")]
fn say(words: &str) {
    println!("{words}");
}

/// Says something on standard error, where it is in no pipe's way.
#[expect(clippy::print_stderr, reason = "a command talks to the person at the terminal")]
fn say_aside(words: &str) {
    eprintln!("{words}");
}
