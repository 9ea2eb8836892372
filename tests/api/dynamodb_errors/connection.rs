//! Connections that fail, and endpoints that do not answer.

use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use tokio::io::AsyncReadExt;

use crate::harness::{
    TestApp, TestSettings, call_within,
    calls::{Answers, Call, EVERY_CALL, assert_error, assert_holds_no_content, unavailable},
    dynamodb,
    library::{self, Remedy, app_at},
};

#[tokio::test]
async fn a_connection_that_is_slow_or_broken_is_503() {
    let app = TestApp::new().await;
    let before = app.snapshot().await;
    let broken: [(Answers, usize, &str, &str); 6] = [
        (|| dynamodb::failed_connection(dynamodb::reset()), 3, "connection reset by peer", "reset"),
        (
            || dynamodb::failed_connection(ConnectorError::timeout("no answer in time".into())),
            3,
            "no answer in time",
            "slow",
        ),
        (
            || dynamodb::failed_connection(ConnectorError::user("a bad request".into())),
            1,
            "a bad request",
            "never sent",
        ),
        (
            || dynamodb::failed_connection(ConnectorError::other("unknown cause".into(), None)),
            1,
            "unknown cause",
            "any other failure",
        ),
        (
            || dynamodb::response(200, r#"{"Item": {"auth": {"S": "s3cr3t-token"#.to_owned()),
            1,
            "unexpected end of stream",
            "cut off",
        ),
        (
            || dynamodb::response(502, "<html>sms-setup</html>".to_owned()),
            3,
            "unexpected token",
            "the answer of a proxy",
        ),
    ];
    for (fault, sends, cause, why) in broken {
        for call in EVERY_CALL {
            let why = format!("{why} at {call:?}");
            call.answer_always(&app, fault);
            let answer = app.send(&call.request()).await;
            assert_eq!(call.times_sent(&app), sends, "{why}");
            assert_error(&answer, unavailable(), &why);
            let error = call.error(&app).await;
            assert_eq!((error.remedy, error.operation), (Remedy::TryLater, call.operation()));
            assert_holds_no_content(&error, &why);
            assert!(error.cause.contains(cause), "{why}: the log has the cause: {error}");
            app.dynamodb.calls();
        }
    }
    app.dynamodb.stop_intercepting();
    assert_eq!(app.snapshot().await, before, "nothing was written");
}

#[tokio::test]
async fn an_endpoint_that_refuses_connections_is_503() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let app = app_at(endpoint);
    let answer = call_within(&app, &Call::InPlace.request(), Duration::from_secs(30)).await;
    assert_error(&answer, unavailable(), "no server listens");
}

#[tokio::test]
async fn a_call_names_this_program_and_sends_no_other_header() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    let answer = call_within(&app, &Call::InPlace.request(), Duration::from_secs(30)).await;
    assert_error(&answer, unavailable(), "it closes the connection");
    let request = server.await.unwrap();
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<_> =
        head.lines().skip(1).map(|line| line.split_once(": ").unwrap().0).collect();
    names.sort_unstable();
    let expected = [
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-amz-date",
        "x-amz-target",
    ];
    assert_eq!(names, expected);
    let agent = concat!("user-agent: authenticator-sms-stage/", env!("CARGO_PKG_VERSION"));
    assert!(head.lines().any(|line| line == agent), "{head}");
}

#[tokio::test]
async fn an_endpoint_that_closes_every_connection_is_503() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let answer = call_within(&app, &Call::InPlace.request(), Duration::from_secs(30)).await;
    assert_error(&answer, unavailable(), "it closes the connection");
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_503_before_the_invocation_ends() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    // Kept open, and never answered.
    let server = tokio::spawn(async move { listener.accept().await });
    let request = Call::InPlace.request();
    let asking = call_within(&app, &request, Duration::from_millis(600));
    // By itself, the client would make three attempts of two seconds each.
    let answer = tokio::time::timeout(Duration::from_secs(5), asking).await;
    assert_error(&answer.unwrap(), unavailable(), "it never answers");
    server.await.unwrap().unwrap();
}

/// As while a backup is being restored under the table's name.
#[tokio::test]
async fn a_missing_table_is_503() {
    let app = TestApp::new().await;
    let settings = TestSettings::default();
    let table_name = format!("{}-missing", app.table_name);
    let table = library::table(app.client.clone(), &table_name, &settings);
    let answer = call_within(
        &library::app(&table, &settings),
        &Call::InPlace.request(),
        Duration::from_secs(30),
    )
    .await;
    assert_error(&answer, unavailable(), "no table");
}
