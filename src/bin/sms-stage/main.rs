//! `sms-stage`: the function on this machine, and what operators do to its table.

mod browse;
mod engine;
mod files;
mod invoke;
mod load;
mod place;
mod remedy;
mod serve;
mod stage;
mod token;

use std::{
    io::{self, ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
};

use authenticator_sms_stage::store::{self, operate::Existing};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use uuid::Uuid;

use crate::place::Place;

/// authentik's SMS Authenticator Setup Stage endpoint, as a Lambda function over one DynamoDB
/// table.
///
/// serve, invoke and dynamodb run the function's own code on this machine, on an embedded engine, so
/// that nothing else has to be installed. load, token, get and delete work on the function's table:
/// the real one, or an embedded engine's.
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
    /// Serve the endpoint over HTTP on this machine.
    ///
    /// Each HTTP request becomes the event that API Gateway's HTTP API would send, and takes the
    /// function's own way from there. Without --load (and with a new --data file or none) there is a
    /// demo stage to try, and a token and a curl line for it are printed.
    ///
    /// A browser is shown the API at /, where each request can be tried.
    #[command(after_help = "\
Examples:
  sms-stage serve
  sms-stage serve --load tests/conformance/fixture.json --secrets write-only
  sms-stage serve --data stages.db --listen 127.0.0.1:0")]
    Serve {
        #[command(flatten)]
        listen: Listen,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        settings: Settings,
    },
    /// Answer one Lambda event from a file.
    ///
    /// The event takes the way that it takes in the function. Standard output is exactly what the
    /// function would return, as JSON; the log goes to standard error. Every run begins with fresh
    /// data.
    #[command(after_help = "\
Examples:
  sms-stage invoke --load tests/conformance/fixture.json events/http-api-patch-200.json
  sms-stage invoke --load tests/conformance/fixture.json - < event.json")]
    Invoke {
        /// Put the documents of this file in first. May be repeated.
        #[arg(long, value_name = "FILE")]
        load: Vec<PathBuf>,
        #[command(flatten)]
        settings: Settings,
        /// The event, as JSON: an HTTP API (or function URL), REST API or load balancer event. `-`
        /// reads standard input.
        #[arg(value_name = "EVENT.json")]
        event: PathBuf,
    },
    /// Serve only the embedded DynamoDB engine, with the table made.
    ///
    /// For pointing the real function binary or `sam local` at: set AWS_ENDPOINT_URL_DYNAMODB to
    /// the printed address and TABLE_NAME to the printed table. Any credentials are taken.
    #[command(after_help = "\
Example:
  sms-stage dynamodb --listen 127.0.0.1:0 --load tests/conformance/fixture.json")]
    Dynamodb {
        #[command(flatten)]
        listen: Listen,
        #[command(flatten)]
        data: Data,
    },
    /// Put stages, and the flows and mappings that they refer to, into the table.
    ///
    /// A file is what authentik's own API answered (one object, a list, or a page of a list) to GET
    /// /stages/authenticator/sms/, /flows/instances/ or /propertymappings/notification/; or an
    /// object with any of the lists `stages`, `flows`, `mappings` and `tokens`. `-` reads standard
    /// input.
    ///
    /// Nothing is put in if any file has a mistake in it. After that, each document is put in whole
    /// or not at all, whatever the function does meanwhile; one that cannot be is said, and keeps no
    /// other out. Loading again goes on where it ended.
    #[command(after_help = "\
Examples:
  curl -H \"Authorization: Bearer $TOKEN\" \\
    https://authentik.example/api/v3/stages/authenticator/sms/ > stages.json
  curl -H \"Authorization: Bearer $TOKEN\" \\
    https://authentik.example/api/v3/flows/instances/ > flows.json
  sms-stage load stages.json flows.json --table my-table --profile admin

  sms-stage get 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --show-secrets --table my-table > stage.json
  sms-stage load stage.json --replace --table my-table")]
    Load {
        /// Overwrite what is there already. A stage becomes one revision more, and its old name is
        /// free. A stage that somebody changes at the same moment is left to them, and said.
        #[arg(long)]
        replace: bool,
        /// The files to load, in any order.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
    /// Make, list and revoke the bearer tokens that clients send.
    #[command(arg_required_else_help = true)]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Print a stage as the API answers with it.
    ///
    /// Its credentials are masked, unless they are asked for. Its revision goes to standard error.
    #[command(after_help = "\
Example:
  sms-stage get 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table")]
    Get {
        /// Print `auth` and `auth_password`, too.
        #[arg(long)]
        show_secrets: bool,
        /// The stage.
        #[arg(value_name = "STAGE-UUID")]
        stage: Uuid,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a stage, and free its name.
    ///
    /// Asks on a terminal. Without one, it does nothing unless --yes says that it is meant.
    #[command(after_help = "\
Example:
  sms-stage delete 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table --yes")]
    Delete {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// The stage.
        #[arg(value_name = "STAGE-UUID")]
        stage: Uuid,
        #[command(flatten)]
        place: Place,
    },
    /// Print what makes a shell complete this command.
    #[command(after_help = "\
Examples:
  sms-stage completions bash > ~/.local/share/bash-completion/completions/sms-stage
  sms-stage completions fish > ~/.config/fish/completions/sms-stage.fish")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make a token, and show its key this once.
    ///
    /// Only the key goes to standard output. The table keeps its hash, from which nobody gets the
    /// key back.
    #[command(after_help = "\
Examples:
  sms-stage token create --user terraform --table my-table
  sms-stage token create --user dashboard --permission view --expires 30d --table my-table
  sms-stage token create --user helpdesk --expires 2030-01-31T12:00:00Z \\
    --stage 5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9 --table my-table")]
    Create {
        /// Whose token it is. The log names them.
        #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        user: String,
        /// What they may do: view or change, or Django's codename for it. May be repeated. A change
        /// needs both, since its answer shows the stage.
        #[arg(long = "permission", value_name = "CODENAME", value_parser = token::permission, default_values = ["view", "change"])]
        permissions: Vec<String>,
        /// For this stage only. May be repeated. Without it, for all stages.
        #[arg(long = "stage", value_name = "STAGE-UUID")]
        stages: Vec<Uuid>,
        /// When the token ends: a time from now (30d, 12h) or a point in time
        /// (2030-01-31T12:00:00Z). Without it, never.
        #[arg(long, value_name = "WHEN", value_parser = token::expiry)]
        expires: Option<u64>,
        #[command(flatten)]
        place: Place,
    },
    /// List the tokens, by the first digits of their hashes. No key is shown: none is kept.
    ///
    /// Reads the whole table.
    #[command(after_help = "\
Example:
  sms-stage token list --table my-table")]
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Take a token out.
    #[command(after_help = "\
Examples:
  sms-stage token revoke 3b1f0c9a7d42 --table my-table
  sms-stage token revoke - --table my-table < leaked-key.txt")]
    Revoke {
        /// The first 8 or more digits of its hash, as `token list` shows them; or `-`, and its key on
        /// standard input, where it is in no shell's history.
        #[arg(value_name = "HASH-PREFIX|-")]
        token: String,
        #[command(flatten)]
        place: Place,
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
    /// Put the documents of this file in first, as `sms-stage load` does: what is there already is
    /// left as it is. May be repeated.
    #[arg(long, value_name = "FILE")]
    load: Vec<PathBuf>,
}

/// What the function reads from its environment.
#[derive(Args)]
struct Settings {
    /// Whether answers show `auth` and `auth_password`: the function's setting SECRETS.
    #[arg(long, value_enum, default_value_t = Secrets::Echo)]
    secrets: Secrets,
}

#[derive(Clone, Copy, ValueEnum)]
enum Secrets {
    /// Every answer has them.
    Echo,
    /// None has them; a change of provider or account_sid has to bring auth.
    WriteOnly,
}

impl From<Secrets> for store::Secrets {
    fn from(secrets: Secrets) -> Self {
        match secrets {
            Secrets::Echo => Self::Echo,
            Secrets::WriteOnly => Self::WriteOnly,
        }
    }
}

/// A failure, in words for the person at the terminal: a line for each thing that went wrong.
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
    let failure = match run(Cli::parse().command).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failure) => failure,
    };
    for line in failure.0.lines() {
        // There is nobody left to tell that this cannot be told.
        let _ = Output::Aside.say(&format!("sms-stage: {line}"));
    }
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve { listen, data, settings } => {
            serve::serve(&listen, &data, settings.secrets.into()).await
        }
        Command::Invoke { load, settings, event } => {
            invoke::invoke(&load, &event, settings.secrets.into()).await
        }
        Command::Dynamodb { listen, data } => engine::serve(&listen, &data).await,
        Command::Load { replace, place, files } => {
            let existing = if replace { Existing::Replace } else { Existing::Leave };
            load::load(&place, &files, existing).await
        }
        Command::Token { command } => match command {
            TokenCommand::Create { user, permissions, stages, expires, place } => {
                token::create(&place, token::Order { user, permissions, stages, expires }).await
            }
            TokenCommand::List { place } => token::list(&place).await,
            TokenCommand::Revoke { place, token } => token::revoke(&place, &token).await,
        },
        Command::Get { show_secrets, place, stage } => {
            stage::get(&place, stage, show_secrets).await
        }
        Command::Delete { yes, place, stage } => stage::delete(&place, stage, yes).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sms-stage", &mut script);
            Output::Main.say(String::from_utf8_lossy(&script).trim_end())
        }
    }
}

/// Where something is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    /// Standard output, for what the command is there for.
    Main,
    /// Standard error, where it is in no pipe's way.
    Aside,
}

impl Output {
    /// Says it, in lines of its own.
    ///
    /// A reader that has had enough and closed the pipe is no failure; a full disk is.
    fn say(self, words: &str) -> Result<(), Failure> {
        let said = match self {
            Self::Main => writeln!(io::stdout(), "{words}"),
            Self::Aside => writeln!(io::stderr(), "{words}"),
        };
        match said {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::new("cannot write the output", error))
            }
            _ => Ok(()),
        }
    }
}
