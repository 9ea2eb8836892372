//! First answer and warm calls of this function, beside the same endpoint in Node, in Python and in
//! Django: the same requests, and the same answers, or nothing is measured.

mod request;
mod system;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use self::{
    request::{Answer, Request},
    system::{Running, System},
};
use crate::{Failure, check, dynamodb::Dynamodb, failure};

/// What is measured, and how often.
#[derive(Args)]
pub struct Arguments {
    /// The function's binary.
    #[arg(long)]
    function: PathBuf,
    /// A function that does one `UpdateItem` and nothing else.
    #[arg(long)]
    bare: PathBuf,
    /// What `bench/peers/run` installed: the peers, and what they need.
    #[arg(long)]
    peers: PathBuf,
    /// The site's database in SQLite, seeded.
    #[arg(long)]
    sqlite: PathBuf,
    /// The folder with the socket of a PostgreSQL server, its database seeded; without one, the
    /// site is not measured on it.
    #[arg(long)]
    postgresql: Option<PathBuf>,
    /// How often each is started.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How many calls of each kind count after each start, after as many that do not.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    calls: u32,
}

/// What is shown of each system: the first answer, and one figure for each request.
const COLUMNS: [&str; 5] = ["first answer", "accepted", "whole document", "400", "403"];

/// Milliseconds, in the order of the columns; none where a system does not answer such a request.
type Figures = [Option<f64>; COLUMNS.len()];

/// What is asked, and how it is to be answered.
struct Question {
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
    let questions = questions(&function, dynamodb).await?;
    let peers = peers(arguments, folder, dynamodb);
    for peer in &peers {
        compare(peer, &questions, dynamodb).await.map_err(|error| named(peer, &error))?;
    }
    let bare = System::bare("bare function", &arguments.bare);
    let systems: Vec<System> = [bare, function].into_iter().chain(peers).collect();
    let mut samples: Vec<Vec<Figures>> = systems.iter().map(|_| Vec::new()).collect();
    for run in 0..=arguments.runs {
        for (system, samples) in systems.iter().zip(&mut samples) {
            let sample = sample(system, &questions, arguments.calls, dynamodb).await;
            let sample = sample.map_err(|error| named(system, &error))?;
            // The first of each reads its files from the disk.
            if run > 0 {
                samples.push(sample);
            }
        }
    }
    let medians: Vec<Figures> = samples.iter().map(|samples| medians(samples)).collect();
    print(arguments, &systems, &medians);
    Ok(())
}

fn peers(arguments: &Arguments, folder: &Path, dynamodb: &Dynamodb) -> Vec<System> {
    let installed = &arguments.peers;
    let mut peers = vec![
        System::node("Node, plain", installed, "plain.mjs", dynamodb),
        System::node("Node, tuned", installed, "bundle.mjs", dynamodb),
        System::python("Python, plain", installed, "plain.handler"),
        System::python("Python, tuned", installed, "tuned.handler"),
    ];
    let sqlite = ("SQLITE_FILE", arguments.sqlite.clone().into());
    peers.push(System::django("Django, SQLite", installed, folder, sqlite));
    if let Some(postgresql) = &arguments.postgresql {
        let postgresql = ("POSTGRESQL_FOLDER", postgresql.clone().into());
        peers.push(System::django("Django, PostgreSQL", installed, folder, postgresql));
    }
    peers
}

/// The requests in the order of the columns, with the function's own answers.
async fn questions(function: &System, dynamodb: &Dynamodb) -> Result<Vec<Question>, Failure> {
    let mut running = function.start(dynamodb).await?;
    let accepted = ask(&mut running, Request::accepted()?).await?;
    let whole_document = Request::whole_document(&accepted.answer)?;
    let mut questions = vec![accepted];
    for request in [whole_document, Request::invalid()?, Request::forbidden()?] {
        questions.push(ask(&mut running, request).await?);
    }
    running.end().await?;
    Ok(questions)
}

async fn ask(running: &mut Running, request: Request) -> Result<Question, Failure> {
    let answer = running.answer(&request, 1).await?;
    let answer = running.read(&answer)?;
    if answer.status == request.status {
        Ok(Question { request, answer })
    } else {
        failure(format!("this function answers {} {}", answer.status, answer.body))
    }
}

/// Fails with what a system answers otherwise than the function does.
async fn compare(
    system: &System,
    questions: &[Question],
    dynamodb: &Dynamodb,
) -> Result<(), Failure> {
    let mut running = system.start(dynamodb).await?;
    for (place, question) in questions.iter().enumerate() {
        let answer = match place {
            0 => running.answer_after(&question.request).await?.1,
            _ => running.answer(&question.request, 1).await?,
        };
        same(&running, &answer, question)?;
    }
    running.end().await
}

/// Fails with the differences, if this is not the function's answer.
fn same(running: &Running, answer: &str, question: &Question) -> Result<(), Failure> {
    let answer = running.read(answer)?;
    if answer == question.answer {
        return Ok(());
    }
    let differences = question.answer.differences(&answer).join("; ");
    failure(format!("where the function answers {}: {differences}", question.request.status))
}

fn named(system: &System, error: &Failure) -> Failure {
    format!("{}: {error}", system.name).into()
}

async fn sample(
    system: &System,
    questions: &[Question],
    calls: u32,
    dynamodb: &Dynamodb,
) -> Result<Figures, Failure> {
    let questions = if system.is_bare { questions.get(..1).unwrap_or_default() } else { questions };
    let Some(first) = questions.first() else { return failure("nothing to ask") };
    // Once for nothing: what the one before has left in the processor's caches, and what it is still
    // doing there (memory to give back, a database's process to end), is not this one's.
    let mut rehearsal = system.start(dynamodb).await?;
    rehearsal.answer_after(&first.request).await?;
    rehearsal.end().await?;
    let mut running = system.start(dynamodb).await?;
    let (time, answer) = running.answer_after(&first.request).await?;
    judge(system, &running, &answer, first)?;
    let mut found = vec![milliseconds(time)];
    for question in questions {
        // All kinds before any counts: the later ones would find a compiler warmer than the first.
        running.answer(&question.request, calls).await?;
    }
    for question in questions {
        let before = running.processor_time().await?;
        let answer = running.answer(&question.request, calls).await?;
        let time = running.processor_time().await?.saturating_sub(before);
        judge(system, &running, &answer, question)?;
        found.push(milliseconds(time) / f64::from(calls));
    }
    running.end().await?;
    Ok(std::array::from_fn(|column| found.get(column).copied()))
}

/// That the last call went well, and not around what is measured.
fn judge(
    system: &System,
    running: &Running,
    answer: &str,
    question: &Question,
) -> Result<(), Failure> {
    if system.is_bare { check(answer) } else { same(running, answer, question) }
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
    println!("\ntimes this function's");
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
