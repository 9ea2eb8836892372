//! What was asked and answered, and when: all that the checks go by.

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

/// No instant comes after this one: when a call ended whose answer never came.
pub const NEVER: Instant = Instant::MAX;

/// What a client asks of a stage.
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
    /// Whether a success of it is a write. An empty body reads.
    pub fn is_change(&self) -> bool {
        !self.body.is_empty()
    }

    /// Whether `If-Match` lets a change of this version happen.
    pub fn allows(&self, tag: &str) -> bool {
        self.if_match.is_empty() || self.if_match.iter().any(|known| known == "*" || known == tag)
    }

    /// The request that asks it.
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

/// What came back, as far as it counts here.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The entity tag, if there is one.
    pub tag: Option<String>,
    /// The body.
    pub body: Value,
}

/// What a call ended with.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// 200: the stage as it was at some instant within the call, and after its own write.
    Shown(Shown),
    /// 400: these fields were refused.
    Invalid(Vec<String>),
    /// 412.
    PreconditionFailed,
    /// 409: nothing was written.
    Outrun,
    /// 503, or no answer at all: it may have been written, or may still be.
    Unknown,
    /// What should not be.
    Unexpected(String),
}

/// A version of a stage, as a client saw it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The version's entity tag.
    pub tag: String,
    /// The document, as JSON.
    pub document: Arc<str>,
}

impl Shown {
    /// How often the stage had been written.
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
    /// Reads a reply; `None` is one that never came.
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
            (409, None, _) => Self::Outrun,
            (503, None, _) => Self::Unknown,
            (status, tag, body) => Self::Unexpected(format!("{status} {tag:?} {body}")),
        }
    }
}

/// Where a call's write was seen in the table, although its answer was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The version that the write made.
    pub tag: String,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which call it is.
    pub id: usize,
    /// What was asked.
    pub asked: Asked,
    /// When it began.
    pub start: Instant,
    /// When its answer was there; [`NEVER`] for an unknown outcome, which may still take effect.
    pub end: Instant,
    /// What it ended with.
    pub outcome: Outcome,
    /// Where its write was seen.
    pub landed: Option<Landed>,
}

impl Call {
    /// What was shown, if it went well.
    pub fn shown(&self) -> Option<&Shown> {
        match &self.outcome {
            Outcome::Shown(shown) => Some(shown),
            _ => None,
        }
    }
}

tokio::task_local! {
    /// The call that this task is at, for what happens on the wire meanwhile.
    pub static CALL: usize;
}

/// Something that answers requests.
pub trait Function: Send + Sync + 'static {
    /// The reply, if one comes.
    fn ask(&self, request: &Request) -> impl Future<Output = Option<Reply>> + Send;
}

/// Takes down what happens.
#[derive(Debug, Default)]
pub struct Recorder {
    clock: AtomicU64,
    calls: Mutex<Vec<Call>>,
    landed: Mutex<HashMap<usize, Landed>>,
}

impl Recorder {
    /// Makes a call and takes it down.
    pub async fn call(&self, function: &impl Function, stages: &[String], asked: Asked) -> Outcome {
        let request = asked.request(&stages[asked.stage]);
        // The start's instant is as good a name for the call as any: no two are the same.
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

    /// Takes down that a call's write is in the table, whatever its client will hear.
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
