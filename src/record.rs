//! What one request did, said once: a line in the log, and a line of metrics.
//!
//! Names of fields, never their values; no body, no token, no secret.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lambda_http::Context;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use crate::{
    error::{Error, Remedy},
    patch::Completeness,
    request::Action,
    response::{Answer, Summary},
    store::Session,
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
    /// Writes the line of the log.
    pub fn log(
        &self,
        outcome: &Result<Answer, Error>,
        summary: &Summary,
        context: &Context,
        session: &Session<'_>,
        elapsed: Duration,
    ) {
        let fields = self.fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(",");
        let (revision_before, revision) = match outcome {
            Ok(Answer::Document(stored)) => {
                (Some(session.revision_before(stored)), Some(stored.revision))
            }
            Ok(Answer::NotModified(tag)) => (Some(tag.revision), Some(tag.revision)),
            Ok(Answer::Methods) | Err(_) => (None, None),
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
                    revision_before,
                    revision,
                    store_calls = session.calls(),
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

/// Where the lines of metrics go.
pub type MetricSink = fn(&str);

/// One request's metrics in CloudWatch's embedded metric format,
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
///
/// Written by hand: the crates for it bring some thirty others, for one line of four numbers.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metrics<'m> {
    #[serde(rename = "_aws")]
    aws: Directive,
    /// Tells two deployments in one account apart.
    function_name: &'m str,
    route: &'static str,
    /// Milliseconds from the event to the answer.
    latency: f64,
    /// How often DynamoDB was asked.
    store_calls: u32,
    /// 1 if the table was the reason for a 500 or 503.
    store_errors: u8,
    /// 1 for a 403.
    denied: u8,
    /// Leads from a peak to the line of the log.
    request_id: &'m str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    /// Milliseconds since 1970.
    timestamp: u64,
    cloud_watch_metrics: &'static RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Declaration {
    namespace: &'static str,
    dimensions: [[&'static str; 2]; 1],
    metrics: [Unit; 4],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Unit {
    name: &'static str,
    unit: &'static str,
}

/// What the numbers are, the same on every line.
static DECLARATIONS: LazyLock<Box<RawValue>> = LazyLock::new(|| {
    let declarations = [Declaration {
        namespace: "AuthenticatorSmsStage",
        dimensions: [["FunctionName", "Route"]],
        metrics: [
            Unit { name: "Latency", unit: "Milliseconds" },
            Unit { name: "StoreCalls", unit: "Count" },
            Unit { name: "StoreErrors", unit: "Count" },
            Unit { name: "Denied", unit: "Count" },
        ],
    }];
    // Only a map whose keys are no texts cannot be written, and there is none.
    to_raw_value(&declarations).unwrap_or_default()
});

/// One request's line of metrics.
#[must_use]
pub fn metric_line(
    outcome: &Result<Answer, Error>,
    context: &Context,
    store_calls: u32,
    elapsed: Duration,
) -> String {
    let denied = matches!(
        outcome,
        Err(Error::NotAuthenticated
            | Error::UnsupportedAuthentication
            | Error::BadToken
            | Error::Denied)
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let metrics = Metrics {
        aws: Directive {
            timestamp: u64::try_from(now.as_millis()).unwrap_or_default(),
            cloud_watch_metrics: &DECLARATIONS,
        },
        function_name: &context.env_config.function_name,
        route: "stages_authenticator_sms",
        latency: elapsed.as_secs_f64() * 1000.0,
        store_calls,
        store_errors: matches!(outcome, Err(Error::Store(_))).into(),
        denied: denied.into(),
        request_id: &context.request_id,
    };
    serde_json::to_string(&metrics).unwrap_or_default()
}
