//! Turns a Lambda event into a request.
//!
//! `lambda_http` would turn the event into an `http::Request`, and panics on events that a client
//! can cause: invalid base64, a `Host` or a path that does not form a URL, a query string that
//! contains a quote. It also keeps only one of several values of a header. So the event is read
//! here instead.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny},
};
use serde_json::{Map, Value, value::RawValue};

use super::{
    authorizer, headers::Headers, pairs::Pairs, query::RawQuery, request::Request, trigger::Trigger,
};

/// The event that the function was invoked with.
///
/// Deserializing fails for anything else: the runtime then reports the invocation as failed, which
/// is what a misconfigured trigger should see.
#[derive(Debug)]
pub enum Event {
    /// An HTTP request.
    Http {
        /// The trigger, which determines the shape of the answer.
        trigger: Trigger,
        /// The request; `None` if part of the event is unreadable. The client still gets an answer.
        request: Option<Request>,
    },
    /// Not a request: a schedule, another EventBridge event, or a plugin that keeps the function
    /// warm. No action is needed.
    Scheduled {
        /// The event's source, such as `aws.events`.
        source: String,
    },
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Box::<RawValue>::deserialize(deserializer)?;
        let proxy_event = serde_json::from_str::<ProxyEvent>(event.get()).ok();
        if let Some(trigger) = proxy_event.as_ref().and_then(ProxyEvent::trigger) {
            let request = proxy_event.map(|event| event.into_request(trigger));
            return Ok(Self::Http { trigger, request });
        }
        // A second pass, only for an event in which the first found no trigger.
        let probe = serde_json::from_str::<EventKindProbe>(event.get()).unwrap_or_default();
        if let Some(trigger) = probe.trigger() {
            let request = proxy_event.map(|event| event.into_request(trigger));
            return Ok(Self::Http { trigger, request });
        }
        probe.scheduled().ok_or_else(|| {
            D::Error::custom(
                "this function answers events from API Gateway (REST API, HTTP API), function \
                 URLs and application load balancers",
            )
        })
    }
}

/// The fields that are read from any kind of proxy event. A null member counts as missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyEvent {
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    query_string_parameters: Option<Pairs>,
    multi_value_query_string_parameters: Option<Pairs>,
    headers: Option<Pairs>,
    multi_value_headers: Option<Pairs>,
    request_context: RequestContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
struct RequestContext {
    http: Option<HttpContext>,
    elb: Option<IgnoredAny>,
    authorizer: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct HttpContext {
    method: Option<String>,
}

impl ProxyEvent {
    fn trigger(&self) -> Option<Trigger> {
        let context = &self.request_context;
        trigger(context.http.is_some(), context.elb.is_some(), self.http_method.is_some())
    }

    fn into_request(self, trigger: Trigger) -> Request {
        let RequestContext { http, authorizer, elb: _ } = self.request_context;
        let (method, path) = match trigger {
            Trigger::HttpApi => (http.and_then(|http| http.method), self.raw_path),
            Trigger::RestApi | Trigger::LoadBalancer => (self.http_method, self.path),
        };
        let mut method = method.unwrap_or_default();
        // In place: it is nearly always upper case already.
        method.make_ascii_uppercase();
        Request {
            method,
            path: path.unwrap_or_default(),
            query: RawQuery::new(
                trigger,
                self.raw_query_string,
                self.query_string_parameters,
                self.multi_value_query_string_parameters,
            ),
            headers: Headers::new(self.multi_value_headers, self.headers),
            body: self.body.unwrap_or_default(),
            is_base64_encoded: self.is_base64_encoded.unwrap_or_default(),
            identity: authorizer.and_then(|members| authorizer::identity(trigger, members)),
        }
    }
}

/// Just enough of an event to determine its kind.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventKindProbe {
    request_context: Option<ContextProbe>,
    #[serde(default, deserialize_with = "is_there")]
    http_method: bool,
    source: Option<Value>,
}

#[derive(Deserialize)]
struct ContextProbe {
    #[serde(default, deserialize_with = "is_there")]
    http: bool,
    #[serde(default, deserialize_with = "is_there")]
    elb: bool,
}

/// Whether a key is present, even with the value null.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl EventKindProbe {
    fn trigger(&self) -> Option<Trigger> {
        let context = self.request_context.as_ref()?;
        trigger(context.http, context.elb, self.http_method)
    }

    fn scheduled(self) -> Option<Event> {
        match (self.request_context, self.source) {
            (None, Some(Value::String(source))) => Some(Event::Scheduled { source }),
            _ => None,
        }
    }
}

/// The trigger of an event with these keys.
fn trigger(has_http: bool, has_elb: bool, has_method: bool) -> Option<Trigger> {
    if has_http {
        Some(Trigger::HttpApi)
    } else if has_elb {
        Some(Trigger::LoadBalancer)
    } else {
        has_method.then_some(Trigger::RestApi)
    }
}
