//! From a Lambda event to what the request asks.
//!
//! lambda_http would make an `http::Request` of the event, and panics on events that a client can
//! bring about: base64 that is none, a `Host` or a path that makes no URL, a query string with a
//! quote in it. It also keeps only one of several values of a header. So the event is read here.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

use crate::{
    door::Door,
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
    /// What kind of event it is, and so what shape its answer has.
    pub(crate) door: Door,
    /// What it says; `None` if that cannot be read.
    pub(crate) incoming: Option<Incoming>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Box::<RawValue>::deserialize(deserializer)?;
        let told = serde_json::from_str::<Told>(event.get()).ok();
        // A second look only at what cannot be read as it should be.
        let outline = || serde_json::from_str::<Outline>(event.get()).ok()?.door();
        let door = told.as_ref().and_then(Told::door).or_else(outline).ok_or_else(|| {
            D::Error::custom(
                "this function answers events of API Gateway (REST API, HTTP API), of function \
                 URLs and of application load balancers",
            )
        })?;
        Ok(Self { door, incoming: told.map(|told| Incoming::new(door, told)) })
    }
}

/// Just enough of an event to tell its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    request_context: OutlineContext,
    #[serde(default, deserialize_with = "is_there")]
    http_method: bool,
}

#[derive(Deserialize)]
struct OutlineContext {
    #[serde(default, deserialize_with = "is_there")]
    http: bool,
    #[serde(default, deserialize_with = "is_there")]
    elb: bool,
}

/// Whether a key is there at all, also with null.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Outline {
    fn door(&self) -> Option<Door> {
        door(self.request_context.http, self.request_context.elb, self.http_method)
    }
}

/// The kind of an event that has these keys.
fn door(has_http: bool, has_elb: bool, has_method: bool) -> Option<Door> {
    if has_http {
        Some(Door::HttpApi)
    } else if has_elb {
        Some(Door::LoadBalancer)
    } else {
        has_method.then_some(Door::RestApi)
    }
}

/// What an event tells, of whatever kind it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    headers: Option<Headers>,
    multi_value_headers: Option<Headers>,
    request_context: ToldContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

impl Told {
    fn door(&self) -> Option<Door> {
        let context = &self.request_context;
        door(context.http.is_some(), context.elb.is_some(), self.http_method.is_some())
    }
}

#[derive(Deserialize)]
struct ToldContext {
    http: Option<ToldHttp>,
    elb: Option<IgnoredAny>,
    authorizer: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct ToldHttp {
    method: String,
}

/// Headers as the event has them: in its order, in its letter case, a name possibly twice.
#[derive(Debug, Default)]
struct Headers(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EachHeader;
        impl<'de> Visitor<'de> for EachHeader {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Headers, M::Error> {
                let mut headers = Headers(Vec::with_capacity(map.size_hint().unwrap_or(16)));
                while let Some(name) = map.next_key()? {
                    map.next_value_seed(ValuesOf { name, headers: &mut headers })?;
                }
                Ok(headers)
            }
        }
        deserializer.deserialize_map(EachHeader)
    }
}

/// Takes in the values of one header: a text, a list of texts, or null for none.
struct ValuesOf<'h> {
    name: String,
    headers: &'h mut Headers,
}

