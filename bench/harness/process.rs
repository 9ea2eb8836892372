//! A process that is measured, started and observed from outside.

use std::{
    ffi::OsStr,
    fs,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{Failure, failure};

/// Maximum time that a measured process may take for a start, a call or its end.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A process that is running.
pub struct Process {
    /// The time at which it was started.
    pub started: Instant,
    child: Child,
}

/// A program with its arguments. Its environment has only `PATH` and `environment`.
pub fn command<V: AsRef<OsStr>>(
    words: &[impl AsRef<OsStr>],
    environment: &[(&str, V)],
) -> Result<Command, Failure> {
    let [program, arguments @ ..] = words else {
        return failure("the command is empty");
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

impl Process {
    /// Starts a command, whose output is read and discarded.
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn()?;
        if let Some(mut log) = child.stdout.take() {
            // The function would block on a full pipe.
            tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
        }
        Ok(Self { started, child })
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> Result<ExitStatus, Failure> {
        Ok(self.child.wait().await?)
    }

    /// The CPU time of all threads of the process and its child processes so far. Waits until they
    /// are idle.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        let mut last = Duration::ZERO;
        loop {
            let now = processor_time(&self.id()?.to_string())?;
            if now == last {
                return Ok(now);
            }
            last = now;
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Its peak memory so far, in kilobytes.
    pub fn peak_memory_kilobytes(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or(Failure::from("no VmHWM"))?.parse()?)
    }

    fn id(&self) -> Result<u32, Failure> {
        self.child.id().ok_or_else(|| "the process has ended".into())
    }

    /// Stops it, and waits until it has ended.
    pub async fn end(mut self) -> Result<(), Failure> {
        let id = self.id()?.to_string();
        Command::new("kill").arg(id).status().await?;
        timeout(TIME_LIMIT, self.child.wait()).await??;
        Ok(())
    }
}

/// The CPU time of a process and its child processes.
fn processor_time(id: &str) -> Result<Duration, Failure> {
    let mut time = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let task = task?.path();
        let times = fs::read_to_string(task.join("schedstat"))?;
        let nanoseconds = times.split(' ').next().unwrap_or_default();
        time += Duration::from_nanos(nanoseconds.parse()?);
        for child in fs::read_to_string(task.join("children"))?.split_whitespace() {
            time += processor_time(child)?;
        }
    }
    Ok(time)
}
