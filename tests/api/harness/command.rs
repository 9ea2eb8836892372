//! The command `sms-stage` as a process: its output, its exit, and the servers that it runs.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{FIXTURE, Request};

/// A folder for one test, removed at the end of the test.
pub struct Folder(PathBuf);

impl Folder {
    /// Creates the folder.
    pub fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::new_v4().to_string());
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
        // Anything left behind is in the build's own folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The command, without settings from the environment.
pub fn sms_stage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms-stage"));
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
    /// Whether its exit code is 0.
    pub is_success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            is_success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the command to its end.
pub fn run(arguments: &[&str]) -> Ended {
    sms_stage(arguments).output().unwrap().into()
}

/// Runs the command to its end, with this standard input.
pub fn run_with_input(arguments: &[&str], input: &str) -> Ended {
    let mut command = sms_stage(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input is not a failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// Asserts that a run failed, and that the last line of its standard error contains these words.
pub fn assert_fails(ended: &Ended, words: &[&str]) {
    let Ended { is_success, stdout, stderr } = ended;
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

/// A server run by the command, ended with the test.
pub struct Server {
    child: Child,
    /// The lines that it printed on standard output while it started.
    pub printed: Vec<String>,
    /// `HOST:PORT`.
    pub address: String,
}

impl Server {
    /// Starts the server, and waits for a line that begins with `last_line`.
    pub fn start(arguments: &[&str], last_line: &str) -> Self {
        let mut command = sms_stage(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut printed: Vec<String> = Vec::new();
        for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
            printed.push(line.unwrap());
            if printed.last().unwrap().starts_with(last_line) {
                break;
            }
        }
        let address = printed.iter().find_map(|line| line.strip_prefix("listening on http://"));
        let Some(address) = address.map(str::to_owned) else {
            let output = child.wait_with_output().unwrap();
            panic!("the server does not listen: {}", String::from_utf8_lossy(&output.stderr));
        };
        Self { child, printed, address }
    }

    /// Starts `sms-stage serve` on a free port, with these further arguments.
    pub fn serve(arguments: &[&str]) -> Self {
        let listen: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
        Self::start(&[listen, arguments].concat(), "listening on ")
    }

    /// The process ID.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends the server a signal, such as `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Whether the server exits successfully within this time.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < time {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Kills the server. Returns what it printed on standard error.
    pub fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Sends a request, and reads the status and the JSON of its answer.
    pub fn send(&self, request: &Request) -> (u16, Value) {
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = std::str::from_utf8(&request.body).unwrap();
        send(&self.address, &request.method, &request.request_target(), &headers, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one HTTP request, and reads the status and the JSON of its answer.
pub fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[impl AsRef<str>],
    body: &str,
) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let headers: String = headers.iter().map(|line| format!("{}\r\n", line.as_ref())).collect();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    write!(stream, "{head}{headers}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
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
