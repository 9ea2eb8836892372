//! `sms-stage serve`: serves the API over HTTP with the function's own code.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use authenticator_sms_stage::{api::App, http::event::Event};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State},
    http::{Method, Request, Response, StatusCode},
    routing::any,
};
use clap::Args;
use lambda_http::{LambdaEvent, lambda_runtime::streaming};

use crate::{
    browse,
    data_args::{DataArgs, Started},
    demo::{self, Demo},
    http_api, invoke,
    listen::{self, RemoteArgs, Reserved, Stop},
    output::{Failure, stdout},
    settings::SettingsArgs,
    terminal_log::{self, LogArgs},
};

/// How long a token is remembered, as in the function.
const TOKEN_MEMORY: Duration = Duration::from_secs(60);

/// Largest body that API Gateway passes on, in bytes (10 MB):
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>. A larger
/// one never reaches the function.
const GATEWAY_BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Serve the API over HTTP on this machine.
///
/// Each HTTP request becomes the event that API Gateway's HTTP API would send, and is handled by
/// the function's own code. The table is inside this process, which opens only the address of
/// --listen. Without --load, and with a new --data file or none, there is a demo stage, and a token
/// and a curl command for it are printed. The token is valid until the process ends, for at most 12
/// hours.
///
/// Open / in a browser to see the API and try each request. Ctrl-C waits up to four seconds for
/// unfinished requests; a second Ctrl-C stops at once.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sms-stage serve
  sms-stage serve --load tests/conformance/fixture.json --secrets write-only
  sms-stage serve --data stages.db --listen :0")]
pub struct ServeArgs {
    /// Address to listen on. Without a host (:8000 or 8000), only this machine can connect. Port 0
    /// picks a free port, which is then printed.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000", value_parser = listen::address)]
    listen: SocketAddr,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Serves until the process is told to stop.
pub async fn run(args: ServeArgs) -> Result<(), Failure> {
    terminal_log::start(&args.log);
    let reserved = Reserved::new(args.listen, &args.remote)?;
    let Started { database: _, table, demo } = args.data.start().await?;
    let app = Arc::new(App::new(table.clone(), args.settings.settings(TOKEN_MEMORY)));
    let router = browse::routes(demo.as_ref().map(|demo| demo.key.as_str()), &any(answer))
        .fallback(answer)
        .method_not_allowed_fallback(answer)
        .with_state(app);
    let announcement = announcement(reserved.address(), &args.data, demo.as_ref());
    let served = serve(reserved, router, &announcement).await;
    // Also after a failure, so that the printed key does not stay valid in a data file.
    demo::end(demo, &table).await?;
    served
}

/// Serves until the process is told to stop, and all requests are finished or overdue.
async fn serve(reserved: Reserved, router: Router, announcement: &str) -> Result<(), Failure> {
    let stop = Stop::watch();
    let listener = reserved.listen()?;
    stdout(announcement)?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().requested());
    tokio::select! {
        served = server => served.map_err(|error| Failure::new("stopped serving", error)),
        // A client that has sent half a request would delay the shutdown for ever.
        () = stop.overdue() => Ok(()),
    }
}

fn announcement(address: SocketAddr, data: &DataArgs, demo: Option<&Demo>) -> String {
    let then = match demo {
        Some(demo) => format!(
            "demo token: {key}\n\
             try it in a browser at that address, or with:\n  \
             curl -X PATCH http://{address}/stages/authenticator/sms/{stage}/ \\\n    \
             -H 'Authorization: Bearer {key}' \\\n    \
             -H 'Content-Type: application/json' \\\n    \
             -d '{{\"friendly_name\": \"Work phone\"}}'",
            key = demo.key,
            stage = demo::STAGE,
        ),
        None => how_to_create_a_token(data),
    };
    format!("listening on http://{address}\n{then}")
}

fn how_to_create_a_token(data: &DataArgs) -> String {
    if let Some(file) = &data.data {
        return format!(
            "to create a token for it, run in another terminal:\n  \
             sms-stage token create --user me --data {}",
            quoted(file)
        );
    }
    let files: String = data.load.iter().map(|file| format!(" --load {}", quoted(file))).collect();
    format!(
        "its tokens are those that were loaded; to create others, keep the data in a file:\n  \
         sms-stage serve --data stages.db{files}\n  \
         sms-stage token create --user me --data stages.db"
    )
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Answers one HTTP request through the event that it would be behind API Gateway.
async fn answer(
    State(app): State<Arc<App>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, GATEWAY_BODY_BYTES_MAX).await else {
        return http_api::plain(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let event = http_api::event(&head, &body, client).to_string();
    // Like a real event, it is read from text by the function's own code.
    let Ok(event) = serde_json::from_str::<Event>(&event) else {
        return http_api::plain(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let Ok(answer) = app.handle(LambdaEvent::new(event, invoke::context())).await;
    let response = http_api::response(serde_json::to_value(&answer).unwrap_or_default());
    if head.method == Method::HEAD { without_length(response) } else { response }
}

/// Removes `content-length: 0` from the answer to HEAD: the length of GET's body is not known.
fn without_length(response: Response<Body>) -> Response<Body> {
    // The runtime has a body of unknown length; nothing of it is sent.
    response.map(|_| Body::new(streaming::channel().1))
}
