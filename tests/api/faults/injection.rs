//! One call that fails, and the other writers meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use serde_json::{Value, json};

use crate::harness::{OtherClient, TestApp, dynamodb};

/// A fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// DynamoDB throttles the call.
    Throttled,
    /// DynamoDB fails.
    Failed,
    /// The connection breaks before the call is sent.
    Reset,
    /// The connection times out before the call is sent.
    TimedOut,
    /// The call is executed, and its answer is lost.
    AnswerLost,
    /// No fault, but other writers are faster.
    Overtaken,
}

/// How long the fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One call fails.
    Once,
    /// All further calls fail as well.
    FromThenOn,
}

/// The other writers of the same stage, before the call or between its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// No other writer.
    None,
    /// One write.
    One,
    /// Three writes.
    Three,
    /// One write more than a stage remembers beside our own.
    Four,
    /// A rename.
    Renaming,
}

impl Others {
    /// The bodies of their writes, in order. Their first field is one that an update in place of ours
    /// sets as well.
    pub fn bodies(self) -> Vec<Value> {
        let write =
            |n: usize| json!({"from_number": format!("theirs {n}"), "account_sid": "theirs"});
        match self {
            Self::None => vec![],
            Self::One => vec![write(1)],
            Self::Three => (1..=3).map(write).collect(),
            Self::Four => (1..=4).map(write).collect(),
            Self::Renaming => vec![json!({"name": "theirs"})],
        }
    }
}

/// One call that fails.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The call's number in the request, from 1.
    pub call: usize,
    /// The fault.
    pub fault: Fault,
    /// How long it lasts.
    pub extent: Extent,
    /// The other writers.
    pub others: Others,
}

/// Changes the text of a call before it is sent.
pub type Rewrite = fn(&str) -> String;

impl Case {
    /// Lets the app's next request fail in this way.
    pub fn inject(self, app: &TestApp, other: &Arc<OtherClient>, rewrite: Option<Rewrite>) {
        let other = Arc::clone(other);
        let calls = AtomicUsize::new(0);
        let have_written = AtomicBool::new(false);
        app.dynamodb.intercept(move |_, request, engine| {
            let request = rewritten(request, rewrite);
            let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
            let is_affected = match self.extent {
                Extent::Once => number == self.call,
                Extent::FromThenOn => number >= self.call,
            };
            if !is_affected {
                return Some(engine.call(request));
            }
            let is_first = !have_written.swap(true, Ordering::Relaxed);
            let bodies = if is_first { self.others.bodies() } else { vec![] };
            let (engine, other) = (engine.clone(), Arc::clone(&other));
            Some(HttpConnectorFuture::new(async move {
                match self.fault {
                    Fault::Throttled => {
                        let code = "ProvisionedThroughputExceededException";
                        dynamodb::error(400, code, "Throughput exceeded").await
                    }
                    Fault::Failed => {
                        dynamodb::error(500, "InternalServerError", "Internal server error").await
                    }
                    Fault::Reset => Err(dynamodb::reset()),
                    Fault::TimedOut => Err(ConnectorError::timeout("no answer in time".into())),
                    Fault::AnswerLost => {
                        engine.call(request).await?;
                        other.write(&bodies).await;
                        Err(dynamodb::reset())
                    }
                    Fault::Overtaken => {
                        other.write(&bodies).await;
                        engine.call(request).await
                    }
                }
            }))
        });
    }
}

/// The call with another text.
pub fn rewritten(mut request: HttpRequest, rewrite: Option<Rewrite>) -> HttpRequest {
    if let Some(rewrite) = rewrite {
        let text = rewrite(std::str::from_utf8(request.body().bytes().unwrap()).unwrap());
        request.headers_mut().insert("content-length", text.len().to_string());
        *request.body_mut() = text.into();
    }
    request
}