impl<'de> DeserializeSeed<'de> for ValuesOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValuesOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header's value, or a list of them")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.headers.0.push((self.name, value.to_owned()));
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut values: S) -> Result<(), S::Error> {
        while let Some(value) = values.next_element()? {
            self.headers.0.push((self.name.clone(), value));
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl Headers {
    /// All values of a header, whose name has no letter case.
    fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Takes in what `others` has besides. A REST API sends each header twice, in `headers` with its
    /// last value only; a load balancer sends one of the two.
    fn merge(&mut self, others: Self) {
        for (name, value) in others.0 {
            if !self.all(&name).any(|known| known == value) {
                self.0.push((name, value));
            }
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
    method: String,
    path: String,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
    authorizer: Option<Caller>,
}

impl Incoming {
    fn new(door: Door, told: Told) -> Self {
        let mut headers = told.multi_value_headers.unwrap_or_default();
        headers.merge(told.headers.unwrap_or_default());
        let ToldContext { http, authorizer, elb: _ } = told.request_context;
        let authorizer = authorizer.unwrap_or_default();
        let (method, path, authorizer) = match door {
            Door::HttpApi => {
                (http.map(|http| http.method), told.raw_path, http_caller(&authorizer))
            }
            Door::RestApi => (told.http_method, told.path, rest_caller(&authorizer)),
            // A load balancer's authentication comes in a header, which anybody can write.
            Door::LoadBalancer => (told.http_method, told.path, None),
        };
        Self {
            method: method.unwrap_or_default(),
            path: path.unwrap_or_default(),
            headers,
            body: told.body.unwrap_or_default(),
            is_base64_encoded: told.is_base64_encoded.unwrap_or_default(),
            authorizer,
        }
    }

    /// Whether the answer is to have no body.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
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
        match &*self.method {
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
        let mut values = self.headers.all("authorization");
        match (values.next(), values.next()) {
            (None, _) => Credentials::Missing,
            (Some(value), None) => Credentials::from_authorization(value),
            (Some(_), Some(_)) => Credentials::Several,
        }
    }

    /// Which versions the change is meant for.
    ///
    /// # Errors
    ///
    /// [`Error::BadEntityTags`] for a header that is no list of them.
    pub fn if_match(&self) -> Result<Tags, Error> {
        self.tags("if-match")
    }

    /// Which versions the client has already.
    ///
    /// # Errors
    ///
    /// [`Error::BadEntityTags`] for a header that is no list of them.
    pub fn if_none_match(&self) -> Result<Tags, Error> {
        self.tags("if-none-match")
    }

    fn tags(&self, name: &str) -> Result<Tags, Error> {
        Tags::parse(self.headers.all(name)).map_err(|_| Error::BadEntityTags)
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
        let content_type = self.headers.all("content-type").next().unwrap_or_default();
        if !is_json(content_type) {
            return Err(Error::UnsupportedMediaType(content_type.to_owned()));
        }
        serde_json::from_slice(&bytes).map_err(|error| Error::Parse(error.to_string()))
    }

    fn bytes(&self) -> Result<Cow<'_, [u8]>, Error> {
        if !self.is_base64_encoded {
            return Ok(Cow::Borrowed(self.body.as_bytes()));
        }
        match STANDARD.decode(&self.body) {
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
/// authorizer's context, or an IAM principal, who can have no codenames and so no permission. An
/// authorizer that says nothing has vouched for somebody without permissions.
fn http_caller(authorizer: &Map<String, Value>) -> Option<Caller> {
    if let Some(jwt) = authorizer.get("jwt") {
        return Some(caller(|name| jwt.get("claims").and_then(|claims| claims.get(name))));
    }
    if let Some(iam) = authorizer.get("iam") {
        let user = iam.get("userArn").and_then(Value::as_str).unwrap_or_default();
        return Some(Caller::new(user.to_owned(), Vec::new()));
    }
    authorizer.get("lambda").map(|context| caller(|name| context.get(name)))
}

/// Who a REST API's authorizer says it is: a Cognito authorizer's claims, or a Lambda authorizer's
/// principal and context.
fn rest_caller(authorizer: &Map<String, Value>) -> Option<Caller> {
    let claims = authorizer.get("claims").filter(|claims| !claims.is_null());
    match claims {
        Some(claims) => Some(caller(|name| claims.get(name))),
        None if authorizer.is_empty() => None,
        None => Some(caller(|name| authorizer.get(name))),
    }
}

/// A caller from an authorizer's words: who it is, and the codenames.
fn caller<'v>(word: impl Fn(&'static str) -> Option<&'v Value>) -> Caller {
    let user = ["sub", "principalId", "user"].into_iter().find_map(&word).and_then(Value::as_str);
    let permissions = ["scope", "permissions"].into_iter().filter_map(word).flat_map(codenames);
    Caller::new(user.unwrap_or_default().to_owned(), permissions.collect())
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
