//! The API in a browser: Swagger UI at `/`, and `openapi.yaml` with the address of this server.
//!
//! Swagger UI's own files come with a crate, and the page forbids the browser from loading anything
//! from other servers, so it works offline. All other requests go to the function.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::ConnectInfo,
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
/// go to `others`. The page contains a demo's token, and never any other token; it contains none for
/// other machines, and none for a site that resolves its own name to this machine.
pub fn routes<S: Clone + Send + Sync + 'static>(
    demo_token: Option<&str>,
    others: &MethodRouter<S>,
) -> Router<S> {
    let page_headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let remote_page = PAGE.replace(TOKEN_PLACE, "");
    let local_page = PAGE.replace(TOKEN_PLACE, demo_token.unwrap_or_default());
    let page = move |ConnectInfo(client): ConnectInfo<SocketAddr>, headers: HeaderMap| async move {
        let is_local = client.ip().to_canonical().is_loopback() && names_this_machine(&headers);
        (page_headers, if is_local { local_page } else { remote_page })
    };
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
        .route("/", others().get(page))
        .route("/swagger-ui/page.js", others().get(move || async move { (script_type, SCRIPT) }))
        .route("/swagger-ui/page.css", others().get(move || async move { (style_type, STYLES) }))
        .route("/openapi.yaml", others().get(yaml))
        .route("/openapi.json", others().get(json))
}

/// Whether the client addressed the server by a name that only this machine can give it.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = authority(headers);
    let host = host.as_ref().map(Authority::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn authority(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
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
    match authority(headers) {
        Some(host) => DOCUMENT.replace("\n  - url: /", &format!("\n  - url: http://{host}/")),
        None => DOCUMENT.to_owned(),
    }
}
