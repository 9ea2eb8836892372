//! The page that `sms-stage serve` shows in a browser, and the requests that `serve` passes to the
//! function. `tests/browser/run` tests the page in a real browser.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::harness::{FIXTURE, Request, command::Server, detail};

fn serve(arguments: &[&str], last_line: &str) -> Server {
    Server::start(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat(), last_line)
}

/// The head and the body of the answer to a GET.
fn get(server: &Server, path: &str, host: &str) -> (String, String) {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[test]
fn the_page_has_the_demo_token_but_never_a_loaded_one() {
    let server = serve(&[], "demo token: ");
    let token = server.printed.last().unwrap().strip_prefix("demo token: ").unwrap();
    let (head, page) = get(&server, "/", &server.address);
    assert!(head.starts_with("http/1.1 200 ") && head.contains("text/html"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert!(page.contains(&format!("data-token=\"{token}\"")), "{page}");

    let server = serve(&["--load", "tests/conformance/fixture.json"], "listening on ");
    let (_, page) = get(&server, "/", &server.address);
    assert!(page.contains("data-token=\"\""), "{page}");
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    for token in fixture["tokens"].as_array().unwrap() {
        assert!(!page.contains(token["key"].as_str().unwrap()), "{page}");
    }
}

/// A site of another name that resolves to this machine could otherwise read the token.
#[test]
fn the_page_has_the_demo_token_only_at_this_machines_own_names() {
    let server = serve(&[], "demo token: ");
    let token = server.printed.last().unwrap().strip_prefix("demo token: ").unwrap();
    for (host, is_shown) in [
        ("localhost", true),
        ("localhost:8000", true),
        ("127.0.0.1:8000", true),
        ("[::1]:8000", true),
        ("[::ffff:127.0.0.1]:8000", true),
        ("example.com", false),
        ("example.com:8000", false),
        ("192.0.2.1:8000", false),
        ("localhost.example.com", false),
        ("not a host", false),
        ("", false),
    ] {
        let (head, page) = get(&server, "/", host);
        assert!(head.starts_with("http/1.1 200 "), "{host}: {head}");
        assert_eq!(page.contains(token), is_shown, "{host}");
        assert_eq!(page.contains("data-token=\"\""), !is_shown, "{host}");
    }
}

#[test]
fn the_page_loads_nothing_from_other_hosts() {
    let server = serve(&[], "listening on ");
    let (head, page) = get(&server, "/", &server.address);
    assert!(head.contains("content-security-policy: default-src 'none'; "), "{head}");
    let links = page.split(&['"', '\''][..]).filter(|text| text.starts_with("swagger-ui/"));
    let links: Vec<_> = links.collect();
    assert_eq!(links.len(), 4, "{links:?}");
    for link in links {
        let (head, body) = get(&server, &format!("/{link}"), &server.address);
        assert!(head.starts_with("http/1.1 200 ") && !body.is_empty(), "{link}: {head}");
    }
}

#[test]
fn the_document_has_the_address_of_its_request() {
    let server = serve(&[], "listening on ");
    for (host, base) in [
        (&*server.address, format!("http://{}", server.address)),
        ("localhost:8000", "http://localhost:8000".to_owned()),
        ("[::1]:8000", "http://[::1]:8000".to_owned()),
        // Not an address: the document is unchanged.
        ("a\"b", String::new()),
    ] {
        let (head, text) = get(&server, "/openapi.json", host);
        assert!(head.contains("content-type: application/json"), "{head}");
        let json: Value = serde_json::from_str(&text).unwrap();
        let urls = [&json["servers"][0]["url"], &json["servers"][1]["url"]];
        assert_eq!(urls, [&json!(format!("{base}/api/v3")), &json!(format!("{base}/"))]);

        let (head, text) = get(&server, "/openapi.yaml", host);
        assert!(head.contains("content-type: application/yaml"), "{head}");
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), json);
    }
}

#[test]
fn the_function_answers_all_other_requests() {
    let server = serve(&[], "listening on ");
    let no_route = (404, detail("not_found", "Not found."));
    let text = "This path of authentik's API is not served here.";
    let not_implemented = (501, detail("not_implemented", text));
    for (method, path) in [
        ("POST", "/"),
        ("PATCH", "/"),
        ("PUT", "/openapi.yaml"),
        ("DELETE", "/openapi.json"),
        ("OPTIONS", "/swagger-ui/page.js"),
        ("POST", "/swagger-ui/swagger-ui.css"),
        ("GET", "/swagger-ui/none"),
        ("GET", "/api/v3/openapi.yaml"),
        ("GET", "/api/v3/"),
        ("GET", "//"),
    ] {
        let answer = server.send(&Request::patch("").method(method).path(path));
        let expected = if path.starts_with("/api/v3") { &not_implemented } else { &no_route };
        assert_eq!(&answer, expected, "{method} {path}");
    }
    // A gateway may put any prefix before the path of a stage.
    let denied = (403, detail("authentication_failed", "Token invalid/expired"));
    for prefix in ["", "/api/v3", "/swagger-ui"] {
        let path = format!("{prefix}/stages/authenticator/sms/openapi.json");
        assert_eq!(server.send(&Request::get().path(&path)), denied, "{path}");
    }
}
