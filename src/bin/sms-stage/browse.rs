//! The API in a browser: Swagger UI at `/`, and `openapi.yaml` with the address of this server.
//!
//! Swagger UI's own files come with a crate, and the page forbids the browser from loading anything
//! from other servers, so it works offline. All other requests go to the function.

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header, uri::Authority},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use serde_json::Value;
use swagger_ui_dist::{ApiDefinition, OpenApiSource};

const DOCUMENT: &str = include_str!("../../../openapi.yaml");
const PAGE: &str = include_str!("browse/page.html");
const SCRIPT: &str = include_str!("browse/page.js");
const STYLES: &str = include_str!("browse/page.css");

/// The page's placeholder for a demo's token.
const TOKEN_PLACE: &str = "DEMO_TOKEN";

/// Everything comes from this server, and the page cannot be framed. Swagger UI writes styles into
/// its elements, and has its icons in its style sheet, as `data:`.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; \
                      style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Serves the page, the files that it needs, and the document to GET. Other methods on these paths
/// go to `others`. The page contains a demo's token, and never any other token.
pub fn routes<S: Clone + Send + Sync + 'static>(
    demo_token: Option<&str>,
    others: &MethodRouter<S>,
) -> Router<S> {
    let page = PAGE.replace(TOKEN_PLACE, demo_token.unwrap_or_default());
    let page_headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let script_type = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    let style_type = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    let assets = swagger_ui_dist::generate_routes(ApiDefinition {
        uri_prefix: "/swagger-ui",
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: None,
    });
    let others = || others.clone();
    Router::new()
        .merge(assets.with_state(()))
        .route("/", others().get(move || async move { (page_headers, page) }))
        .route("/swagger-ui/page.js", others().get(move || async move { (script_type, SCRIPT) }))
        .route("/swagger-ui/page.css", others().get(move || async move { (style_type, STYLES) }))
        .route("/openapi.yaml", others().get(yaml))
        .route("/openapi.json", others().get(json))
}

async fn yaml(headers: HeaderMap) -> Response {
    // RFC 9512.
    ([(header::CONTENT_TYPE, "application/yaml")], document(&headers)).into_response()
}

async fn json(headers: HeaderMap) -> Response {
    match serde_saphyr::from_str::<Value>(&document(&headers)) {
        Ok(document) => {
            ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Returns the document with absolute URLs for its servers, so that a saved copy can be used
/// elsewhere. The address is the one that the client used: a page may only call its own server.
fn document(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match host.and_then(|host| host.parse::<Authority>().ok()) {
        Some(host) => DOCUMENT.replace("\n  - url: /", &format!("\n  - url: http://{host}/")),
        None => DOCUMENT.to_owned(),
    }
}
