//! Bodies that are small to send but could take much memory to read: the memory that they take, and
//! the size of their answers.

use serde_json::json;

use crate::harness::{Request, STAGE, command::Server};

/// Maximum memory, in bytes, that a body may take in addition to that of an idle server.
const BYTES_MAX: u64 = 64 << 20;
/// The size of the largest body that is read.
const BODY_BYTES: usize = 1 << 20;

/// A body of nearly the largest size: `element` as often as fits between `before` and `after`.
fn filled(before: &str, element: &str, after: &str) -> Vec<u8> {
    let room = BODY_BYTES - before.len() - after.len();
    let elements = vec![element; room / (element.len() + 1)].join(",");
    [before, &elements, after].concat().into_bytes()
}

/// Starts a server with demo data, and waits until it has printed its token.
fn demo() -> Server {
    Server::start(&["serve", "--listen", "127.0.0.1:0"], "demo token: ")
}

/// The process's peak memory so far, in bytes.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes = line.trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "peak memory is read from Linux's /proc")]
fn no_body_takes_much_memory_and_no_answer_is_much_larger_than_its_body() {
    let flow = json!({
        "name": "n", "slug": "s", "title": "t", "designation": "recovery", "layout": "x",
    });
    for (why, body) in [
        ("empty flows", filled(r#"{"flow_set": ["#, "{}", "]}")),
        ("flows that are null", filled(r#"{"flow_set": ["#, "null", "]}")),
        ("flows with the same slug", filled(r#"{"flow_set": ["#, &flow.to_string(), "]}")),
        ("a list instead of a word", filled(r#"{"provider": ["#, "0", "]}")),
        ("a list instead of a key", filled(r#"{"mapping": ["#, "[]", "]}")),
        ("a list instead of a text", filled(r#"{"name": ["#, "{}", "]}")),
        ("an unknown key", filled(r#"{"unknown": ["#, "0", "]}")),
        ("a list as the body", filled("[", "{}", "]")),
        ("many keys", filled("{", r#""a":0"#, "}")),
        ("lists in flows", filled(r#"{"flow_set": [{"name": ["#, "[]", "]}]}")),
    ] {
        let server = demo();
        let token = server.printed.iter().find_map(|line| line.strip_prefix("demo token: "));
        let request = Request::patch("{}").stage(STAGE).token(token.unwrap());
        assert_eq!(server.send(&request).0, 200, "{why}: the server is warm");
        let idle = peak(&server);
        let length = body.len();
        let (status, answer) = server.send(&Request { body, ..request });
        assert!(matches!(status, 200 | 400), "{why}: {status}");
        let answer = answer.to_string().len();
        assert!(answer <= length + 64 * 1024, "{why}: an answer of {answer} bytes to {length}");
        let taken = peak(&server) - idle;
        assert!(taken <= BYTES_MAX, "{why}: {taken} bytes above idle");
    }
}

#[test]
fn too_many_flows_are_refused_with_one_message() {
    let server = demo();
    let token = server.printed.iter().find_map(|line| line.strip_prefix("demo token: ")).unwrap();
    let body = filled(r#"{"flow_set": ["#, "{}", "]}");
    let answer = server.send(&Request { body, ..Request::patch("").token(token) });
    let message = "Ensure this field has no more than 1896 elements.";
    let expected = json!({"flow_set": {"non_field_errors": [message]}, "code": "invalid"});
    assert_eq!(answer, (400, expected));
}
