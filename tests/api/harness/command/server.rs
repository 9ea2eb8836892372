//! The servers that the command runs.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{TIME_MAX, sms_stage};
use crate::harness::Request;

/// The beginning of the line with a server's address.
const ADDRESS: &str = "listening on http://";

/// A process that is killed at the end of the test, if it still runs.
pub struct Killed(pub Child);

impl Killed {
    /// Waits until this returns a value, which must be in time and before the process ends.
    pub fn wait_for<T>(&mut self, what: &str, mut find: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = find() {
                return found;
            }
            assert_eq!(self.0.try_wait().unwrap(), None, "the process ended before {what}");
            assert!(start.elapsed() < TIME_MAX, "no {what} in time");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server run by the command, ended with the test.
pub struct Server {
    child: Killed,
    /// The lines that it printed on standard output while it started.
    pub printed: Vec<String>,
    /// `HOST:PORT`.
    pub address: String,
}

impl Server {
    /// Starts the server, and waits for a line that begins with `last_line`. If that is the line
    /// with the address, it also waits for the next one, which every server prints.
    pub fn start(arguments: &[&str], last_line: &str) -> Self {
        let mut command = sms_stage(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = Killed(child);
        let lines = lines_of(child.0.stdout.take().unwrap());
        let (printed, is_complete) = announcement(&lines, last_line);
        let address = printed.iter().find_map(|line| line.strip_prefix(ADDRESS));
        match address.map(str::to_owned).filter(|_| is_complete) {
            Some(address) => Self { child, printed, address },
            None => panic!("the server does not listen: {printed:?} {}", killed(child)),
        }
    }

    /// Starts `sms-stage serve` on a free port, with these further arguments.
    pub fn serve(arguments: &[&str]) -> Self {
        let listen: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
        Self::start(&[listen, arguments].concat(), ADDRESS)
    }

    /// The process ID.
    pub fn process(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends the server a signal, such as `INT`.
    pub fn signal(&self, name: &str) {
        send_signal(self.process(), name);
    }

    /// Whether the server exits successfully within this time.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < time {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Kills the server. Returns what it printed on standard error.
    pub fn end(self) -> String {
        killed(self.child)
    }

    /// Sends a request, and reads the status and the JSON of its answer.
    pub fn send(&self, request: &Request) -> (u16, Value) {
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = std::str::from_utf8(&request.body).unwrap();
        send(&self.address, &request.method, &request.request_target(), &headers, body)
    }
}

/// Sends a process a signal, such as `INT`.
pub fn send_signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Kills a process. Returns what it printed on standard error.
fn killed(mut child: Killed) -> String {
    // It may have ended already.
    let _ = child.0.kill();
    let mut text = String::new();
    child.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The lines of a process's output, which is read to its end so that the pipe never fills up.
fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The test needs only the first lines.
            let _ = sender.send(line);
        }
    });
    lines
}

/// The lines that a server prints while it starts, and whether the last one was among them.
fn announcement(lines: &Receiver<String>, last_line: &str) -> (Vec<String>, bool) {
    let start = Instant::now();
    let mut printed = Vec::new();
    let mut is_found = false;
    while let Ok(line) = lines.recv_timeout(TIME_MAX.saturating_sub(start.elapsed())) {
        is_found |= line.starts_with(last_line);
        let is_address = line.starts_with(ADDRESS);
        printed.push(line);
        if is_found && !is_address {
            return (printed, true);
        }
    }
    (printed, false)
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
    stream.set_read_timeout(Some(TIME_MAX)).unwrap();
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
