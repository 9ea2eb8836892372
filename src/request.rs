//! From a Lambda event to what the request asks.
//!
//! lambda_http tells the doors apart (REST API, HTTP API and function URL, load balancer) and, at
//! the end, gives the answer the shape that the door expects. Between the two it would make an
//! `http::Request` of the event, and it panics on events that a client can bring about: base64 that
//! is none, a `Host` or a path that makes no URL, a query string with a quote in it. It also keeps
//! only one of several values of a header. So what a request says is taken from the event itself,
//! and the hollow event that is left goes lambda_http's way.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::{
    aws_lambda_events::{
        alb::AlbTargetGroupRequest,
        apigw::{ApiGatewayProxyRequest, ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest},
    },
    http::{HeaderMap, Method, header},
    request::LambdaRequest,
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

use crate::{
    error::Error,
    patch::Completeness,
    permission::{Caller, Credentials},
    precondition::Tags,
};

/// Largest body we read, in bytes.
///
/// DynamoDB refuses items above 400 KB (409,600 bytes), but a body may spell a character with six
/// bytes (`\u00e9`) that is stored in two; so this is well above, and the item's own size is judged
/// later.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// An HTTP event, taken apart.
///
/// Deserializing fails for what is no HTTP event at all; the runtime then reports the invocation as
/// failed, which is what a misconfigured trigger should see. An HTTP event with something in it that
/// cannot be read is still an event: whoever sent it gets an answer.
#[derive(Debug)]
pub struct Event {
    /// The event without what it said, for the shape of the answer.
    pub(crate) shell: LambdaRequest,
    /// What it said; `None` if that cannot be read.
    pub(crate) incoming: Option<Incoming>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Box::<RawValue>::deserialize(deserializer)?;
        match serde_json::from_str::<LambdaRequest>(event.get()) {
            Ok(mut shell) => Ok(Self { incoming: Incoming::take(&mut shell), shell }),
            Err(error) => match Outline::door(event.get()) {
                Some(shell) => Ok(Self { shell, incoming: None }),
                None => Err(serde::de::Error::custom(error)),
            },
        }
    }
}

/// Just enough of an event to tell which door it came through.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    request_context: OutlineContext,
    http_method: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct OutlineContext {
    http: Option<IgnoredAny>,
    elb: Option<IgnoredAny>,
}

impl Outline {
    fn door(event: &str) -> Option<LambdaRequest> {
        let outline: Self = serde_json::from_str(event).ok()?;
        if outline.request_context.http.is_some() {
            Some(LambdaRequest::ApiGatewayV2(ApiGatewayV2httpRequest::default()))
        } else if outline.request_context.elb.is_some() {
            Some(LambdaRequest::Alb(AlbTargetGroupRequest::default()))
        } else {
            outline.http_method?;
            Some(LambdaRequest::ApiGatewayV1(ApiGatewayProxyRequest::default()))
        }
    }
}

/// What is asked of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// GET, and HEAD, whose body the answer leaves out.
    Retrieve,
    /// PATCH or PUT.
    Update(Completeness),
    /// OPTIONS.
    Describe,
}

/// The methods that are answered, as the `Allow` header lists them.
pub const ALLOW: &str = "GET, PUT, PATCH, HEAD, OPTIONS";

/// What one request says.
#[derive(Debug)]
pub struct Incoming {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<String>,
    is_base64_encoded: bool,
    authorizer: Option<Caller>,
}

