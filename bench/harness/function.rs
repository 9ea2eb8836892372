//! One process of a function, started, called and observed from outside.

use std::{ffi::OsStr, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    Failure,
    dynamodb::Dynamodb,
    failure,
    process::{self, Process, TIME_LIMIT},
    runtime_api::{Answer, RuntimeApi},
    table::TABLE,
};

/// A function that is running.
pub struct Function {
    /// From the start of the process until it asks for its first event.
    pub start: Duration,
    process: Process,
    api: RuntimeApi,
}

impl Function {
    /// Starts `command` with `environment` besides the variables of every function, and waits until
    /// it asks for an event.
    pub async fn start<V: AsRef<OsStr>>(
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
            () = sleep(TIME_LIMIT) => return failure("the function does not ask for an event"),
        };
        Ok(Self { start: polled.duration_since(process.started), process, api })
    }

    /// Sends this event `times` times, and returns the last answer.
    pub async fn call(&mut self, event: &str, times: u32) -> Result<String, Failure> {
        let mut answer = String::new();
        for _ in 0..times {
            answer = self.call_once(event).await?.body;
        }
        Ok(answer)
    }

    /// Sends this event, and returns the answer and the time from the start of the process to it.
    pub async fn first_call(&mut self, event: &str) -> Result<(Duration, String), Failure> {
        let Answer { at, body } = self.call_once(event).await?;
        Ok((at.duration_since(self.process.started), body))
    }

    async fn call_once(&mut self, event: &str) -> Result<Answer, Failure> {
        timeout(TIME_LIMIT, self.api.invoke(event)).await?
    }

    /// The CPU time of all its threads together so far. Waits until it is idle.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        self.process.processor_time().await
    }

    /// Its peak memory so far, in kilobytes.
    pub fn peak_memory_kilobytes(&self) -> Result<u64, Failure> {
        self.process.peak_memory_kilobytes()
    }

    /// Stops it, and waits until it has ended.
    pub async fn end(self) -> Result<(), Failure> {
        self.process.end().await
    }
}
