//! From a stage or an error to status and JSON: the only place that knows HTTP's statuses.

// Whoever adds an error decides here what a client sees of it.
#![deny(clippy::wildcard_enum_match_arm)]

use lambda_http::{
    Body, Response,
    http::{HeaderValue, StatusCode, header},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    choice::Choice,
    error::{Error, Remedy},
    flow::Flow,
    precondition::EntityTag,
    request::{ALLOW, BODY_BYTES_MAX},
    stage::Stage,
    store::{Secrets, item::Stored},
    validation::{ElementError, FieldError, Problem, ValidationError},
};

/// Seconds that a client is asked to wait before it tries again.
///
/// A conflict or a throttled table is over sooner than this, but the header has no fractions.
const RETRY_AFTER_SECONDS: &str = "1";

/// What a request that went well is answered with.
#[derive(Debug)]
pub enum Answer {
    /// The stage.
    Document(Box<Stored>),
    /// The client has this version already.
    NotModified(EntityTag),
    /// Which methods there are.
    Methods,
}

/// What is said of an answer in the log.
#[derive(Debug)]
pub struct Summary {
    /// The status.
    pub status: u16,
    /// The error's code, as the client reads it.
    pub code: Option<&'static str>,
}

/// Turns the outcome into a response.
#[must_use]
pub fn respond(
    outcome: &Result<Answer, Error>,
    is_head: bool,
    secrets: Secrets,
) -> (Response<Body>, Summary) {
    let (status, code, body) = match outcome {
        Ok(Answer::Document(stored)) => {
            (StatusCode::OK, None, json_text(&Document { stage: &stored.stage, secrets }))
        }
        Ok(Answer::NotModified(_)) => (StatusCode::NOT_MODIFIED, None, None),
        Ok(Answer::Methods) => (StatusCode::NO_CONTENT, None, None),
        Err(error) => {
            let (status, code, body) = refusal(error);
            (status, Some(code), json_text(&body))
        }
    };
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // The document holds credentials, and an error may name what a field holds.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if body.is_some() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let entity_tag = match outcome {
        Ok(Answer::Document(stored)) => Some(stored.entity_tag()),
        Ok(Answer::NotModified(tag)) => Some(tag.clone()),
        Ok(Answer::Methods) | Err(_) => None,
    };
    if let Some(tag) = entity_tag.and_then(|tag| HeaderValue::try_from(tag.to_string()).ok()) {
        headers.insert(header::ETAG, tag);
    }
    if matches!(outcome, Ok(Answer::Methods) | Err(Error::MethodNotAllowed(_))) {
        headers.insert(header::ALLOW, HeaderValue::from_static(ALLOW));
    }
    if matches!(status, StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    if let Some(body) = body.filter(|_| !is_head) {
        *response.body_mut() = Body::Text(body);
    }
    (response, Summary { status: status.as_u16(), code })
}