impl Incoming {
    /// Takes what the event says out of it, and leaves a hollow event of the same kind.
    fn take(event: &mut LambdaRequest) -> Option<Self> {
        match event {
            LambdaRequest::ApiGatewayV1(event) => {
                let event = std::mem::take(event);
                Some(Self {
                    method: event.http_method,
                    path: event.path.unwrap_or_default(),
                    headers: merged(event.multi_value_headers, event.headers),
                    body: event.body,
                    is_base64_encoded: event.is_base64_encoded,
                    authorizer: rest_caller(&event.request_context.authorizer),
                })
            }
            LambdaRequest::ApiGatewayV2(event) => {
                let event = std::mem::take(event);
                Some(Self {
                    method: event.request_context.http.method,
                    path: event.raw_path.unwrap_or_default(),
                    headers: event.headers,
                    body: event.body,
                    is_base64_encoded: event.is_base64_encoded,
                    authorizer: event.request_context.authorizer.as_ref().and_then(http_caller),
                })
            }
            LambdaRequest::Alb(event) => {
                let event = std::mem::take(event);
                Some(Self {
                    method: event.http_method,
                    path: event.path.unwrap_or_default(),
                    headers: merged(event.multi_value_headers, event.headers),
                    body: event.body,
                    is_base64_encoded: event.is_base64_encoded,
                    // A load balancer's authentication comes in a header, which anybody can write.
                    authorizer: None,
                })
            }
            _ => None,
        }
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path's stage: what stands behind `/stages/authenticator/sms/` at the path's end, under
    /// any prefix (the deployment stage, `/api/v3`, a custom domain's base path), with or without a
    /// slash behind it.
    ///
    /// # Errors
    ///
    /// [`Error::NoRoute`] for any other path.
    pub fn stage_segment(&self) -> Result<Cow<'_, str>, Error> {
        let path = self.path.strip_suffix('/').unwrap_or(&self.path);
        let mut segments = path.rsplit('/');
        let segment = segments.next().unwrap_or_default();
        let is_ours = !segment.is_empty()
            && segments.next() == Some("sms")
            && segments.next() == Some("authenticator")
            && segments.next() == Some("stages")
            // Something is left before it: at least the empty text before the first slash.
            && segments.next().is_some();
        if is_ours {
            Ok(percent_decode_str(segment).decode_utf8_lossy())
        } else {
            Err(Error::NoRoute)
        }
    }

    /// What the method asks.
    ///
    /// # Errors
    ///
    /// [`Error::MethodNotAllowed`] for a method that is not in [`ALLOW`].
    pub fn action(&self) -> Result<Action, Error> {
        match self.method.as_str() {
            "PATCH" => Ok(Action::Update(Completeness::Partial)),
            "PUT" => Ok(Action::Update(Completeness::Full)),
            "GET" | "HEAD" => Ok(Action::Retrieve),
            "OPTIONS" => Ok(Action::Describe),
            other => Err(Error::MethodNotAllowed(other.to_owned())),
        }
    }

    /// What the request says of its sender.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        if let Some(caller) = &self.authorizer {
            return Credentials::Authorizer(caller.clone());
        }
        let mut values = self.headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Credentials::Missing,
            (Some(value), None) => {
                Credentials::from_authorization(&String::from_utf8_lossy(value.as_bytes()))
            }
            (Some(_), Some(_)) => Credentials::Several,
        }
    }

    /// Which versions the change is meant for.
    ///
    /// # Errors
    ///
    /// [`Error::BadEntityTags`] for a header that is no list of them.
    pub fn if_match(&self) -> Result<Tags, Error> {
        self.tags(&header::IF_MATCH)
    }

    /// Which versions the client has already.
    ///
    /// # Errors
    ///
    /// [`Error::BadEntityTags`] for a header that is no list of them.
    pub fn if_none_match(&self) -> Result<Tags, Error> {
        self.tags(&header::IF_NONE_MATCH)
    }

    fn tags(&self, name: &header::HeaderName) -> Result<Tags, Error> {
        let values = self.headers.get_all(name).iter().map(|value| value.as_bytes());
        Tags::parse(values).map_err(|_| Error::BadEntityTags)
    }

    /// The body as JSON. One of no bytes is the empty object, whatever its type.
    ///
    /// # Errors
    ///
    /// [`Error::BodyTooLarge`], [`Error::UnsupportedMediaType`], [`Error::Parse`], in this order.
    pub fn json(&self) -> Result<Value, Error> {
        let bytes = self.bytes()?;
        if bytes.len() > BODY_BYTES_MAX {
            return Err(Error::BodyTooLarge);
        }
        if bytes.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let content_type = content_type
            .map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()));
        if !is_json(&content_type) {
            return Err(Error::UnsupportedMediaType(content_type.into_owned()));
        }
        serde_json::from_slice(&bytes).map_err(|error| Error::Parse(error.to_string()))
    }

    fn bytes(&self) -> Result<Cow<'_, [u8]>, Error> {
        let body = self.body.as_deref().unwrap_or_default();
        if !self.is_base64_encoded {
            return Ok(Cow::Borrowed(body.as_bytes()));
        }
        match STANDARD.decode(body) {
            Ok(bytes) => Ok(Cow::Owned(bytes)),
            Err(_) => Err(Error::Parse("the event's body is not base64".to_owned())),
        }
    }
}

