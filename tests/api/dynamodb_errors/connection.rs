//! Connections that fail, and endpoints that do not answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{Client, config::SharedHttpClient};
use aws_smithy_runtime_api::client::result::ConnectorError;
use tokio::{io::AsyncReadExt, task::JoinSet};

use crate::harness::{
    ClosedPort, LONG, TestSettings, call_within,
    calls::{
        self, Answers, Call, EVERY_CALL, assert_error, assert_holds_no_content, server_error,
        unavailable,
    },
    dynamodb,
    engine::Engine,
    library::{self, Retry, app_at},
};

#[tokio::test]
async fn a_slow_or_broken_connection_leads_to_503() {
    let app = calls::app().await;
    let before = app.snapshot().await;
    let broken: [(Answers, usize, &str, &str); 6] = [
        (
            || dynamodb::failed_connection(dynamodb::reset()),
            3,
            "no connection: the endpoint cannot be reached",
            "reset",
        ),
        (
            || dynamodb::failed_connection(ConnectorError::timeout("no answer in time".into())),
            3,
            "no connection in time",
            "slow",
        ),
        (
            || dynamodb::failed_connection(ConnectorError::user("a bad request".into())),
            1,
            "the request could not be sent",
            "never sent",
        ),
        (
            || dynamodb::failed_connection(ConnectorError::other("unknown cause".into(), None)),
            1,
            "the request could not be sent",
            "any other failure",
        ),
        (
            || dynamodb::response(200, r#"{"Item": {"auth": {"S": "s3cr3t-token"#.to_owned()),
            1,
            "(status 200)",
            "cut off",
        ),
        (
            || dynamodb::response(502, "<html>sms-setup</html>".to_owned()),
            3,
            "(status 502)",
            "an answer from a proxy",
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
            assert_eq!((error.retry, error.operation), (Retry::Retryable, call.operation()));
            assert_holds_no_content(&error, &why);
            assert!(error.cause.contains(cause), "{why}: the log has the cause: {error}");
            app.dynamodb.calls();
        }
    }
    app.dynamodb.stop_intercepting();
    assert_eq!(app.snapshot().await, before, "nothing was written");
}

#[tokio::test]
async fn an_endpoint_that_refuses_connections_leads_to_503() {
    let closed = ClosedPort::reserve();
    let app = app_at(format!("http://{}", closed.address));
    let answer = call_within(&app, &Call::InPlace.request(), Duration::from_secs(30)).await;
    assert_error(&answer, unavailable(), "no server listens");
}

#[tokio::test]
async fn a_call_identifies_this_program_and_has_no_unexpected_headers() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    let answer = call_within(&app, &Call::InPlace.request(), Duration::from_secs(30)).await;
    assert_error(&answer, unavailable(), "the server closes the connection");
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
async fn an_endpoint_that_closes_every_connection_leads_to_503() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let answer = call_within(&app, &Call::InPlace.request(), Duration::from_secs(30)).await;
    assert_error(&answer, unavailable(), "the server closes the connection");
}

#[tokio::test]
async fn an_endpoint_that_never_answers_leads_to_503_before_every_attempt_has_timed_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_at(format!("http://{}", listener.local_addr().unwrap()));
    // The connection is kept open and never answered.
    let server = tokio::spawn(async move { listener.accept().await });
    let request = Call::InPlace.request();
    let start = Instant::now();
    let answer = call_within(&app, &request, Duration::from_millis(600)).await;
    // Without the invocation's deadline, the client would make three attempts of two seconds each.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_error(&answer, unavailable(), "it never answers");
    server.await.unwrap().unwrap();
}

/// The client is not asked to try again: an operator has to correct the setting.
#[tokio::test]
async fn a_missing_table_leads_to_500() {
    let app = calls::app().await;
    let settings = TestSettings::default();
    let table_name = format!("{}-missing", app.table_name);
    let table = library::table(app.client.clone(), &table_name);
    let answer = call_within(
        &library::app(&table, &settings),
        &Call::InPlace.request(),
        Duration::from_secs(30),
    )
    .await;
    assert_error(&answer, server_error(), "no table");
}

/// The SDK's own retry budget is shared by all requests of a process, and is used up after about
/// fifty failed requests.
#[tokio::test]
async fn a_fault_after_many_failed_requests_is_still_retried() {
    let app = calls::app().await;
    let Some(url) = app.endpoint.url.clone().filter(|_| app.endpoint.engine != Engine::Aws) else {
        return; // Here, the client of the binaries is built for a local engine.
    };
    // The client that the binaries use, with its calls recorded.
    let client = library::client_at(&url);
    let config = client.config().to_builder();
    let http = SharedHttpClient::new(app.dynamodb.clone());
    let client = Client::from_conf(config.http_client(http).build());
    let table = library::table(client, &app.table_name);
    let function = Arc::new(library::app(&table, &TestSettings::default()));
    let fails = || dynamodb::error(500, "InternalServerError", "Internal server error");
    app.dynamodb.intercept(move |_, _, _| Some(fails()));
    let mut failing = JoinSet::new();
    for _ in 0..60 {
        let function = Arc::clone(&function);
        failing.spawn(async move { call_within(&function, &Call::InPlace.request(), LONG).await });
    }
    for answer in failing.join_all().await {
        assert_error(&answer, unavailable(), "it always fails");
    }
    assert_eq!(app.dynamodb.calls().len(), 60 * 3, "each request has its own attempts");
    Call::InPlace.answer_first(&app, vec![fails(), fails()]);
    let answer = call_within(&function, &Call::InPlace.request(), LONG).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(Call::InPlace.times_sent(&app), 3);
}

#[tokio::test]
async fn a_failure_that_quotes_the_request_is_neither_shown_nor_logged() {
    let app = calls::app().await;
    // The harness fails the test if a line of the log contains one of these secrets.
    let body = serde_json::json!({"auth": "n3w-auth-secret", "auth_password": "n3w-password"});
    let failures: [fn(String) -> ConnectorError; 4] = [
        |words| ConnectorError::io(words.into()),
        |words| ConnectorError::timeout(words.into()),
        |words| ConnectorError::user(words.into()),
        |words| ConnectorError::other(words.into(), None),
    ];
    for failure in failures {
        app.dynamodb.intercept(move |recorded, _, _| {
            let words = format!("cannot send {}: {}", recorded.operation, recorded.body);
            (recorded.operation == "UpdateItem")
                .then(|| dynamodb::failed_connection(failure(words)))
        });
        let error = library::update_error(&app.table, body.clone()).await;
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("n3w-") && !shown.contains("cannot send"), "{shown}");
        let answer = app.send(&crate::harness::Request::patch(body.to_string())).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(!answer.body.to_string().contains("n3w-"), "{}", answer.body);
    }
}
