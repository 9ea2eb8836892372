//! `sms-stage serve` and `dynamodb` as servers: where they listen, how they stop, what they log.

#[cfg(target_os = "linux")]
mod sockets;

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use crate::harness::{
    ClosedPort, FIXTURE, Request, STAGE,
    command::{Folder, Killed, Server, assert_usage_error, run, sms_stage},
};

/// Maximum time if no request is unfinished, or after a second signal. A server gives unfinished
/// requests four seconds.
const AT_ONCE: Duration = Duration::from_secs(3);

fn start(command: &str) -> Server {
    Server::start(&[command, "--listen", "127.0.0.1:0"], "listening on ")
}

/// The head of the answer to a request without a body, in lower case.
fn head(server: &Server, method: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let path = format!("/stages/authenticator/sms/{STAGE}/");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().0.to_lowercase()
}

#[test]
fn head_is_answered_with_the_headers_of_get() {
    let server = Server::serve(&["--load", "tests/conformance/fixture.json"]);
    let unlike_get =
        |line: &&str| !line.starts_with("date: ") && !line.starts_with("content-length: ");
    let get = head(&server, "GET", "good-token");
    let head = head(&server, "HEAD", "good-token");
    assert!(get.starts_with("http/1.1 200 "), "{get}");
    assert!(!head.contains("content-length"), "{head}");
    assert_eq!(
        head.lines().filter(unlike_get).collect::<Vec<_>>(),
        get.lines().filter(unlike_get).collect::<Vec<_>>()
    );
}

#[test]
fn one_signal_stops_a_server() {
    for command in ["serve", "dynamodb"] {
        for signal in ["INT", "TERM"] {
            let mut server = start(command);
            server.signal(signal);
            assert!(server.ends_within(AT_ONCE), "{command} {signal}");
        }
    }
}

/// Sends the beginning of a request. Returns the connection when the server has read it.
#[cfg(target_os = "linux")]
fn send_half(server: &Server, half: &str) -> TcpStream {
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(half.as_bytes()).unwrap();
    sockets::wait_until_read(&client);
    client
}

#[cfg(target_os = "linux")]
#[test]
fn an_incomplete_request_delays_a_stop_only_by_seconds() {
    let halves = ["GET / HT", "PATCH / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"];
    for (command, half) in [("serve", halves[0]), ("serve", halves[1]), ("dynamodb", halves[0])] {
        let mut server = start(command);
        let _client = send_half(&server, half);
        server.signal("INT");
        assert!(!server.ends_within(Duration::from_millis(300)), "{command} {half} waits");
        assert!(server.ends_within(Duration::from_secs(30)), "{command} {half}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_stops_a_server_at_once() {
    for command in ["serve", "dynamodb"] {
        let mut server = start(command);
        let _client = send_half(&server, "GET / HT");
        server.signal("INT");
        assert!(!server.ends_within(Duration::from_millis(300)), "{command} waits");
        server.signal("TERM");
        assert!(server.ends_within(AT_ONCE), "{command}");
    }
}

#[test]
fn the_address_to_listen_on_can_be_abbreviated() {
    for (listen, host) in [
        ("127.0.0.1:0", "127.0.0.1:"),
        ("localhost:0", "127.0.0.1:"),
        (":0", "127.0.0.1:"),
        ("0", "127.0.0.1:"),
    ] {
        let server = Server::start(&["serve", "--listen", listen], "listening on ");
        assert!(server.address.starts_with(host), "{listen}: {}", server.address);
    }
    for listen in ["127.0.0.1", "host:8000", ":", "", "70000", "+8000", "::1:8000"] {
        let ended = run(&["serve", &format!("--listen={listen}")]);
        assert_usage_error(&ended, &["--listen", "127.0.0.1:8000"]);
    }
}

#[test]
fn the_default_ports_differ() {
    let help = |command| run(&[command, "--help"]).stdout;
    assert!(help("serve").contains("[default: 127.0.0.1:8000]"));
    assert!(help("dynamodb").contains("[default: 127.0.0.1:8001]"));
}

#[test]
fn nothing_listens_until_everything_is_loaded() {
    for command in ["serve", "dynamodb"] {
        let folder = Folder::new();
        let pipe = folder.path("documents");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let port = ClosedPort::reserve();
        let arguments = [command, "--listen", &port.address.to_string(), "--load", &pipe];
        let mut server = sms_stage(&arguments);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut child = Killed(child);
        // Opening the pipe waits for its reader, and the reader waits for the documents.
        let opening = std::thread::spawn(move || File::options().write(true).open(pipe).unwrap());
        child.wait_for("a reader of the pipe", || opening.is_finished().then_some(()));
        let mut documents = opening.join().unwrap();
        assert!(TcpStream::connect(port.address).is_err(), "{command}");
        documents.write_all(FIXTURE.as_bytes()).unwrap();
        drop(documents);
        child.wait_for("a connection", || TcpStream::connect(port.address).ok());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn serve_opens_no_other_port() {
    let folder = Folder::new();
    let server = Server::serve(&["--data", &folder.path("stages.db")]);
    let process = format!("/proc/{}", server.process());
    let sockets: Vec<_> = std::fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|link| {
            let socket = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(socket.to_owned())
        })
        .collect();
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|table| format!("{process}/net/{table}"));
    let open = tables.iter().flat_map(|table| {
        let lines = std::fs::read_to_string(table).unwrap_or_default();
        let inodes = lines.lines().skip(1).map(|line| line.split_whitespace().nth(9).unwrap());
        inodes.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(open.filter(|inode| sockets.contains(inode)).count(), 1);
}

#[test]
fn the_log_has_a_format_for_people_and_one_for_programs() {
    let load = ["--load", "tests/conformance/fixture.json"];
    let log = |format: &[&str]| {
        let server = Server::serve(&[&load[..], format].concat());
        server.send(&Request::patch(r#"{"friendly_name": "x"}"#));
        server.send(&Request::patch("{}").header("If-Match", Some("\"1-00000000\"")));
        server.send(&Request::patch("{}").header("Authorization", None));
        server.end()
    };
    let text = log(&["--log-format", "text"]);
    let end = &STAGE[STAGE.len() - 4..];
    for words in [
        &*format!(" PATCH /api/v3/stages/…{end}/ 200 "),
        " friendly_name 1→2 ",
        " 412 ",
        " conflict: ",
        " 403 refused: no token was sent ",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    // Standard error is not a terminal here.
    for json in [log(&[]), log(&["--log-format", "json"])] {
        let lines = json.lines().filter(|line| line.starts_with('{'));
        assert_eq!(lines.filter(|line| line.contains("\"answered\"")).count(), 3, "{json}");
    }
}
