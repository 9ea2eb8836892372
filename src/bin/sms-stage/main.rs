//! `sms-stage`: runs the function on this machine, and manages its table.

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

/// Time that blocked threads, such as one reading standard input, get at exit. No result is used.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// authentik's SMS Authenticator Setup Stage as a Lambda function over one DynamoDB table.
///
/// serve and invoke run the function's own code on this machine, on an embedded DynamoDB engine, so
/// that nothing else has to be installed; dynamodb runs only that engine. load, list, get, delete,
/// token and check work on the function's table (--table), or on the file of serve --data (--data).
#[derive(Parser)]
#[command(name = "sms-stage", version, arg_required_else_help = true)]
#[command(after_help = "\
Try it:
  sms-stage serve                                  then run the curl command that it prints

Use it in AWS:
  sms-stage load stages.json --table my-table      from answers of authentik's API
  sms-stage token create --user terraform --permission view,add,change,delete --table my-table")]
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

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sms-stage completions bash > ~/.local/share/bash-completion/completions/sms-stage
  sms-stage completions fish > ~/.config/fish/completions/sms-stage.fish")]
struct CompletionsArgs {
    /// The shell to complete commands in.
    shell: Shell,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(run(command));
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
            ended
        }
        Err(error) => Err(Failure::new("cannot start", error)),
    };
    match ended {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    let ended = match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Invoke(args) => invoke::run(args).await,
        Command::Dynamodb(args) => dynamodb::run(args).await,
        Command::Load(args) => load::run(args).await,
        Command::List(args) => list::run(args).await,
        Command::Get(args) => get::run(args).await,
        Command::Delete(args) => delete::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Check(args) => return check::run(args).await,
        Command::Completions(args) => complete(args.shell),
    };
    ended.map(|()| ExitCode::SUCCESS)
}

fn complete(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sms-stage", &mut script);
    stdout(String::from_utf8_lossy(&script).trim_end())
}
