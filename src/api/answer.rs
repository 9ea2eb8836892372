//! The status, headers and JSON of every answer and error, in one table.

// Every new error needs its answer here; a wildcard would hide a missing one.
#![deny(clippy::wildcard_enum_match_arm)]

use lambda_http::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    context::{BODY_BYTES_MAX, Context},
    error::Error,
    problems::{body_of, fields_body, messages},
};
use crate::{
    contract::{Contract, document::StageDocument},
    http::response::Response,
    stage::{
        body::VALUES_MAX,
        problem::Problem,
        version::{Stored, Version},
    },
    store::{
        entity_tag,
        error::{Retry, StoreError},
    },
};

/// Seconds that a client is asked to wait before it tries again.
///
/// Conflicts and throttling end sooner than this, but the header does not allow fractions.
const RETRY_AFTER_SECONDS: &str = "1";

/// Initial capacity for a stage's JSON: enough for a stage with a few flows.
const STAGE_BYTES_USUAL: usize = 4096;

/// The answer to a successful request.
pub enum Answer {
    /// A stage.
    Stage {
        /// The stage.
        stored: Box<Stored>,
        /// Whether the caller is shown its secrets.
        shows_secrets: bool,
    },
    /// A newly created stage.
    Created {
        /// The stage.
        stored: Box<Stored>,
        /// Whether the caller is shown its secrets.
        shows_secrets: bool,
    },
    /// The client has this version already.
    NotModified(Version),
    /// The stage was deleted; this was its version.
    Deleted(Version),
    /// JSON other than a single stage.
    Body(String),
    /// The path's methods, as the `Allow` header lists them.
    Methods(String),
}

impl Answer {
    /// A stage, as the caller may see it.
    #[must_use]
    pub fn stage(cx: &Context<'_>, stored: Box<Stored>) -> Self {
        let shows_secrets = cx.shows_secrets(stored.stage.uuid);
        Self::Stage { stored, shows_secrets }
    }

    /// JSON other than a single stage.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if it cannot be written as JSON, which is a bug in this program.
    pub fn body(document: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_string(document).map(Self::Body);
        body.map_err(|_| StoreError::permanent("writing the answer", "it is not valid JSON").into())
    }

    /// The version of the stage that the answer is about, if any.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Stage { stored, .. } | Self::Created { stored, .. } => Some(&stored.version),
            Self::NotModified(version) | Self::Deleted(version) => Some(version),
            Self::Body(_) | Self::Methods(_) => None,
        }
    }
}

/// Turns the outcome into a response and the error code that the client sees. Moves the text out of
/// an [`Answer::Body`], which may be megabytes long.
#[must_use]
pub fn respond(
    outcome: &mut Result<Answer, Error>,
    contract: Contract,
) -> (Response, Option<&'static str>) {
    let (response, code) = match outcome {
        Ok(answer) => (accepted(answer, contract), None),
        Err(error) => {
            let (status, code, body) = refused(error);
            (with_json(Response::new(status), body.to_string()), Some(code))
        }
    };
    // The document contains credentials, and an error may quote a field's value.
    let response =
        response.with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let retry = matches!(response.status, StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE);
    let response = if retry {
        response.with_header(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))
    } else {
        response
    };
    (with_allow(response, outcome), code)
}

/// The response to a successful request.
fn accepted(answer: &mut Answer, contract: Contract) -> Response {
    let stage = |stored: &Stored, shows_secrets| {
        let mut json = Vec::with_capacity(STAGE_BYTES_USUAL);
        let document = StageDocument { contract, stage: &stored.stage, shows_secrets };
        // Cannot fail: every key is a string.
        let _ = serde_json::to_writer(&mut json, &document);
        String::from_utf8(json).unwrap_or_default()
    };
    match answer {
        Answer::Stage { stored, shows_secrets } => {
            let response = with_json(Response::new(StatusCode::OK), stage(stored, *shows_secrets));
            with_tag(response, &stored.version)
        }
        Answer::Created { stored, shows_secrets } => {
            let response = Response::new(StatusCode::CREATED);
            with_tag(with_json(response, stage(stored, *shows_secrets)), &stored.version)
        }
        Answer::NotModified(version) => with_tag(Response::new(StatusCode::NOT_MODIFIED), version),
        Answer::Deleted(_) => Response::new(StatusCode::NO_CONTENT),
        Answer::Body(body) => with_json(Response::new(StatusCode::OK), std::mem::take(body)),
        Answer::Methods(_) => Response::new(StatusCode::OK),
    }
}

fn with_json(response: Response, body: String) -> Response {
    response
        .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .with_body(body)
}

