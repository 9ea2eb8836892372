//! A web server behind a socket in the file system, started and asked from outside: what is no function.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::{sleep, timeout},
};

use crate::{
    Failure, failure,
    process::{self, PATIENCE, Process},
};

/// How often a server that does not listen yet is tried.
const TRIED_EVERY: Duration = Duration::from_millis(1);

/// A server at work.
pub struct Site {
    process: Process,
    socket: PathBuf,
}

impl Site {
    /// Starts the server that will listen at `socket`.
    pub fn start<V: AsRef<OsStr>>(
        command: &[impl AsRef<OsStr>],
        environment: &[(&str, V)],
        socket: &Path,
    ) -> Result<Self, Failure> {
        let mut command = process::command(command, environment)?;
        Ok(Self { process: Process::start(&mut command)?, socket: socket.to_owned() })
    }

    /// Sends a message as soon as it listens, and returns the answer with the time from the start
    /// of the process to it.
    pub async fn answer_after(&mut self, message: &str) -> Result<(Duration, String), Failure> {
        let connection = tokio::select! {
            connection = connected(&self.socket) => connection,
            ended = self.process.ended() => return failure(format!("it ended: {}", ended?)),
            () = sleep(PATIENCE) => return failure("it does not listen"),
        };
        let answer = timeout(PATIENCE, exchange(connection, message)).await??;
        Ok((self.process.started.elapsed(), answer))
    }

    /// Sends a message so many times, and returns the last answer. Each has a connection of its
    /// own, since gunicorn's sync worker keeps none.
    pub async fn answer(&self, message: &str, times: u32) -> Result<String, Failure> {
        let mut answer = String::new();
        for _ in 0..times {
            let connection = UnixStream::connect(&self.socket).await?;
            answer = timeout(PATIENCE, exchange(connection, message)).await??;
        }
        Ok(answer)
    }

    /// How long it was on a processor so far, all its processes together.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        self.process.processor_time().await
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(self) -> Result<(), Failure> {
        self.process.end().await
    }
}

async fn connected(socket: &Path) -> UnixStream {
    loop {
        match UnixStream::connect(socket).await {
            Ok(connection) => return connection,
            Err(_) => sleep(TRIED_EVERY).await,
        }
    }
}

/// Sends one message, and reads until the server closes.
async fn exchange(mut connection: UnixStream, message: &str) -> Result<String, Failure> {
    connection.write_all(message.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}
