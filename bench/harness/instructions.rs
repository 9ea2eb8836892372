//! Instructions, counted by callgrind: unlike times, the same on a busy machine as on a quiet one.

use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{Failure, PATCH, check, dynamodb::Dynamodb, failure, function::Function};

/// The functions, and where a profile goes.
#[derive(Args)]
pub struct Arguments {
    /// The functions' binaries.
    #[arg(required = true)]
    functions: Vec<PathBuf>,
    /// File for callgrind's profile of the last function's last run, for callgrind_annotate.
    #[arg(long, default_value = "/dev/null")]
    profile: PathBuf,
}

/// Number of calls that are averaged: the order in a hash map is random, which makes a difference of
/// about a thousandth.
const WARM_CALLS: u64 = 50;
/// Maximum number of attempts to count one run.
const ATTEMPTS: u32 = 5;

/// The counts of one binary.
pub struct Instructions {
    function: PathBuf,
    start: u64,
    first_call: u64,
    warm_call: u64,
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, start, first_call, warm_call } = self;
        let function = function.display();
        write!(f, "{function}: start {start}, first call {first_call}, warm call {warm_call}")
    }
}

/// Counts for each function, and prints the counts.
pub async fn measure(
    arguments: &Arguments,
    folder: &Path,
    dynamodb: &Dynamodb,
) -> Result<(), Failure> {
    let log = folder.join("callgrind.log");
    let options = [
        "valgrind".into(),
        "--tool=callgrind".into(),
        format!("--callgrind-out-file={}", arguments.profile.display()),
        format!("--log-file={}", log.display()),
    ];
    for function in &arguments.functions {
        let mut command: Vec<PathBuf> = options.iter().map(PathBuf::from).collect();
        command.push(function.clone());
        let counter = Counter { command, log: log.clone(), dynamodb };
        println!("{}", counter.count(function).await?);
    }
    Ok(())
}

/// Runs one function under callgrind.
struct Counter<'d> {
    command: Vec<PathBuf>,
    log: PathBuf,
    dynamodb: &'d Dynamodb,
}

impl Counter<'_> {
    /// Counts in three runs, each longer than the one before; the differences are the calls.
    async fn count(&self, function: &Path) -> Result<Instructions, Failure> {
        let start = self.run(0).await?;
        let one_call = self.run(1).await?;
        let all_calls = self.run(1 + WARM_CALLS).await?;
        Ok(Instructions {
            function: function.to_owned(),
            start,
            first_call: one_call.saturating_sub(start),
            warm_call: all_calls.saturating_sub(one_call) / WARM_CALLS,
        })
    }

    /// The instructions from the start until `calls` calls are answered.
    ///
    /// Callgrind makes a function fifty times slower. On a busy machine the connection may then time out
    /// and be opened again, which takes more instructions than anything else here: such a run is repeated.
    async fn run(&self, calls: u64) -> Result<u64, Failure> {
        for _ in 0..ATTEMPTS {
            self.dynamodb.connections();
            let instructions = self.run_once(calls).await?;
            if self.dynamodb.connections() <= 1 {
                return Ok(instructions);
            }
        }
        failure("the machine is too slow: every run opened more than one connection to DynamoDB")
    }

    async fn run_once(&self, calls: u64) -> Result<u64, Failure> {
        let command: Vec<&Path> = self.command.iter().map(PathBuf::as_path).collect();
        let mut function = Function::start::<&OsStr>(&command, &[], self.dynamodb).await?;
        if calls > 0 {
            check(&function.call(PATCH, calls.try_into()?).await?)?;
        }
        // Work after the question for the next event belongs to the call as well.
        function.processor_time().await?;
        function.end().await?;
        let log = fs::read_to_string(&self.log)?;
        let collected = log.lines().find_map(|line| line.split("Collected : ").nth(1));
        Ok(collected.ok_or("callgrind printed no count")?.trim().parse()?)
    }
}
