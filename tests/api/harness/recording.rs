//! An HTTP client for the SDK that records every call to DynamoDB, and lets a test intercept it.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use serde_json::Value;

use super::Key;

/// One call to DynamoDB.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// `UpdateItem`, `GetItem`, …
    pub operation: String,
    /// The request in DynamoDB's JSON.
    pub body: Value,
}

impl RecordedCall {
    /// The key of the call's item, if the call is about a single item.
    pub fn key(&self) -> Option<Key> {
        Key::of_json(&self.body["Key"])
    }
}

/// Answers a call instead of the engine, or returns `None` to let it through.
pub type Interceptor = dyn Fn(&RecordedCall, HttpRequest, &SharedHttpConnector) -> Option<HttpConnectorFuture>
    + Send
    + Sync;

/// An HTTP client that records its calls.
#[derive(Clone)]
pub struct RecordingClient {
    inner: SharedHttpClient,
    calls: Arc<Mutex<Vec<RecordedCall>>>,
    interceptor: Arc<Mutex<Option<Arc<Interceptor>>>>,
}

impl fmt::Debug for RecordingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordingClient")
    }
}

impl RecordingClient {
    /// A client that sends its calls through `inner`.
    pub fn new(inner: SharedHttpClient) -> Self {
        Self { inner, calls: Arc::default(), interceptor: Arc::default() }
    }

    /// Takes the calls that were recorded since they were last taken.
    pub fn calls(&self) -> Vec<RecordedCall> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Takes the calls as [`Self::calls`] does. Returns their operations.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// Intercepts every call from now on.
    pub fn intercept(
        &self,
        interceptor: impl Fn(
            &RecordedCall,
            HttpRequest,
            &SharedHttpConnector,
        ) -> Option<HttpConnectorFuture>
        + Send
        + Sync
        + 'static,
    ) {
        *self.interceptor.lock().unwrap() = Some(Arc::new(interceptor));
    }

    /// Lets every call through again.
    pub fn stop_intercepting(&self) {
        *self.interceptor.lock().unwrap() = None;
    }
}

impl HttpClient for RecordingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(RecordingConnector { client: self.clone(), inner })
    }
}

#[derive(Debug)]
struct RecordingConnector {
    client: RecordingClient,
    inner: SharedHttpConnector,
}

impl HttpConnector for RecordingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body = serde_json::from_slice(body).unwrap_or_default();
        let call = RecordedCall { operation, body };
        self.client.calls.lock().unwrap().push(call.clone());
        let interceptor = self.client.interceptor.lock().unwrap().clone();
        let answer = interceptor.zip(request.try_clone());
        let answer = answer.and_then(|(intercept, copy)| intercept(&call, copy, &self.inner));
        answer.unwrap_or_else(|| self.inner.call(request))
    }
}
