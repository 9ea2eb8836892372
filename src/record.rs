//! What one request did, said once, in one line of the log.
//!
//! Names of fields, never their values; no body, no token, no secret.

use std::time::Duration;

use lambda_http::Context;
use uuid::Uuid;

use crate::{
    error::{Error, Remedy},
    patch::Completeness,
    request::Action,
    response::{Answer, Summary},
    validation::Field,
};

/// What is known of a request so far.
#[derive(Debug, Default)]
pub struct Record {
    /// What was asked, once route and method are known.
    pub action: Option<Action>,
    /// Who asked, once they are known.
    pub caller: Option<String>,
    /// The stage, once its UUID is read.
    pub stage_uuid: Option<Uuid>,
    /// The fields that an accepted body names.
    pub fields: Vec<Field>,
    /// Whether this is the first request of the process.
    pub is_cold_start: bool,
}

impl Record {
    /// Writes the line.
    pub fn write(
        &self,
        outcome: &Result<Answer, Error>,
        summary: &Summary,
        context: &Context,
        store_calls: u32,
        elapsed: Duration,
    ) {
        let fields = self.fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(",");
        let revision = match outcome {
            Ok(Answer::Document(stored)) => Some(stored.revision),
            Ok(Answer::NotModified(tag)) => Some(tag.revision),
            Ok(Answer::Methods) | Err(_) => None,
        };
        let cause = match outcome {
            Err(Error::Store(error)) => Some(error),
            _ => None,
        };
        let operation = self.action.map(operation_id);
        let stage = self.stage_uuid.map(tracing::field::display);
        let milliseconds = elapsed.as_secs_f64() * 1000.0;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = %context.request_id,
                    trace_id = context.xray_trace_id,
                    operation,
                    stage,
                    caller = self.caller,
                    status = summary.status,
                    code = summary.code,
                    fields,
                    revision,
                    store_calls,
                    milliseconds,
                    cold_start = self.is_cold_start,
                    cause = cause.map(tracing::field::display),
                    "answered"
                )
            };
        }
        match cause.map(|error| error.remedy) {
            None => line!(info),
            Some(Remedy::TryLater) => line!(warn),
            Some(Remedy::Repair) => line!(error),
        }
    }
}

/// authentik's name for what was asked.
fn operation_id(action: Action) -> &'static str {
    match action {
        Action::Retrieve => "stages_authenticator_sms_retrieve",
        Action::Update(Completeness::Partial) => "stages_authenticator_sms_partial_update",
        Action::Update(Completeness::Full) => "stages_authenticator_sms_update",
        Action::Describe => "stages_authenticator_sms_options",
    }
}
