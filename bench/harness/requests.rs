//! The number of requests to DynamoDB for each operation, counted by the proxy in front of it.

use std::{ffi::OsStr, path::PathBuf};

use clap::Args;

use crate::{
    Failure, PATCH, check,
    dynamodb::Dynamodb,
    events::{create_event, stage_key},
    function::Function,
    table::{self, event},
};

/// The function.
#[derive(Args)]
pub struct Arguments {
    /// The function's binary.
    function: PathBuf,
}

/// So many stages with so many flows are slightly more than 3 MB, which takes four queries.
const STAGES: u64 = 1000;
const FLOWS: u64 = 10;

/// Counts the requests for each operation, and prints the counts. The function knows the token.
pub async fn measure(arguments: &Arguments, dynamodb: &Dynamodb) -> Result<(), Failure> {
    let function = Function::start::<&OsStr>(&[&arguments.function], &[], dynamodb).await?;
    let mut counter = Counter { function, dynamodb };
    let list = event("GET", None, "", None)?;
    counter.call("first patch", PATCH, 200).await?;
    counter.call("patch", PATCH, 200).await?;
    counter.call("list, first by this caller", &list, 200).await?;
    counter.call("list", &list, 200).await?;
    let created = counter.call("create", &create_event("sms-created")?, 201).await?;
    let stage = stage_key(&created)?;
    counter.call("destroy", &event("DELETE", Some(&stage), "", None)?, 204).await?;
    let stages = (1..=STAGES).map(|number| table::stage(number, FLOWS));
    let bytes = table::fill(&dynamodb.database, stages)?;
    println!("{bytes} bytes of stages");
    counter.call("list of all", &event("GET", None, "page_size=1", None)?, 200).await?;
    counter.function.end().await
}

/// Calls a function, and prints its requests.
struct Counter<'d> {
    function: Function,
    dynamodb: &'d Dynamodb,
}

impl Counter<'_> {
    async fn call(&mut self, name: &str, event: &str, status: u16) -> Result<String, Failure> {
        self.dynamodb.operations();
        let answer = self.function.call(event, 1).await?;
        check(&answer, status)?;
        let operations = self.dynamodb.operations();
        println!("{name}: {} ({})", operations.len(), operations.join(" "));
        Ok(answer)
    }
}
