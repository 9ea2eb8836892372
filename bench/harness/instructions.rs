//! Instructions instead of time: the same on a busy machine as on a quiet one.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{Failure, PATCH, check, dynamodb::Dynamodb, failure, function::Function};

/// What is counted.
#[derive(Args)]
pub struct Arguments {
    /// The functions' binaries.
    #[arg(required = true)]
    functions: Vec<PathBuf>,
    /// Where callgrind's profile of the last function's last run is to go, for callgrind_annotate.
    #[arg(long, default_value = "/dev/null")]
    profile: PathBuf,
}

/// Calls of which the mean is taken. A hash map's order is random, and a thousandth with it.
const WARM_CALLS: u64 = 50;
/// Tries to count one run.
const TRIES: u32 = 5;

/// What one binary takes.
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

/// Counts for each function, and prints what there is.
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
    /// Counts in three runs, of which each goes on where the one before ends.
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

    /// The instructions from the start until so many calls are answered.
    ///
    /// A connection that took too long is opened again, which costs more than anything else here;
    /// callgrind makes a function fifty times slower, and a busy machine does the rest.
    async fn run(&self, calls: u64) -> Result<u64, Failure> {
        for _ in 0..TRIES {
            self.dynamodb.connections();
            let instructions = self.run_once(calls).await?;
            if self.dynamodb.connections() <= 1 {
                return Ok(instructions);
            }
        }
        failure("the machine is too slow: DynamoDB was connected to more than once each time")
    }

    async fn run_once(&self, calls: u64) -> Result<u64, Failure> {
        let command: Vec<&Path> = self.command.iter().map(PathBuf::as_path).collect();
        let mut function = Function::start(&command, self.dynamodb).await?;
        if calls > 0 {
            check(&function.answer(PATCH, calls.try_into()?).await?)?;
        }
        // What it does after it has asked for the next event counts, too.
        function.processor_time().await?;
        function.end().await?;
        let log = fs::read_to_string(&self.log)?;
        let collected = log.lines().find_map(|line| line.split("Collected : ").nth(1));
        Ok(collected.ok_or("callgrind says nothing")?.trim().parse()?)
    }
}
