//! One process of a function, started, asked and looked at from outside.

use std::{ffi::OsStr, path::Path, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    Failure,
    dynamodb::{Dynamodb, TABLE},
    failure,
    process::{self, PATIENCE, Process},
    runtime_api::{Answer, RuntimeApi},
};

/// A function at work.
pub struct Function {
    /// From the start of the process to its first question for an event.
    pub start: Duration,
    process: Process,
    api: RuntimeApi,
}

impl Function {
    /// Starts the last word of `command`, by the others, and waits until it asks for an event.
    pub async fn start(command: &[&Path], dynamodb: &Dynamodb) -> Result<Self, Failure> {
        Self::start_with::<&OsStr>(command, &[], dynamodb).await
    }

    /// The same, with more in its environment than every function has.
    pub async fn start_with<V: AsRef<OsStr>>(
        command: &[impl AsRef<OsStr>],
        environment: &[(&str, V)],
        dynamodb: &Dynamodb,
    ) -> Result<Self, Failure> {
        let mut api = RuntimeApi::start().await?;
        let mut command = process::command(command, environment)?;
        command
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_CA_BUNDLE", &dynamodb.bundle)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.endpoint)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_NAME", "measured")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_REGION", "us-east-1")
            .env("TABLE_NAME", TABLE);
        let mut process = Process::start(&mut command)?;
        let polled = tokio::select! {
            polled = api.polled() => polled?,
            ended = process.ended() => return failure(format!("the function ended: {}", ended?)),
            () = sleep(PATIENCE) => return failure("the function asks for no event"),
        };
        Ok(Self { start: polled.duration_since(process.started), process, api })
    }

    /// Lets it answer this event so many times, and returns the last answer.
    pub async fn answer(&mut self, event: &str, times: u32) -> Result<String, Failure> {
        let mut answer = String::new();
        for _ in 0..times {
            answer = self.answer_once(event).await?.body;
        }
        Ok(answer)
    }

    /// Lets it answer this event, and returns the answer with the time from the start of the
    /// process to it.
    pub async fn answer_after(&mut self, event: &str) -> Result<(Duration, String), Failure> {
        let Answer { at, body } = self.answer_once(event).await?;
        Ok((at.duration_since(self.process.started), body))
    }

    async fn answer_once(&mut self, event: &str) -> Result<Answer, Failure> {
        timeout(PATIENCE, self.api.invoke(event)).await?
    }

    /// How long it was on a processor so far, all threads together. Waits until it is at rest.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        self.process.processor_time().await
    }

    /// The most memory that it ever had, in kilobytes.
    pub fn peak_memory_kilobytes(&self) -> Result<u64, Failure> {
        self.process.peak_memory_kilobytes()
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(self) -> Result<(), Failure> {
        self.process.end().await
    }
}
