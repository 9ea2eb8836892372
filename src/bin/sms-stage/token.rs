//! `sms-stage token`: who may do what, and until when.

mod create;
mod list;
mod revoke;
mod words;

use clap::{Args, Subcommand};

use crate::output::Failure;

/// Make, list and revoke the bearer tokens that clients send.
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

/// Does what the command says.
pub async fn run(args: TokenArgs) -> Result<(), Failure> {
    match args.command {
        TokenCommand::Create(args) => create::run(args).await,
        TokenCommand::List(args) => list::run(args).await,
        TokenCommand::Revoke(args) => revoke::run(args).await,
    }
}
