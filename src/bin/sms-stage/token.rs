//! `sms-stage token`: creates, lists and revokes tokens.

mod create;
mod list;
mod revoke;
mod text;

use clap::{Args, Subcommand};

use crate::output::Failure;

/// Create, list and revoke the bearer tokens that clients send.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Revoke(revoke::RevokeArgs),
}

/// Runs the command.
pub async fn run(args: TokenArgs) -> Result<(), Failure> {
    match args.command {
        TokenCommand::Create(args) => create::run(args).await,
        TokenCommand::List(args) => list::run(args).await,
        TokenCommand::Revoke(args) => revoke::run(args).await,
    }
}
