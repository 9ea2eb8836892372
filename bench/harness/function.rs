//! One process of a function, started, asked and looked at from outside.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::{
    Failure,
    dynamodb::{Dynamodb, TABLE},
    failure,
    runtime_api::RuntimeApi,
};

/// Longest that a function may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A function at work.
pub struct Function {
    /// From the start of the process to its first question for an event.
    pub start: Duration,
    process: Child,
    api: RuntimeApi,
}

impl Function {
    /// Starts the last word of `command`, by the others, and waits until it asks for an event.
    pub async fn start(command: &[&Path], dynamodb: &Dynamodb) -> Result<Self, Failure> {
        let mut api = RuntimeApi::start().await?;
        let [program, arguments @ ..] = command else {
            return failure("no command");
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_CA_BUNDLE", &dynamodb.bundle)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.endpoint)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_NAME", "measured")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_REGION", "us-east-1")
            .env("TABLE_NAME", TABLE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut process = command.spawn()?;
        if let Some(mut log) = process.stdout.take() {
            // As Lambda does: what is logged is read, or the function would stop.
            tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
        }
        let polled = tokio::select! {
            polled = api.polled() => polled?,
            ended = process.wait() => return failure(format!("the function ended: {}", ended?)),
            () = sleep(PATIENCE) => return failure("the function asks for no event"),
        };
        Ok(Self { start: polled.duration_since(started), process, api })
    }

    /// Lets it answer this event so many times, and returns the last answer.
    pub async fn answer(&mut self, event: &str, times: u32) -> Result<String, Failure> {
        let mut answer = String::new();
        for _ in 0..times {
            answer = tokio::time::timeout(PATIENCE, self.api.invoke(event)).await??;
        }
        Ok(answer)
    }

    /// How long it was on a processor so far, all threads together. Waits until it is at rest.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        let tasks = format!("/proc/{}/task", self.id()?);
        let mut last = Duration::ZERO;
        loop {
            let mut now = Duration::ZERO;
            for task in fs::read_dir(&tasks)? {
                let times = fs::read_to_string(task?.path().join("schedstat"))?;
                let nanoseconds = times.split(' ').next().unwrap_or_default();
                now += Duration::from_nanos(nanoseconds.parse()?);
            }
            if now == last {
                return Ok(now);
            }
            last = now;
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// The most memory that it ever had, in kilobytes.
    pub fn peak_memory_kilobytes(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or(Failure::from("no VmHWM"))?.parse()?)
    }

    fn id(&self) -> Result<u32, Failure> {
        self.process.id().ok_or_else(|| "the function has ended".into())
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(mut self) -> Result<(), Failure> {
        let id = self.id()?.to_string();
        Command::new("kill").arg(id).status().await?;
        tokio::time::timeout(PATIENCE, self.process.wait()).await??;
        Ok(())
    }
}
