//! Records what was asked and answered, and when: the checks know nothing else.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Map, Value};

use crate::harness::Request;

/// A stage as the API shows it.
pub type Document = Map<String, Value>;

/// An instant. Only their order counts.
pub type Instant = u64;

/// The end of a call whose answer never came. No instant is later.
pub const NEVER: Instant = Instant::MAX;

/// A client's request for a stage.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The stage's place in the list of stages.
    pub stage: usize,
    /// `GET`, `PATCH` or `PUT`.
    pub method: &'static str,
    /// The body's fields; none for a GET.
    pub body: Document,
    /// The tags of `If-Match`; none if the header is not sent.
    pub if_match: Vec<String>,
}

impl Asked {
    /// Whether its success is a write. An empty body reads.
    pub fn is_change(&self) -> bool {
        !self.body.is_empty()
    }

    /// Whether `If-Match` allows a change of this version.
    pub fn allows(&self, tag: &str) -> bool {
        self.if_match.is_empty() || self.if_match.iter().any(|known| known == "*" || known == tag)
    }

    /// The HTTP request.
    pub fn request(&self, stage_uuid: &str) -> Request {
        let body = if self.method == "GET" {
            String::new()
        } else {
            Value::Object(self.body.clone()).to_string()
        };
        let request = Request::patch(body).method(self.method).stage(stage_uuid);
        match self.if_match.as_slice() {
            [] => request,
            tags => request.header("If-Match", &*tags.join(", ")),
        }
    }
}

/// The parts of an answer that are checked.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The entity tag, if there is one.
    pub tag: Option<String>,
    /// The body.
    pub body: Value,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// 200: the stage as it was at some instant within the call, and after its own write.
    Shown(Shown),
    /// 400: these fields were refused.
    Invalid(Vec<String>),
    /// 412.
    PreconditionFailed,
    /// 409: nothing was written.
    Conflict,
    /// 503, or no answer at all: it may have been written, or may still be.
    Unknown,
    /// An answer that the contract does not have.
    Unexpected(String),
}

/// A version of a stage, as it was shown to a client.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The version's entity tag.
    pub tag: String,
    /// The document, as JSON.
    pub document: Arc<str>,
}

impl Shown {
    /// The version's number.
    pub fn revision(&self) -> u64 {
        revision(&self.tag)
    }

    /// The document.
    pub fn parse(&self) -> Document {
        serde_json::from_str(&self.document).unwrap()
    }
}

/// The revision that a tag names.
pub fn revision(tag: &str) -> u64 {
    tag.trim_matches('"').split('-').next().and_then(|digits| digits.parse().ok()).unwrap()
}

impl Outcome {
    /// Reads a reply; `None` if it never came.
    pub fn read(reply: Option<Reply>) -> Self {
        let Some(Reply { status, tag, body }) = reply else {
            return Self::Unknown;
        };
        match (status, tag, &body) {
            (200, Some(tag), Value::Object(_)) => {
                Self::Shown(Shown { tag, document: body.to_string().into() })
            }
            (400, None, Value::Object(fields)) if fields.len() > 1 => {
                Self::Invalid(fields.keys().filter(|key| *key != "code").cloned().collect())
            }
            (412, None, _) => Self::PreconditionFailed,
            (409, None, _) => Self::Conflict,
            (503, None, _) => Self::Unknown,
            (status, tag, body) => Self::Unexpected(format!("{status} {tag:?} {body}")),
        }
    }
}

/// The write of a call, as it was seen in the table before its answer was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The version that was written.
    pub tag: String,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Identifies the call.
    pub id: usize,
    /// What was asked.
    pub asked: Asked,
    /// When it began.
    pub start: Instant,
    /// When its answer came; [`NEVER`] for an unknown outcome, which may still take effect.
    pub end: Instant,
    /// How it ended.
    pub outcome: Outcome,
    /// Its write, if it was seen in the table.
    pub landed: Option<Landed>,
}

impl Call {
    /// The version that was shown, on success.
    pub fn shown(&self) -> Option<&Shown> {
        match &self.outcome {
            Outcome::Shown(shown) => Some(shown),
            _ => None,
        }
    }
}

tokio::task_local! {
    /// The call that this task makes, for the faults that are injected into it.
    pub static CALL: usize;
}

/// A function that answers requests.
pub trait Function: Send + Sync + 'static {
    /// The reply, if one comes.
    fn ask(&self, request: &Request) -> impl Future<Output = Option<Reply>> + Send;
}

/// Records all calls.
#[derive(Debug, Default)]
pub struct Recorder {
    clock: AtomicU64,
    calls: Mutex<Vec<Call>>,
    landed: Mutex<HashMap<usize, Landed>>,
}

impl Recorder {
    /// Makes a call and records it.
    pub async fn call(&self, function: &impl Function, stages: &[String], asked: Asked) -> Outcome {
        let request = asked.request(&stages[asked.stage]);
        // The start's instant identifies the call, because no two are equal.
        let start = self.clock.fetch_add(1, Ordering::SeqCst);
        let id = usize::try_from(start).unwrap();
        let reply = CALL.scope(id, function.ask(&request)).await;
        let end = self.clock.fetch_add(1, Ordering::SeqCst);
        let outcome = Outcome::read(reply);
        let is_known = !matches!(outcome, Outcome::Unknown | Outcome::Unexpected(_));
        let end = if is_known { end } else { NEVER };
        let call = Call { id, asked, start, end, outcome: outcome.clone(), landed: None };
        self.calls.lock().unwrap().push(call);
        outcome
    }

    /// Records that a call's write is in the table.
    pub fn note_landed(&self, call: usize, landed: Landed) {
        self.landed.lock().unwrap().entry(call).or_insert(landed);
    }

    /// How many calls there were.
    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// All calls, in the order in which they began.
    pub fn finish(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        let mut landed = std::mem::take(&mut *self.landed.lock().unwrap());
        for call in &mut calls {
            call.landed = landed.remove(&call.id);
        }
        calls.sort_by_key(|call| call.start);
        calls
    }
}
