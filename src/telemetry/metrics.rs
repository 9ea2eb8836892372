//! One request's metrics, as a log line that CloudWatch reads.

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::audit::Facts;

/// Receives metrics lines.
pub type MetricSink = fn(&str);

/// One request's metrics in CloudWatch's embedded metric format,
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
///
/// Written by hand: the crates for it pull in some thirty others, for one line of a few numbers.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metrics<'m> {
    #[serde(rename = "_aws")]
    aws: Directive,
    /// Distinguishes deployments in one account.
    function_name: &'m str,
    route: &'static str,
    /// Milliseconds from the event to the answer.
    latency: f64,
    /// Number of calls to DynamoDB.
    store_calls: u32,
    /// 1, so that shares of the requests can be computed.
    requests: u8,
    /// 1 if the table was the reason for a 500 or 503.
    store_errors: u8,
    /// 1 for a status of 5xx other than 501.
    #[serde(rename = "Errors5xx")]
    errors_5xx: u8,
    /// 1 if the table had no capacity left.
    throttled: u8,
    /// 1 for a 409.
    conflicts: u8,
    /// 1 for a 403.
    denied: u8,
    /// Identifies the log line, to look up the cause of a peak.
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
    metrics: [Unit; 8],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Unit {
    name: &'static str,
    unit: &'static str,
}

/// What the numbers mean; the same on every line.
static DECLARATIONS: LazyLock<Box<RawValue>> = LazyLock::new(|| {
    let count = |name| Unit { name, unit: "Count" };
    let declarations = [Declaration {
        namespace: "AuthenticatorSmsStage",
        dimensions: [["FunctionName", "Route"]],
        metrics: [
            Unit { name: "Latency", unit: "Milliseconds" },
            count("StoreCalls"),
            count("Requests"),
            count("StoreErrors"),
            count("Errors5xx"),
            count("Throttled"),
            count("Conflicts"),
            count("Denied"),
        ],
    }];
    // Cannot fail: there is no map with keys that are not strings.
    to_raw_value(&declarations).unwrap_or_default()
});

impl<'m> Metrics<'m> {
    /// The metrics of a completed request.
    #[must_use]
    pub fn of(facts: &'m Facts) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let cause = facts.cause.as_deref().unwrap_or_default();
        let is_throttled = ["Throttl", "ProvisionedThroughput", "RequestLimitExceeded"]
            .iter()
            .any(|code| cause.contains(code));
        Self {
            aws: Directive {
                timestamp: u64::try_from(now.as_millis()).unwrap_or_default(),
                cloud_watch_metrics: &DECLARATIONS,
            },
            function_name: &facts.function_name,
            route: "stages_authenticator_sms",
            latency: facts.elapsed.as_secs_f64() * 1000.0,
            store_calls: facts.store_calls,
            requests: 1,
            store_errors: facts.cause.is_some().into(),
            errors_5xx: (facts.status >= 500 && facts.status != 501).into(),
            throttled: is_throttled.into(),
            conflicts: (facts.status == 409).into(),
            denied: (facts.status == 403).into(),
            request_id: &facts.request_id,
        }
    }

    /// The metrics as one line of JSON.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
