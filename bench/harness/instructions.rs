//! Instructions, counted by callgrind. Unlike times, they do not depend on the machine's load.

use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
};

use clap::Args;
use uuid::Uuid;

use crate::{
    Failure, PATCH, check,
    dynamodb::Dynamodb,
    events::{create_event, stage_key},
    failure,
    function::Function,
    table::event,
};

/// The functions, and the file for a profile.
#[derive(Args)]
pub struct Arguments {
    /// The functions' binaries.
    #[arg(required = true)]
    functions: Vec<PathBuf>,
    /// File for callgrind's profile of the last function's last run, for callgrind_annotate.
    #[arg(long, default_value = "/dev/null")]
    profile: PathBuf,
}

/// Number of calls that are averaged: the order in a hash map is random, which makes a difference
/// of about a thousandth.
const CALLS: u64 = 50;
/// Maximum number of attempts to count one run.
const ATTEMPTS: u32 = 20;

/// The counts of one binary.
pub struct Instructions {
    function: PathBuf,
    start: u64,
    first_call: u64,
    warm_call: u64,
    list: u64,
    create: u64,
    destroy: u64,
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, start, first_call, warm_call, list, create, destroy } = self;
        let function = function.display();
        write!(
            f,
            "{function}: start {start}, first call {first_call}, warm call {warm_call}, \
             list {list}, create {create}, destroy {destroy}"
        )
    }
}

/// Counts the instructions of each function, and prints the counts.
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

/// The numbers of calls in one run, in their order.
#[derive(Clone, Copy, Default)]
struct Calls {
    patches: u64,
    lists: u64,
    creates: u64,
    destroys: u64,
}

impl Calls {
    /// Makes the calls. Each stage has a new name, because stages of earlier runs may exist.
    async fn make(self, function: &mut Function) -> Result<(), Failure> {
        for _ in 0..self.patches {
            check(&function.call(PATCH, 1).await?, 200)?;
        }
        for _ in 0..self.lists {
            check(&function.call(&event("GET", None, "", None)?, 1).await?, 200)?;
        }
        let mut created = Vec::new();
        for _ in 0..self.creates {
            let name = Uuid::new_v4().to_string();
            let answer = function.call(&create_event(&name)?, 1).await?;
            check(&answer, 201)?;
            created.push(stage_key(&answer)?);
        }
        for stage in created.iter().rev().take(self.destroys.try_into()?) {
            check(&function.call(&event("DELETE", Some(stage), "", None)?, 1).await?, 204)?;
        }
        Ok(())
    }
}

/// Runs one function under callgrind.
struct Counter<'d> {
    command: Vec<PathBuf>,
    log: PathBuf,
    dynamodb: &'d Dynamodb,
}

impl Counter<'_> {
    /// Counts in runs that have the same first calls, so that differences are due to the others.
    async fn count(&self, function: &Path) -> Result<Instructions, Failure> {
        let none = Calls::default();
        let start = self.run(none).await?;
        let patch = self.run(Calls { patches: 1, ..none }).await?;
        let patches = self.run(Calls { patches: 1 + CALLS, ..none }).await?;
        // Before stages are created and stay in the table: each list has the fixture's stages.
        let list = self.run(Calls { lists: 1, ..none }).await?;
        let lists = self.run(Calls { lists: 1 + CALLS, ..none }).await?;
        let create = self.run(Calls { creates: 1, ..none }).await?;
        let creates = self.run(Calls { creates: 1 + CALLS, ..none }).await?;
        let destroys = self.run(Calls { creates: 1 + CALLS, destroys: CALLS, ..none }).await?;
        let per_call = |longer: u64, shorter| longer.saturating_sub(shorter) / CALLS;
        Ok(Instructions {
            function: function.to_owned(),
            start,
            first_call: patch.saturating_sub(start),
            warm_call: per_call(patches, patch),
            list: per_call(lists, list),
            create: per_call(creates, create),
            destroy: per_call(destroys, creates),
        })
    }

    /// The instructions from the start until these calls are answered.
    ///
    /// Callgrind makes a function fifty times slower. On a busy machine, the connection may then
    /// time out and be opened again, which takes more instructions than anything else here. Such a
    /// run is repeated.
    async fn run(&self, calls: Calls) -> Result<u64, Failure> {
        for _ in 0..ATTEMPTS {
            self.dynamodb.connections();
            let instructions = self.run_once(calls).await?;
            if self.dynamodb.connections() <= 1 {
                return Ok(instructions);
            }
        }
        failure("the machine is too slow: every run opened more than one connection to DynamoDB")
    }

    async fn run_once(&self, calls: Calls) -> Result<u64, Failure> {
        let command: Vec<&Path> = self.command.iter().map(PathBuf::as_path).collect();
        let mut function = Function::start::<&OsStr>(&command, &[], self.dynamodb).await?;
        calls.make(&mut function).await?;
        // Work after the request for the next event belongs to the call as well.
        function.processor_time().await?;
        function.end().await?;
        let log = fs::read_to_string(&self.log)?;
        let collected = log.lines().find_map(|line| line.split("Collected : ").nth(1));
        Ok(collected.ok_or("callgrind printed no count")?.trim().parse()?)
    }
}
