//! `sms-stage serve`: HTTP in, the function's own way, HTTP out.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use authenticator_sms_stage::{handler::App, log, request::Event, store::Secrets};
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::LambdaEvent;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::level_filters::LevelFilter;
use uuid::Uuid;

use crate::{
    Data, Failure, Listen, Output, browse,
    engine::{self, Demo, Engine},
    invoke,
};

/// How long a token is remembered: as in the function.
const TOKEN_MEMORY: Duration = Duration::from_secs(60);

/// Largest body that API Gateway lets through, in bytes (10 MB):
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>. A larger
/// one never reaches the function.
const GATEWAY_BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// The demo's stage.
const DEMO_STAGE: &str = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";

/// Serves until told to end.
pub async fn serve(listen: &Listen, data: &Data, secrets: Secrets) -> Result<(), Failure> {
    log::start(LevelFilter::INFO, std::io::stderr);
    let listener = engine::bind(listen).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new("cannot tell the listening address", error))?;
    let port = engine::bind_loopback().await?;
    let engine = Engine::start(port, data.data.as_deref(), secrets).await?;
    let demo = engine.load(&data.load).await?;
    let app = Arc::new(App::new(engine.table, secrets, TOKEN_MEMORY));
    let router = browse::routes(demo.as_ref(), &any(answer))
        .fallback(answer)
        .method_not_allowed_fallback(answer)
        .with_state(app);
    announce(address, demo.as_ref())?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(engine::until_told_to_end())
        .await
        .map_err(|error| Failure::new("stopped serving", error))
}

fn announce(address: SocketAddr, demo: Option<&Demo>) -> Result<(), Failure> {
    let say = |words: &str| Output::Main.say(words);
    say(&format!("listening on http://{address}"))?;
    if let Some(Demo { key }) = demo {
        say(&format!("demo token: {key}"))?;
        say("try it in a browser at that address, or with:")?;
        say(&format!(
            "  curl -X PATCH http://{address}/stages/authenticator/sms/{DEMO_STAGE}/ \\\n    \
             -H 'Authorization: Bearer {key}' \\\n    \
             -H 'Content-Type: application/json' \\\n    \
             -d '{{\"friendly_name\": \"Work phone\"}}'"
        ))?;
    }
    Ok(())
}

/// Answers one HTTP request by way of the event that it would be behind API Gateway.
async fn answer(
    State(app): State<Arc<App>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, GATEWAY_BODY_BYTES_MAX).await else {
        // API Gateway's own answer to a body that it does not let through.
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "{\"message\":\"Request Entity Too Large\"}");
    };
    let event = http_api_event(&head, &body, client).to_string();
    // The way of a real event: text, read by what the function reads it with.
    let Ok(event) = serde_json::from_str::<Event>(&event) else {
        return plain(StatusCode::BAD_REQUEST, "{\"message\":\"Bad Request\"}");
    };
    let Ok(answer) = app.handle(LambdaEvent::new(event, invoke::context())).await;
    let answer = serde_json::to_value(&answer).and_then(serde_json::from_value::<LambdaAnswer>);
    match answer {
        Ok(answer) => answer.into_http(),
        Err(_) => plain(StatusCode::BAD_GATEWAY, "{\"message\":\"Internal Server Error\"}"),
    }
}

fn plain(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The event that an HTTP API sends for this request (payload format 2.0,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
fn http_api_event(head: &axum::http::request::Parts, body: &[u8], client: SocketAddr) -> Value {
    let text = |name: &HeaderName| {
        head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    let path = head.uri.path();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": headers(&head.headers),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": text(&header::HOST).unwrap_or_default(),
            "domainPrefix": "local",
            "http": {
                "method": head.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", head.version),
                "sourceIp": client.ip().to_string(),
                "userAgent": text(&header::USER_AGENT).unwrap_or_default(),
            },
            "requestId": Uuid::new_v4().to_string(),
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": u64::try_from(now.as_millis()).unwrap_or_default(),
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

/// An HTTP API joins several values of a header with commas.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| {
            let values = headers.get_all(name).iter();
            let values: Vec<_> =
                values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            (name.as_str().to_owned(), values.join(",").into())
        })
        .collect()
}

/// What the function returns to an HTTP API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaAnswer {
    status_code: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<String>,
}

impl LambdaAnswer {
    fn into_http(self) -> Response<Body> {
        let mut response = Response::new(self.body.map_or_else(Body::empty, Body::from));
        *response.status_mut() =
            StatusCode::from_u16(self.status_code).unwrap_or(StatusCode::BAD_GATEWAY);
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value.as_str().unwrap_or_default());
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
