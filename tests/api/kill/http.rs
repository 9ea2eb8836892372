//! HTTP requests to a server that may be killed at any moment.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::Request;

/// Sends a request on a new connection. Returns the status, the head and the body; None if the
/// answer is missing or incomplete.
pub async fn send(mut stream: TcpStream, request: &Request) -> Option<(u16, String, Value)> {
    let (method, target) = (&request.method, request.request_target());
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Connection: close\r\nContent-Length: {}\r\n\r\n", request.body.len());
    stream.write_all(&[head.as_bytes(), &request.body].concat()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    // A deletion is answered without a body.
    let body = if status == 204 { Value::Null } else { serde_json::from_str(body).ok()? };
    Some((status, head.to_owned(), body))
}

/// The value of a header in an answer's head.
pub fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (known, value) = line.split_once(": ")?;
        known.eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}
