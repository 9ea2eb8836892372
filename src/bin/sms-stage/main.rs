//! `sms-stage`: the function on this machine, and what operators do to its table.

mod account;
mod advice;
mod audit;
mod browse;
mod check;
mod data_args;
mod data_file;
mod delete;
mod demo;
mod dynamodb;
mod engine;
mod files;
mod get;
mod http_api;
mod invoke;
mod list;
mod listen;
mod load;
mod output;
mod progress;
mod serve;
mod settings;
mod stage_argument;
mod table_args;
mod terminal_log;
mod text_table;
mod token;

use std::{process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::output::{Failure, stdout};

/// Time for what blocks a thread at the end, such as standard input: its result is for no one.
const LAST_WAIT: Duration = Duration::from_millis(100);

/// authentik's SMS Authenticator Setup Stage as a Lambda function over one DynamoDB table.
///
/// serve, invoke and dynamodb run the function's own code on this machine, on an embedded engine, so
/// that nothing else has to be installed. All other commands work on the function's table: the real
/// one, or an embedded engine's in a file.
#[derive(Parser)]
#[command(name = "sms-stage", version, arg_required_else_help = true)]
#[command(after_help = "\
Try it:
  sms-stage serve                                  then paste the curl line that it prints

Put it to work:
  sms-stage load stages.json --table my-table      from the answers of authentik's own API
  sms-stage token create --user terraform --table my-table")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Invoke(invoke::InvokeArgs),
    Dynamodb(dynamodb::DynamodbArgs),
    Load(load::LoadArgs),
    List(list::ListArgs),
    Get(get::GetArgs),
    Delete(delete::DeleteArgs),
    Token(token::TokenArgs),
    Check(check::CheckArgs),
    Completions(CompletionsArgs),
}

/// Print what makes a shell complete this command.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sms-stage completions bash > ~/.local/share/bash-completion/completions/sms-stage
  sms-stage completions fish > ~/.config/fish/completions/sms-stage.fish")]
struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(run(command));
            runtime.shutdown_timeout(LAST_WAIT);
            ended
        }
        Err(error) => Err(Failure::new("cannot start", error)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Invoke(args) => invoke::run(args).await,
        Command::Dynamodb(args) => dynamodb::run(args).await,
        Command::Load(args) => load::run(args).await,
        Command::List(args) => list::run(args).await,
        Command::Get(args) => get::run(args).await,
        Command::Delete(args) => delete::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Completions(args) => complete(args.shell),
    }
}

fn complete(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sms-stage", &mut script);
    stdout(String::from_utf8_lossy(&script).trim_end())
}
