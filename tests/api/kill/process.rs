//! A process that the test kills while the process works.

use std::process::{Command as StdCommand, Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// A running process. It is killed at the end of the test, if not before.
pub struct Process {
    child: Child,
    /// Kept open, because a process ends when its output is closed.
    stdout: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    /// Starts a process whose standard output is read.
    pub fn start(command: StdCommand) -> Self {
        Self::spawn(command, Stdio::piped())
    }

    /// Starts a process without standard output: unread output would fill the pipe and block the
    /// process.
    pub fn start_silent(command: StdCommand) -> Self {
        Self::spawn(command, Stdio::null())
    }

    fn spawn(command: StdCommand, stdout: Stdio) -> Self {
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let stdout = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Self { child, stdout }
    }

    /// Waits for a line on standard output that begins with this. Returns the rest of the line.
    pub async fn line(&mut self, beginning: &str) -> String {
        let stdout = self.stdout.as_mut().unwrap();
        while let Some(line) = stdout.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("the process ended without a line that begins with {beginning:?}");
    }

    /// Kills the process, as `kill -9` does.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}