/// Reads the path's stage as a UUID, in any spelling that the `uuid` crate takes.
///
/// # Errors
///
/// [`Error::BadStageUuid`] for anything else.
pub fn stage_uuid(segment: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(segment).map_err(|_| Error::BadStageUuid(segment.to_owned()))
}

/// All values of all headers. A REST API sends each header twice, in `headers` with its last value
/// only; a load balancer sends one of the two.
fn merged(mut all_values: HeaderMap, last_values: HeaderMap) -> HeaderMap {
    for (name, value) in &last_values {
        if !all_values.contains_key(name) {
            all_values.insert(name, value.clone());
        }
    }
    all_values
}

/// Whether a `Content-Type` lets a body be read as JSON, by the rules of the reference's parser
/// choice: the type and subtype may each be `*`. JSON is UTF-8 (RFC 8259, 8.1), so another
/// `charset` is another type.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';');
    let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json_type =
        matches!(media_type.split_once('/'), Some(("application" | "*", "json" | "*")));
    is_json_type
        && parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
            let charset = value.trim().trim_matches('"');
            !name.trim().eq_ignore_ascii_case("charset")
                || charset.eq_ignore_ascii_case("utf-8")
                || charset.eq_ignore_ascii_case("utf8")
        })
}

/// Who an HTTP API's or a function URL's authorizer says it is: a JWT authorizer's claims, a Lambda
/// authorizer's context, or an IAM principal, who can have no codenames and so no permission.
fn http_caller(authorizer: &ApiGatewayRequestAuthorizer) -> Option<Caller> {
    if let Some(jwt) = &authorizer.jwt {
        let user = jwt.claims.get("sub").cloned().unwrap_or_default();
        let named = ["scope", "permissions"].into_iter().filter_map(|claim| jwt.claims.get(claim));
        return Some(Caller::new(user, named.flat_map(|codenames| words(codenames)).collect()));
    }
    if let Some(iam) = &authorizer.iam {
        return Some(Caller::new(iam.user_arn.clone().unwrap_or_default(), Vec::new()));
    }
    rest_caller(authorizer)
}

/// Who a REST API's authorizer says it is: a Cognito authorizer's claims, or a Lambda authorizer's
/// principal and context.
fn rest_caller(authorizer: &ApiGatewayRequestAuthorizer) -> Option<Caller> {
    let context = &authorizer.fields;
    if context.is_empty() {
        return None;
    }
    let claims = context.get("claims").and_then(Value::as_object);
    let named = |name| match claims {
        Some(claims) => claims.get(name),
        None => context.get(name),
    };
    let user = ["sub", "principalId", "user"].into_iter().find_map(named).and_then(Value::as_str);
    let permissions = ["scope", "permissions"].into_iter().filter_map(named).flat_map(codenames);
    Some(Caller::new(user.unwrap_or_default().to_owned(), permissions.collect()))
}

fn codenames(value: &Value) -> Vec<String> {
    match value {
        Value::String(codenames) => words(codenames).collect(),
        Value::Array(codenames) => {
            codenames.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// Splits at spaces. API Gateway writes a claim that is a list as `[one two]`.
fn words(text: &str) -> impl Iterator<Item = String> {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.split_ascii_whitespace().map(str::to_owned)
}
