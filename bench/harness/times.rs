//! Start, first call, warm call, memory and size of three functions, measured in turn.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use clap::Args;

use crate::{Failure, PATCH, check, dynamodb::Dynamodb, function::Function};

/// The functions, and the number of calls.
#[derive(Args)]
pub struct Arguments {
    /// The function's binary.
    #[arg(long)]
    function: PathBuf,
    /// The binary of a function that does nothing.
    #[arg(long)]
    empty: PathBuf,
    /// The binary of a function that makes one `UpdateItem` and nothing else.
    #[arg(long)]
    bare: PathBuf,
    /// How many times each is started.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How many warm calls are measured after each start.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    calls: u32,
}

/// Number of calls before the measured ones.
const CALLS_TO_WARM_UP: u32 = 20;

/// The figures of one start, in milliseconds and megabytes (of 1,000,000 bytes).
#[derive(Clone, Copy, Default)]
struct Sample {
    start: f64,
    start_not_connected: f64,
    start_on_processor: f64,
    first_call: f64,
    warm_call: f64,
    peak_memory: f64,
}

/// Measures all three, and prints the medians and their ratios.
pub async fn measure(arguments: &Arguments, dynamodb: &Dynamodb) -> Result<(), Failure> {
    let binaries = [&*arguments.function, &*arguments.empty, &*arguments.bare];
    let mut samples = binaries.map(|_| Vec::new());
    for run in 0..=arguments.runs {
        let round = round(binaries, run, arguments.calls, dynamodb).await?;
        // The first start of each function reads its file from the disk.
        if run > 0 {
            for (sample, samples) in round.into_iter().zip(&mut samples) {
                samples.push(sample);
            }
        }
    }
    println!(
        "medians of {} starts, {} warm calls after each; the three in turn\n",
        arguments.runs, arguments.calls
    );
    println!(
        "{:40} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "", "function", "empty", "bare", "/ empty", "/ bare"
    );
    let row = |name: &str, figure: fn(&Sample) -> f64| {
        print_row(name, samples.each_ref().map(|samples| median(samples, figure)));
    };
    row("exec to first poll, ms", |sample| sample.start);
    row("  not connected, ms", |sample| sample.start_not_connected);
    row("exec to first poll, ms of CPU", |sample| sample.start_on_processor);
    row("first call, ms of CPU", |sample| sample.first_call);
    row("warm call, ms of CPU", |sample| sample.warm_call);
    row("peak memory, MB", |sample| sample.peak_memory);
    let [function, empty, bare] = binaries;
    let sizes = [size(function)?, size(empty)?, size(bare)?];
    print_row("binary, MB", sizes.map(|(raw, _)| raw));
    print_row("binary, zipped, MB", sizes.map(|(_, zipped)| zipped));
    Ok(())
}

/// Measures each function once with a connection opened at its start, and once without.
///
/// Each start follows another function's calls and finds the processor's caches cold. How cold
/// depends on the function before it, so the order changes from round to round, until each function
/// has followed each of the others equally often.
async fn round(
    binaries: [&Path; 3],
    run: u32,
    calls: u32,
    dynamodb: &Dynamodb,
) -> Result<[Sample; 3], Failure> {
    let mut samples = [Sample::default(); 3];
    let mut turns: Vec<_> = binaries.into_iter().zip(&mut samples).collect();
    turns.rotate_left(usize::try_from(run % 3)?);
    if run % 2 == 1 {
        turns.reverse();
    }
    for (binary, figures) in &mut turns {
        **figures = sample(binary, calls, &[], dynamodb).await?;
    }
    for (binary, figures) in &mut turns {
        let not_connected = [("CONNECT_AT_START", "no")];
        figures.start_not_connected = sample(binary, calls, &not_connected, dynamodb).await?.start;
    }
    Ok(samples)
}

async fn sample(
    binary: &Path,
    calls: u32,
    environment: &[(&str, &str)],
    dynamodb: &Dynamodb,
) -> Result<Sample, Failure> {
    let mut function = Function::start(&[binary], environment, dynamodb).await?;
    let started = function.processor_time().await?;
    function.call(PATCH, 1).await?;
    let first_answered = function.processor_time().await?;
    function.call(PATCH, CALLS_TO_WARM_UP).await?;
    let warmed_up = function.processor_time().await?;
    check(&function.call(PATCH, calls).await?, 200)?;
    let all_answered = function.processor_time().await?;
    let peak_memory = function.peak_memory_kilobytes()?;
    let sample = Sample {
        start: milliseconds(function.start),
        start_not_connected: f64::NAN,
        start_on_processor: milliseconds(started),
        first_call: milliseconds(first_answered.saturating_sub(started)),
        warm_call: milliseconds(all_answered.saturating_sub(warmed_up)) / f64::from(calls),
        peak_memory: f64::from(u32::try_from(peak_memory)?) * 1024.0 / 1e6,
    };
    function.end().await?;
    Ok(sample)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(samples: &[Sample], figure: impl Fn(&Sample) -> f64) -> f64 {
    let mut figures: Vec<f64> = samples.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print_row(name: &str, figures: [f64; 3]) {
    let [function, empty, bare] = figures;
    let (to_empty, to_bare) = (function / empty, function / bare);
    println!("{name:40} {function:10.3} {empty:10.3} {bare:10.3} {to_empty:10.2} {to_bare:10.2}");
}

/// The size of a file, uncompressed and compressed, in megabytes.
fn size(file: &Path) -> Result<(f64, f64), Failure> {
    let raw = fs::metadata(file)?.len();
    // A zip archive of one file is a few hundred bytes larger.
    let zipped = Command::new("gzip").arg("-9c").arg(file).stderr(Stdio::inherit()).output()?;
    let megabytes = |bytes: f64| bytes / 1e6;
    let zipped = f64::from(u32::try_from(zipped.stdout.len())?);
    Ok((megabytes(f64::from(u32::try_from(raw)?)), megabytes(zipped)))
}
