//! One log line for each request: who asked for what, and the outcome.
//!
//! It has the names of fields, never their values; no body, no token, no secret.

use std::time::Duration;

use uuid::Uuid;

/// What is logged as the name of a caller whose authorizer gave none.
const UNNAMED: &str = "(no name from the authorizer)";
/// Maximum number of bytes of a method, of a path or of a caller's name in the log.
const TEXT_BYTES_MAX: usize = 256;

/// How serious the outcome of a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// The request ended as it should, which includes refusals.
    #[default]
    Info,
    /// The table was slow, throttled or unreachable.
    Warning,
    /// An operator must fix something.
    Error,
}

/// What is known about a request.
#[derive(Debug, Default)]
pub struct Facts {
    /// Lambda's id for the invocation.
    pub request_id: String,
    /// X-Ray's trace id, if there is one.
    pub trace_id: Option<String>,
    /// The function's name.
    pub function_name: String,
    /// authentik's name for the operation, once route and method are known.
    pub operation: Option<&'static str>,
    /// The method.
    pub method: Option<String>,
    /// The path; only the beginning of a very long one.
    pub path: Option<String>,
    /// The stage, once its UUID is read or generated.
    pub stage: Option<Uuid>,
    /// The caller's name, once the caller is known.
    pub caller: Option<String>,
    /// The first digits of the token's hash, for a caller identified by one.
    pub token: Option<String>,
    /// The fields in an accepted body, separated by commas.
    pub fields: Option<String>,
    /// The request's write id, if the operation may change anything.
    pub write_id: Option<String>,
    /// Whether it is certain that the change was made, or certain that it was not.
    pub is_certain: bool,
    /// The revision that the request's own write was applied to.
    pub revision_before: Option<u64>,
    /// The revision of the stage in the answer.
    pub revision: Option<u64>,
    /// The status.
    pub status: u16,
    /// The error code that the client sees.
    pub code: Option<&'static str>,
    /// What went wrong with the table.
    pub cause: Option<String>,
    /// How serious the outcome is.
    pub severity: Severity,
    /// Number of calls to DynamoDB.
    pub store_calls: u32,
    /// Time from the event to the answer.
    pub elapsed: Duration,
    /// Whether this is the first request of the process.
    pub is_cold_start: bool,
}

fn beginning(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default().to_owned()
}

impl Facts {
    /// Records what was requested.
    pub fn record_request(&mut self, method: &str, path: &str) {
        self.method = Some(beginning(method));
        self.path = Some(beginning(path));
    }

    /// Records the caller.
    pub fn record_caller(&mut self, user: Option<&str>, token: Option<&str>) {
        self.caller = Some(beginning(user.unwrap_or(UNNAMED)));
        self.token = token.map(str::to_owned);
    }

    /// Writes the log line.
    pub fn log(&self) {
        let stage = self.stage.map(tracing::field::display);
        let certain = self.write_id.as_ref().map(|_| self.is_certain);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id,
                    trace_id = self.trace_id,
                    operation = self.operation,
                    method = self.method,
                    path = self.path,
                    stage,
                    caller = self.caller,
                    token = self.token,
                    status = self.status,
                    code = self.code,
                    fields = self.fields,
                    revision_before = self.revision_before,
                    revision = self.revision,
                    write_id = self.write_id,
                    certain,
                    store_calls = self.store_calls,
                    milliseconds = self.elapsed.as_secs_f64() * 1000.0,
                    cold_start = self.is_cold_start,
                    cause = self.cause,
                    "answered"
                )
            };
        }
        match self.severity {
            Severity::Info => line!(info),
            Severity::Warning => line!(warn),
            Severity::Error => line!(error),
        }
    }
}
