//! First answer and warm calls of this function, compared with the same endpoint in Django. Nothing
//! is measured unless both give the same answers to the same requests.

mod request;
mod server;
mod system;

use std::{
    iter,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use self::{
    request::{Answer, Request},
    system::{Running, System},
};
use crate::{Failure, check, dynamodb::Dynamodb, failure};

/// The systems, and the number of calls.
#[derive(Args)]
pub struct Arguments {
    /// The function's binary.
    #[arg(long)]
    function: PathBuf,
    /// The binary of a function that makes one `UpdateItem` and nothing else.
    #[arg(long)]
    bare: PathBuf,
    /// Where `bench/peers/run` installed the Django project and its packages.
    #[arg(long)]
    django: PathBuf,
    /// The project's seeded database in SQLite.
    #[arg(long)]
    sqlite: PathBuf,
    /// The folder with the socket of a PostgreSQL server, whose database is seeded. Without it,
    /// PostgreSQL is left out.
    #[arg(long)]
    postgresql: Option<PathBuf>,
    /// How many times each system is started.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How many calls of each kind are measured after each start, after as many unmeasured ones.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    calls: u32,
}

/// The figures of each system: the first answer, and one for each request.
const COLUMNS: [&str; 5] = ["first answer", "accepted", "whole document", "400", "403"];

/// Milliseconds, in the order of the columns; `None` if the system does not implement the request.
type Figures = [Option<f64>; COLUMNS.len()];

/// A request, with the function's answer to it.
struct Case {
    request: Request,
    answer: Answer,
}

/// Compares the answers, measures all systems in turn, and prints the medians and their ratios.
pub async fn measure(
    arguments: &Arguments,
    folder: &Path,
    dynamodb: &Dynamodb,
) -> Result<(), Failure> {
    let function = System::binary("this function", &arguments.function);
    let cases = cases(&function, dynamodb).await?;
    let django = django(arguments, folder);
    for system in &django {
        compare(system, &cases, dynamodb).await.map_err(|error| named(system, &error))?;
    }
    let bare = System::bare("bare function", &arguments.bare);
    let systems: Vec<System> = [bare, function].into_iter().chain(django).collect();
    let mut samples: Vec<Vec<Figures>> = systems.iter().map(|_| Vec::new()).collect();
    for run in 0..=arguments.runs {
        for (system, samples) in systems.iter().zip(&mut samples) {
            let sample = sample(system, &cases, arguments.calls, dynamodb).await;
            let sample = sample.map_err(|error| named(system, &error))?;
            // The first start of each system reads its files from the disk.
            if run > 0 {
                samples.push(sample);
            }
        }
    }
    let medians: Vec<Figures> = samples.iter().map(|samples| medians(samples)).collect();
    print(arguments, &systems, &medians);
    Ok(())
}

/// The Django project, on each of its databases.
fn django(arguments: &Arguments, folder: &Path) -> Vec<System> {
    let installed = &arguments.django;
    let sqlite = ("SQLITE_FILE", arguments.sqlite.clone().into());
    let sqlite = System::django("Django, SQLite", installed, folder, sqlite);
    let postgresql = arguments.postgresql.as_ref().map(|socket| {
        let postgresql = ("POSTGRESQL_FOLDER", socket.clone().into());
        System::django("Django, PostgreSQL", installed, folder, postgresql)
    });
    iter::once(sqlite).chain(postgresql).collect()
}

/// The cases, in the order of the columns.
async fn cases(function: &System, dynamodb: &Dynamodb) -> Result<Vec<Case>, Failure> {
    let mut running = function.start(dynamodb).await?;
    let accepted = case(&mut running, Request::accepted()?).await?;
    let whole_document = Request::whole_document(&accepted.answer)?;
    let mut cases = vec![accepted];
    for request in [whole_document, Request::invalid()?, Request::forbidden()?] {
        cases.push(case(&mut running, request).await?);
    }
    running.end().await?;
    Ok(cases)
}

async fn case(running: &mut Running, request: Request) -> Result<Case, Failure> {
    let answer = running.call(&request, 1).await?;
    let answer = running.parse(&answer)?;
    if answer.status == request.status {
        Ok(Case { request, answer })
    } else {
        failure(format!("this function answers {} {}", answer.status, answer.body))
    }
}

/// Fails with the differences between a system's answers and the function's.
async fn compare(system: &System, cases: &[Case], dynamodb: &Dynamodb) -> Result<(), Failure> {
    let mut running = system.start(dynamodb).await?;
    for (index, case) in cases.iter().enumerate() {
        let answer = match index {
            // A server may not listen yet.
            0 => running.first_call(&case.request).await?.1,
            _ => running.call(&case.request, 1).await?,
        };
        same(&running, &answer, case)?;
    }
    running.end().await
}

/// Fails with the differences if this is not the function's answer.
fn same(running: &Running, answer: &str, case: &Case) -> Result<(), Failure> {
    let answer = running.parse(answer)?;
    if answer == case.answer {
        return Ok(());
    }
    let differences = case.answer.differences(&answer).join("; ");
    failure(format!("where the function answers {}: {differences}", case.request.status))
}

fn named(system: &System, error: &Failure) -> Failure {
    format!("{}: {error}", system.name).into()
}

async fn sample(
    system: &System,
    cases: &[Case],
    calls: u32,
    dynamodb: &Dynamodb,
) -> Result<Figures, Failure> {
    let cases = if system.is_bare { cases.get(..1).unwrap_or_default() } else { cases };
    let Some(first) = cases.first() else { return failure("no cases") };
    // One start that is not measured: the system before this one has left its data in the
    // processor's caches, and may still be returning memory or ending a database process.
    let mut rehearsal = system.start(dynamodb).await?;
    rehearsal.first_call(&first.request).await?;
    rehearsal.end().await?;
    let mut running = system.start(dynamodb).await?;
    let (time, answer) = running.first_call(&first.request).await?;
    verify(system, &running, &answer, first)?;
    let mut figures = vec![milliseconds(time)];
    for case in cases {
        // Every kind runs before any is measured: later kinds would profit from earlier ones.
        running.call(&case.request, calls).await?;
    }
    for case in cases {
        let before = running.processor_time().await?;
        let answer = running.call(&case.request, calls).await?;
        let time = running.processor_time().await?.saturating_sub(before);
        verify(system, &running, &answer, case)?;
        figures.push(milliseconds(time) / f64::from(calls));
    }
    running.end().await?;
    Ok(std::array::from_fn(|column| figures.get(column).copied()))
}

/// Fails unless the answer is as expected: a fast error would spoil the figures.
fn verify(system: &System, running: &Running, answer: &str, case: &Case) -> Result<(), Failure> {
    if system.is_bare { check(answer, 200) } else { same(running, answer, case) }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn medians(samples: &[Figures]) -> Figures {
    std::array::from_fn(|column| {
        let figures = samples.iter().filter_map(|sample| sample.get(column).copied().flatten());
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    })
}

fn print(arguments: &Arguments, systems: &[System], medians: &[Figures]) {
    println!(
        "medians of {} starts, {} calls of each kind after each; all in turn\n",
        arguments.runs, arguments.calls
    );
    println!("{:20} {:>14} | ms of CPU per warm call", "", "ms from exec to");
    print_table(systems, medians, 3);
    let own = systems.iter().zip(medians).find(|(system, _)| system.name == "this function");
    let Some((_, own)) = own else { return };
    let ratios: Vec<Figures> = medians.iter().map(|figures| divided(figures, own)).collect();
    println!("\nmultiples of this function's");
    print_table(systems, &ratios, 1);
}

fn divided(figures: &Figures, by: &Figures) -> Figures {
    let mut ratios = *figures;
    for (figure, by) in ratios.iter_mut().zip(by) {
        *figure = figure.zip(*by).map(|(figure, by)| figure / by);
    }
    ratios
}

fn print_table(systems: &[System], rows: &[Figures], decimals: usize) {
    let cells = COLUMNS.map(|column| format!(" {column:>14}")).concat();
    println!("{:20}{cells}", "");
    for (system, figures) in systems.iter().zip(rows) {
        let cells = figures.map(|figure| match figure {
            Some(figure) => format!(" {figure:14.decimals$}"),
            None => format!(" {:>14}", "-"),
        });
        println!("{:20}{}", system.name, cells.concat());
    }
}
