//! The command `sms-stage` as a process: its output, its exit, and the servers that it runs.

mod server;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::channel,
    time::Duration,
};

pub use self::server::{Killed, Server, send};
use super::FIXTURE;

/// Maximum time until a server has started, or a command has ended, even on a busy machine.
pub const TIME_MAX: Duration = Duration::from_secs(120);

/// A folder for one test, removed at the end of the test.
pub struct Folder(PathBuf);

impl Folder {
    /// Creates the folder.
    pub fn new() -> Self {
        Self::below(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    /// Creates the folder in another one.
    pub fn below(parent: &Path) -> Self {
        let path = parent.join(uuid::Uuid::new_v4().to_string());
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file in the folder. Returns its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Anything left behind is in a folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The command, without settings from the environment.
pub fn sms_stage(arguments: &[&str]) -> Command {
    sms_stage_at(env!("CARGO_BIN_EXE_sms-stage"), arguments)
}

/// The same, where the program has another path.
pub fn sms_stage_at(path: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    // No profiles, and no request to the instance metadata service.
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("TABLE_NAME");
    command
}

/// A process that has ended.
pub struct Ended {
    /// Whether its exit status is 0.
    pub is_success: bool,
    /// Its exit status, unless a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            is_success: output.status.success(),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the command to its end.
pub fn run(arguments: &[&str]) -> Ended {
    run_to_end(&mut sms_stage(arguments))
}

/// Runs any command to its end.
pub fn run_to_end(command: &mut Command) -> Ended {
    end_of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Waits for the end of a process. If it does not end in time, it is killed, and the test fails.
pub fn end_of(child: Child) -> Ended {
    let process = child.id();
    let (sender, end) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match end.recv_timeout(TIME_MAX) {
        Ok(output) => output.unwrap().into(),
        Err(_) => {
            server::send_signal(process, "KILL");
            let Ended { stdout, stderr, .. } = end.recv().unwrap().unwrap().into();
            panic!("the command did not end: {stdout} {stderr}");
        }
    }
}

/// Runs the command to its end, with this standard input.
pub fn run_with_input(arguments: &[&str], input: &str) -> Ended {
    let mut command = sms_stage(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input is not a failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    end_of(child)
}

/// Asserts that a run failed, and that the last line of its standard error contains these words.
pub fn assert_fails(ended: &Ended, words: &[&str]) {
    let Ended { is_success, stdout, stderr, .. } = ended;
    assert!(!is_success, "{words:?}: the command succeeded: {stdout}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("sms-stage: "), "{stderr}");
    for word in words {
        assert!(last.contains(word), "{word:?} is not in: {stderr}");
    }
}

/// Asserts that the arguments were refused, with these words in the first line.
pub fn assert_usage_error(ended: &Ended, words: &[&str]) {
    assert!(!ended.is_success, "{words:?}");
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let first = ended.stderr.lines().next().unwrap();
    for word in words {
        assert!(first.contains(word), "{word:?} is not in: {}", ended.stderr);
    }
}

/// Asserts that a run succeeded.
pub fn assert_succeeds(ended: &Ended) {
    assert!(ended.is_success, "{}", ended.stderr);
}

/// An engine in its own process, with the fixture in its table, and commands that use it.
pub struct EngineProcess {
    /// The engine.
    pub server: Server,
    /// A folder for the commands' files.
    pub folder: Folder,
}

impl EngineProcess {
    /// Starts the engine.
    pub fn start() -> Self {
        let folder = Folder::new();
        let fixture = folder.write("fixture.json", FIXTURE);
        let listen = ["dynamodb", "--listen", "127.0.0.1:0", "--load", &fixture];
        Self { server: Server::start(&listen, "table: "), folder }
    }

    /// The arguments that select the table.
    pub fn table_arguments(&self) -> [String; 4] {
        let endpoint = format!("http://{}", self.server.address);
        ["--table", "authenticator-sms-stage", "--endpoint", &endpoint].map(str::to_owned)
    }

    /// Runs a command on the table.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "")
    }

    /// Runs a command on the table, with this standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let table = self.table_arguments();
        let table = table.iter().map(String::as_str);
        run_with_input(&arguments.iter().copied().chain(table).collect::<Vec<_>>(), input)
    }
}
