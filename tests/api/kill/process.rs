//! A process that the test kills while it works.

use std::process::{Command as StdCommand, Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// A running process. Killed with the test, if not before.
pub struct Process {
    child: Child,
    /// Kept open: a process whose output is closed ends.
    stdout: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    /// Starts a process whose standard output is read.
    pub fn start(command: StdCommand) -> Self {
        Self::spawn(command, Stdio::piped())
    }

    /// Starts a process without standard output: output that is not read would fill its pipe, and then
    /// the process would wait.
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

    /// Waits for a line on standard output that begins with this. Returns the rest of it.
    pub async fn line(&mut self, beginning: &str) -> String {
        let stdout = self.stdout.as_mut().unwrap();
        while let Some(line) = stdout.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("it ended without a line that begins {beginning:?}");
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}
