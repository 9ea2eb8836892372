//! One line of the log for each request: who asked for what, and what became of it.
//!
//! Names of fields, never their values; no body, no token, no secret.

use std::time::Duration;

use uuid::Uuid;

/// What is logged of a caller whom an authorizer vouched for without a name.
const UNNAMED: &str = "(an authorizer that gave no name)";
/// Maximum number of bytes of a path in the log.
const PATH_BYTES_MAX: usize = 256;

/// How bad it is that a request ended as it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// As it should: also a refusal.
    #[default]
    Info,
    /// The table was slow, throttled or out of reach.
    Warning,
    /// An operator has to mend something.
    Error,
}

/// What is known of a request.
#[derive(Debug, Default)]
pub struct Facts {
    /// Lambda's id of the invocation.
    pub request_id: String,
    /// X-Ray's id of the trace, if there is one.
    pub trace_id: Option<String>,
    /// The function's name.
    pub function_name: String,
    /// authentik's name for what was asked, once route and method are known.
    pub operation: Option<&'static str>,
    /// The method.
    pub method: Option<String>,
    /// The path, of a very long one the beginning.
    pub path: Option<String>,
    /// The stage, once its UUID is read or made.
    pub stage: Option<Uuid>,
    /// The caller's name, once the caller is known.
    pub caller: Option<String>,
    /// The first digits of the token's hash, for a caller who has one.
    pub token: Option<String>,
    /// The fields that an accepted body names, with commas between.
    pub fields: Option<String>,
    /// The id of the request's write, for one that may change something.
    pub write_id: Option<String>,
    /// Whether it is certain that the change landed, or that it did not.
    pub is_certain: bool,
    /// The revision that the request's own write was made on.
    pub revision_before: Option<u64>,
    /// The revision that was answered with.
    pub revision: Option<u64>,
    /// The status.
    pub status: u16,
    /// The error's code, as the client reads it.
    pub code: Option<&'static str>,
    /// What went wrong with the table.
    pub cause: Option<String>,
    /// How bad that is.
    pub severity: Severity,
    /// How often DynamoDB was asked.
    pub store_calls: u32,
    /// Time from the event to the answer.
    pub elapsed: Duration,
    /// Whether this is the first request of the process.
    pub is_cold_start: bool,
}

impl Facts {
    /// Takes in what was asked.
    pub fn asked(&mut self, method: &str, path: &str) {
        let end = path.floor_char_boundary(PATH_BYTES_MAX);
        self.method = Some(method.to_owned());
        self.path = Some(path.get(..end).unwrap_or_default().to_owned());
    }

    /// Takes in who asked.
    pub fn known(&mut self, user: Option<&str>, token: Option<&str>) {
        self.caller = Some(user.unwrap_or(UNNAMED).to_owned());
        self.token = token.map(str::to_owned);
    }

    /// Writes the line.
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