fn with_tag(response: Response, version: &Version) -> Response {
    match HeaderValue::try_from(entity_tag(version).to_string()) {
        Ok(tag) => response.with_header(header::ETAG, tag),
        // Only an item written by hand can have a write id that is not valid in a header.
        Err(_) => response,
    }
}

fn with_allow(response: Response, outcome: &Result<Answer, Error>) -> Response {
    let allow = match outcome {
        Ok(Answer::Methods(allow)) | Err(Error::MethodNotAllowed { allow, .. }) => allow,
        _ => return response,
    };
    match HeaderValue::try_from(allow.as_str()) {
        Ok(allow) => response.with_header(header::ALLOW, allow),
        Err(_) => response,
    }
}

/// Every error's status, code and body. The cause is left out: it names tables and hosts, and
/// belongs in the log.
fn refused(error: &Error) -> (StatusCode, &'static str, Value) {
    let (status, code, text) = match error {
        Error::Invalid(problems) => {
            return (StatusCode::BAD_REQUEST, "invalid", body_of(problems));
        }
        Error::BadParameters(problems) => {
            let entries = problems.iter();
            let fields =
                entries.map(|(name, problem)| (*name, messages(std::slice::from_ref(problem))));
            return (StatusCode::BAD_REQUEST, "invalid", fields_body(fields));
        }
        Error::BadStageUuid(sent) => {
            let problem = messages(&[Problem::NotAUuid(sent.clone())]);
            let body = fields_body([("stage_uuid", problem)].into_iter());
            return (StatusCode::BAD_REQUEST, "invalid", body);
        }
        Error::NoRoute => (StatusCode::NOT_FOUND, "not_found", "Not found.".to_owned()),
        Error::NotImplemented => (
            StatusCode::NOT_IMPLEMENTED,
            "not_implemented",
            "This path of authentik's API is not served here.".to_owned(),
        ),
        Error::MethodNotAllowed { method, .. } => (
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("Method \"{method}\" not allowed."),
        ),
        Error::BadRequest(reason) => (StatusCode::BAD_REQUEST, "bad_request", (*reason).to_owned()),
        Error::NotAuthenticated => (
            StatusCode::FORBIDDEN,
            "not_authenticated",
            "Authentication credentials were not provided.".to_owned(),
        ),
        Error::UnsupportedAuthentication => (
            StatusCode::FORBIDDEN,
            "authentication_failed",
            "Unsupported authentication type".to_owned(),
        ),
        Error::BadToken => {
            (StatusCode::FORBIDDEN, "authentication_failed", "Token invalid/expired".to_owned())
        }
        Error::Denied => (
            StatusCode::FORBIDDEN,
            "permission_denied",
            "You do not have permission to perform this action.".to_owned(),
        ),
        Error::NotFound => (
            StatusCode::NOT_FOUND,
            "not_found",
            "No AuthenticatorSMSStage matches the given query.".to_owned(),
        ),
        Error::InvalidPage => (StatusCode::NOT_FOUND, "not_found", "Invalid page.".to_owned()),
        Error::BodyTooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("Request body is larger than {BODY_BYTES_MAX} bytes."),
        ),
        Error::UnsupportedMediaType(sent) => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("Unsupported media type \"{sent}\" in request."),
        ),
        Error::NotJson(reason) => {
            (StatusCode::BAD_REQUEST, "parse_error", format!("JSON parse error - {reason}"))
        }
        Error::TooManyValues => (
            StatusCode::BAD_REQUEST,
            "invalid",
            format!("The fields of the request have more than {VALUES_MAX} values."),
        ),
        Error::BadEntityTags => (
            StatusCode::BAD_REQUEST,
            "bad_request",
            "If-Match and If-None-Match take \"*\" or a list of quoted entity tags.".to_owned(),
        ),
        Error::PreconditionFailed => (
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "The stage has changed since the version in If-Match, or If-None-Match excludes \
             its version."
                .to_owned(),
        ),
        Error::Conflict => (
            StatusCode::CONFLICT,
            "conflict",
            "Other requests are changing the stage. Nothing was changed; try again.".to_owned(),
        ),
        Error::AnswerTooLarge => (
            StatusCode::BAD_REQUEST,
            "answer_too_large",
            "The answer would be too large to send. Ask for fewer stages (page_size), or send \
             fewer values."
                .to_owned(),
        ),
        Error::Store(StoreError { retry: Retry::Retryable, .. }) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The stage cannot be reached at the moment. Try again.".to_owned(),
        ),
        Error::Store(StoreError { retry: Retry::Permanent, .. }) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "error", "A server error occurred.".to_owned())
        }
    };
    (status, code, json!({"detail": text, "code": code}))
}