/// Every error's status, code and body. What the cause was stays out of it: that names tables and
/// hosts, and is for the log.
fn refusal(error: &Error) -> (StatusCode, &'static str, Value) {
    let detail = |status, code, text: &str| (status, code, json!({"detail": text, "code": code}));
    match error {
        Error::NoRoute => detail(StatusCode::NOT_FOUND, "not_found", "Not found."),
        Error::MethodNotAllowed(method) => {
            let text = format!("Method \"{method}\" not allowed.");
            detail(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &text)
        }
        Error::BadRequest(reason) => detail(StatusCode::BAD_REQUEST, "bad_request", reason),
        Error::NotAuthenticated => {
            let text = "Authentication credentials were not provided.";
            detail(StatusCode::FORBIDDEN, "not_authenticated", text)
        }
        Error::UnsupportedAuthentication => {
            let text = "Unsupported authentication type";
            detail(StatusCode::FORBIDDEN, "authentication_failed", text)
        }
        Error::BadToken => {
            detail(StatusCode::FORBIDDEN, "authentication_failed", "Token invalid/expired")
        }
        Error::BadStageUuid(sent) => {
            let messages = messages(&[Problem::NotAUuid(sent.clone())]);
            (StatusCode::BAD_REQUEST, "invalid", json!({"stage_uuid": messages, "code": "invalid"}))
        }
        Error::Denied => {
            let text = "You do not have permission to perform this action.";
            detail(StatusCode::FORBIDDEN, "permission_denied", text)
        }
        Error::BodyTooLarge => {
            let text = format!("Request body is larger than {BODY_BYTES_MAX} bytes.");
            detail(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", &text)
        }
        Error::UnsupportedMediaType(sent) => {
            let text = format!("Unsupported media type \"{sent}\" in request.");
            detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", &text)
        }
        Error::BadEntityTags => {
            let text = "If-Match and If-None-Match take \"*\" or a list of quoted entity tags.";
            detail(StatusCode::BAD_REQUEST, "bad_request", text)
        }
        Error::Parse(reason) => {
            let text = format!("JSON parse error - {reason}");
            detail(StatusCode::BAD_REQUEST, "parse_error", &text)
        }
        Error::Invalid(errors) => (StatusCode::BAD_REQUEST, "invalid", validation_body(errors)),
        Error::Missing => {
            let text = "No AuthenticatorSMSStage matches the given query.";
            detail(StatusCode::NOT_FOUND, "not_found", text)
        }
        Error::PreconditionFailed => {
            let text = "The stage is not the version that If-Match names.";
            detail(StatusCode::PRECONDITION_FAILED, "precondition_failed", text)
        }
        Error::Outrun => {
            let text = "The stage is being changed by others. Nothing was changed; try again.";
            detail(StatusCode::CONFLICT, "conflict", text)
        }
        Error::Store(store) => match store.remedy {
            Remedy::TryLater => {
                let text = "The stage cannot be reached at the moment. Try again.";
                detail(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
            }
            Remedy::Repair => {
                let text = "A server error occurred.";
                detail(StatusCode::INTERNAL_SERVER_ERROR, "error", text)
            }
        },
    }
}

fn validation_body(errors: &ValidationError) -> Value {
    let mut body = Map::new();
    match errors {
        ValidationError::Body(problem) => {
            body.insert("non_field_errors".to_owned(), messages(std::slice::from_ref(problem)));
        }
        ValidationError::Fields(fields) => {
            for (field, error) in fields {
                body.insert(field.as_str().to_owned(), field_body(error));
            }
        }
    }
    body.insert("code".to_owned(), json!("invalid"));
    Value::Object(body)
}

fn field_body(error: &FieldError) -> Value {
    match error {
        FieldError::Field(problems) => messages(problems),
        FieldError::List(problem) => {
            json!({"non_field_errors": messages(std::slice::from_ref(problem))})
        }
        FieldError::Elements(elements) => elements.iter().map(element_body).collect(),
    }
}

fn element_body(error: &ElementError) -> Value {
    match error {
        ElementError::Null => messages(&[Problem::Null]),
        ElementError::NotAnObject(kind) => {
            json!({"non_field_errors": messages(&[Problem::NotAnObject(kind)])})
        }
        ElementError::Fields(fields) => fields
            .iter()
            .map(|(field, problems)| (field.as_str().to_owned(), messages(problems)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn messages(problems: &[Problem]) -> Value {
    problems.iter().map(ToString::to_string).collect()
}

/// JSON text; `None` only if a map had a key that is no text, and no body here has one.
fn json_text(body: &impl Serialize) -> Option<String> {
    serde_json::to_string(body).ok()
}

/// A stage as the contract has it: 17 keys, in its order.
#[derive(Debug)]
pub struct Document<'s> {
    /// The stage.
    pub stage: &'s Stage,
    /// Whether `auth` and `auth_password` are among the keys.
    pub secrets: Secrets,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stage = self.stage;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &Hyphenated(stage.stage_uuid))?;
        map.serialize_entry("name", &stage.name)?;
        map.serialize_entry("component", "ak-stage-authenticator-sms-form")?;
        map.serialize_entry("verbose_name", "SMS Authenticator Setup Stage")?;
        map.serialize_entry("verbose_name_plural", "SMS Authenticator Setup Stages")?;
        let model = "authentik_stages_authenticator_sms.authenticatorsmsstage";
        map.serialize_entry("meta_model_name", model)?;
        map.serialize_entry("flow_set", &Flows(&stage.flow_set))?;
        map.serialize_entry("configure_flow", &stage.configure_flow.map(Hyphenated))?;
        map.serialize_entry("friendly_name", &stage.friendly_name)?;
        map.serialize_entry("provider", stage.provider.as_str())?;
        map.serialize_entry("from_number", &stage.from_number)?;
        map.serialize_entry("account_sid", &stage.account_sid)?;
        if self.secrets == Secrets::Echo {
            map.serialize_entry("auth", stage.auth.reveal())?;
            map.serialize_entry("auth_password", stage.auth_password.reveal())?;
        }
        map.serialize_entry("auth_type", stage.auth_type.as_str())?;
        map.serialize_entry("verify_only", &stage.verify_only)?;
        map.serialize_entry("mapping", &stage.mapping.map(Hyphenated))?;
        map.end()
    }
}

struct Flows<'s>(&'s [Flow]);

impl Serialize for Flows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(FlowDocument))
    }
}

/// A flow as the contract has it: 12 keys, in its order.
struct FlowDocument<'s>(&'s Flow);

impl Serialize for FlowDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flow = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &Hyphenated(flow.pk))?;
        let parent = Hyphenated(flow.policybindingmodel_ptr_id);
        map.serialize_entry("policybindingmodel_ptr_id", &parent)?;
        map.serialize_entry("name", &flow.name)?;
        map.serialize_entry("slug", &flow.slug)?;
        map.serialize_entry("title", &flow.title)?;
        map.serialize_entry("designation", flow.designation.as_str())?;
        map.serialize_entry("background", &flow.background)?;
        map.serialize_entry("policy_engine_mode", flow.policy_engine_mode.as_str())?;
        map.serialize_entry("compatibility_mode", &flow.compatibility_mode)?;
        map.serialize_entry("export_url", &flow.export_url())?;
        map.serialize_entry("layout", flow.layout.as_str())?;
        map.serialize_entry("denied_action", flow.denied_action.as_str())?;
        map.end()
    }
}

/// A key in its usual spelling: lower case, with dashes.
struct Hyphenated(Uuid);

impl Serialize for Hyphenated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut buffer))
    }
}
