//! CPU time and memory of a list and of a PATCH, with increasing numbers of stages in the table.

use std::{ffi::OsStr, fs, path::Path, path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    Failure, PATCH, check,
    dynamodb::Dynamodb,
    function::Function,
    table::{self, event},
};

/// The function, and the number of calls.
#[derive(Args)]
pub struct Arguments {
    /// The function's binary.
    function: PathBuf,
    /// How many lists are measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    lists: u32,
    /// How many PATCHes are measured.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    patches: u32,
}

/// Numbers of stages in the table, each with one flow.
const STAGES: [u64; 3] = [10, 1000, 100_000];

/// Measures with each number of stages, and prints a line for each.
pub async fn measure(arguments: &Arguments, folder: &Path) -> Result<(), Failure> {
    println!(
        "{:>8} {:>10} {:>14} {:>18} {:>18} {:>19} {:>14}",
        "stages",
        "MB",
        "requests",
        "list, ms of CPU",
        "PATCH, ms of CPU",
        "MB before the list",
        "MB after it"
    );
    for stages in STAGES {
        let folder = folder.join(stages.to_string());
        fs::create_dir(&folder)?;
        measure_with(arguments, &folder, stages).await?;
    }
    Ok(())
}

async fn measure_with(arguments: &Arguments, folder: &Path, stages: u64) -> Result<(), Failure> {
    let dynamodb = Dynamodb::start(folder).await?;
    let bytes =
        table::fill(&dynamodb.database, (1..=stages).map(|number| table::stage(number, 1)))?;
    let mut function = Function::start::<&OsStr>(&[&arguments.function], &[], &dynamodb).await?;
    // The first calls look up the tokens, and run code for the first time.
    check(&function.call(PATCH, arguments.patches).await?, 200)?;
    let patch = time_of(&mut function, PATCH, arguments.patches).await?;
    let memory_before = function.peak_memory_kilobytes()?;
    let list = event("GET", None, "", None)?;
    check(&function.call(&list, 1).await?, 200)?;
    let memory_after = function.peak_memory_kilobytes()?;
    dynamodb.operations();
    let lists = time_of(&mut function, &list, arguments.lists).await?;
    let requests = dynamodb.operations().len() / usize::try_from(arguments.lists)?;
    function.end().await?;
    println!(
        "{stages:8} {:10.2} {requests:14} {:18.3} {:18.3} {:19.1} {:14.1}",
        megabytes(bytes)?,
        lists.as_secs_f64() * 1000.0,
        patch.as_secs_f64() * 1000.0,
        megabytes(usize::try_from(memory_before)? * 1024)?,
        megabytes(usize::try_from(memory_after)? * 1024)?,
    );
    Ok(())
}

/// The average CPU time of these calls.
async fn time_of(function: &mut Function, event: &str, calls: u32) -> Result<Duration, Failure> {
    let before = function.processor_time().await?;
    check(&function.call(event, calls).await?, 200)?;
    Ok(function.processor_time().await?.saturating_sub(before) / calls)
}

fn megabytes(bytes: usize) -> Result<f64, Failure> {
    Ok(f64::from(u32::try_from(bytes)?) / 1e6)
}
