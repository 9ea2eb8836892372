//! A process that serves HTTP on a Unix socket, started and called from outside.

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
    process::{self, Process, TIME_LIMIT},
};

/// How long to wait before the next attempt to connect to a server that does not listen yet.
const CONNECT_INTERVAL: Duration = Duration::from_millis(1);

/// A server that is running.
pub struct Server {
    process: Process,
    socket: PathBuf,
}

impl Server {
    /// Starts the server, which is expected to listen on `socket`.
    pub fn start<V: AsRef<OsStr>>(
        command: &[impl AsRef<OsStr>],
        environment: &[(&str, V)],
        socket: &Path,
    ) -> Result<Self, Failure> {
        let mut command = process::command(command, environment)?;
        Ok(Self { process: Process::start(&mut command)?, socket: socket.to_owned() })
    }

    /// Sends a message as soon as the server listens, and returns the answer and the time from the
    /// start of the process to it.
    pub async fn first_call(&mut self, message: &str) -> Result<(Duration, String), Failure> {
        let connection = tokio::select! {
            connection = connected(&self.socket) => connection,
            ended = self.process.ended() => return failure(format!("the server ended: {}", ended?)),
            () = sleep(TIME_LIMIT) => return failure("the server does not listen"),
        };
        let answer = timeout(TIME_LIMIT, exchange(connection, message)).await??;
        Ok((self.process.started.elapsed(), answer))
    }

    /// Sends a message `times` times, and returns the last answer. Each uses its own connection,
    /// because gunicorn's sync worker keeps none open.
    pub async fn call(&self, message: &str, times: u32) -> Result<String, Failure> {
        let mut answer = String::new();
        for _ in 0..times {
            let connection = UnixStream::connect(&self.socket).await?;
            answer = timeout(TIME_LIMIT, exchange(connection, message)).await??;
        }
        Ok(answer)
    }

    /// The CPU time of all its processes together so far.
    pub async fn processor_time(&self) -> Result<Duration, Failure> {
        self.process.processor_time().await
    }

    /// Stops it, and waits until it has ended.
    pub async fn end(self) -> Result<(), Failure> {
        self.process.end().await
    }
}

async fn connected(socket: &Path) -> UnixStream {
    loop {
        match UnixStream::connect(socket).await {
            Ok(connection) => return connection,
            Err(_) => sleep(CONNECT_INTERVAL).await,
        }
    }
}

/// Sends one message, and reads until the server closes the connection.
async fn exchange(mut connection: UnixStream, message: &str) -> Result<String, Failure> {
    connection.write_all(message.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}
