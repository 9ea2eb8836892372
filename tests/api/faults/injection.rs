//! One call that fails, and other writers at the same time.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
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
    /// DynamoDB has an internal error.
    Failed,
    /// The connection breaks before the call is sent.
    Reset,
    /// The connection times out before the call is sent.
    TimedOut,
    /// The call is executed, and its answer is lost.
    AnswerLost,
    /// No fault, but other writers write first.
    Overtaken,
}

/// How long the fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One call fails.
    Once,
    /// All further calls fail as well.
    Permanent,
}

/// The faults after which the call was not executed.
pub const NOT_SENT: &[Fault] = &[Fault::Throttled, Fault::Failed, Fault::Reset, Fault::TimedOut];
/// The fault after which the call was executed.
pub const ANSWER_LOST: &[Fault] = &[Fault::AnswerLost];
/// The fault of a call that other writers precede.
pub const OVERTAKEN: &[Fault] = &[Fault::Overtaken];
/// Short, for the columns of a table.
pub const ONCE: Extent = Extent::Once;
/// Short, for the columns of a table.
pub const ALWAYS: Extent = Extent::Permanent;

/// The other writers of the same stage, before the call or between its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// No other writer.
    None,
    /// One write.
    One,
    /// Three writes.
    Three,
    /// Four writes: one more than a stage remembers besides the request's own.
    Four,
    /// A rename.
    Renaming,
}

impl Others {
    /// The bodies of their writes, in order. Their first field, `from_number`, is one that the
    /// request's own update in place sets as well.
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

/// The work of other writers.
pub type OthersWork = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Case {
    /// Makes the app's next request fail in this way.
    pub fn inject(self, app: &TestApp, other: &Arc<OtherClient>, rewrite: Option<Rewrite>) {
        let other = Arc::clone(other);
        let fault = FaultyCall { call: self.call, fault: self.fault, extent: self.extent };
        fault.inject(app, rewrite, move || {
            let (other, bodies) = (Arc::clone(&other), self.others.bodies());
            Box::pin(async move { other.write(&bodies).await })
        });
    }
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug)]
pub struct FaultyCall {
    /// The call's number in the request, from 1.
    pub call: usize,
    /// The fault.
    pub fault: Fault,
    /// How long it lasts.
    pub extent: Extent,
}

impl FaultyCall {
    fn affects(self, number: usize) -> bool {
        match self.extent {
            Extent::Once => number == self.call,
            Extent::Permanent => number >= self.call,
        }
    }

    /// Makes the app's next request fail in this way, while other writers do their work once.
    pub fn inject(
        self,
        app: &TestApp,
        rewrite: Option<Rewrite>,
        others: impl Fn() -> OthersWork + Send + Sync + 'static,
    ) {
        let calls = AtomicUsize::new(0);
        let have_written = AtomicBool::new(false);
        app.dynamodb.intercept(move |_, request, engine| {
            let request = rewritten(request, rewrite);
            if !self.affects(calls.fetch_add(1, Ordering::Relaxed) + 1) {
                return Some(engine.call(request));
            }
            let is_first = !have_written.swap(true, Ordering::Relaxed);
            let others: OthersWork = if is_first { others() } else { Box::pin(async {}) };
            let engine = engine.clone();
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
                        others.await;
                        Err(dynamodb::reset())
                    }
                    Fault::Overtaken => {
                        others.await;
                        engine.call(request).await
                    }
                }
            }))
        });
    }
}

/// The call, rewritten if there is a `rewrite`.
pub fn rewritten(mut request: HttpRequest, rewrite: Option<Rewrite>) -> HttpRequest {
    if let Some(rewrite) = rewrite {
        let text = rewrite(std::str::from_utf8(request.body().bytes().unwrap()).unwrap());
        request.headers_mut().insert("content-length", text.len().to_string());
        *request.body_mut() = text.into();
    }
    request
}
