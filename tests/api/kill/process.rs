//! A process that the test ends in the middle of whatever it does.

use std::process::{Command as Plan, Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// A running process. Ended with the test, if not before.
pub struct Process {
    child: Child,
    /// Kept open: a process whose output nobody takes is ended by it.
    stdout: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    /// Starts one that says something.
    pub fn start(plan: Plan) -> Self {
        Self::spawn(plan, Stdio::piped())
    }

    /// Starts one that nobody listens to: output that nobody reads fills its pipe, and then the
    /// process waits.
    pub fn start_unheard(plan: Plan) -> Self {
        Self::spawn(plan, Stdio::null())
    }

    fn spawn(plan: Plan, stdout: Stdio) -> Self {
        let mut command = Command::from(plan);
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let stdout = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Self { child, stdout }
    }

    /// Waits for a line on standard output that begins like this. Returns the rest of it.
    pub async fn line(&mut self, beginning: &str) -> String {
        let stdout = self.stdout.as_mut().unwrap();
        while let Some(line) = stdout.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("it ended without a line that begins {beginning:?}");
    }

    /// Ends it as `kill -9` does: it has no chance to do anything about it.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}
