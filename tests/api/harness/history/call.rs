//! One call: its request and its outcome.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::harness::Request;

/// A stage as the API shows it.
pub type Document = Map<String, Value>;

/// An instant. Only the order of instants matters.
pub type Instant = u64;

/// The end of a call whose outcome is unknown. No instant is later.
pub const NEVER: Instant = Instant::MAX;

/// The path of the list of stages.
const COLLECTION: &str = "/api/v3/stages/authenticator/sms/";
/// A page holds more stages than a run has at any time, so that a list is one page.
const LIST_QUERY: &str = "page_size=100";

/// A client's request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The stage's UUID; empty for a list, and for a new stage.
    pub stage: Arc<str>,
    /// `GET`, `PATCH`, `PUT`, `DELETE` or `POST`.
    pub method: &'static str,
    /// The body's fields; none for a GET or DELETE.
    pub body: Document,
    /// The tags of `If-Match`; none if the header is not sent.
    pub if_match: Vec<String>,
}

impl Asked {
    /// A request without a body.
    pub fn of(method: &'static str, stage: &str) -> Self {
        Self { stage: stage.into(), method, body: Document::new(), if_match: Vec::new() }
    }

    /// A list of all stages.
    pub fn list() -> Self {
        Self::of("GET", "")
    }

    /// Whether it writes the stage if it succeeds. A request with an empty body only reads.
    pub fn is_change(&self) -> bool {
        !self.body.is_empty()
    }

    /// Whether it lists all stages.
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.stage.is_empty()
    }

    /// Whether it creates a stage.
    pub fn is_creation(&self) -> bool {
        self.method == "POST"
    }

    /// Whether it deletes the stage.
    pub fn is_deletion(&self) -> bool {
        self.method == "DELETE"
    }

    /// Whether `If-Match` allows a change of this version.
    pub fn allows(&self, tag: &str) -> bool {
        self.if_match.is_empty() || self.if_match.iter().any(|known| known == "*" || known == tag)
    }

    /// The HTTP request.
    pub fn request(&self) -> Request {
        let body = if ["GET", "DELETE"].contains(&self.method) {
            String::new()
        } else {
            Value::Object(self.body.clone()).to_string()
        };
        let request = Request::patch(body).method(self.method);
        let request = match &*self.stage {
            "" => request.path(COLLECTION).query(if self.is_list() { LIST_QUERY } else { "" }),
            stage => request.stage(stage),
        };
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
    /// 200 or 201: the stage as it was at some instant within the call, after the call's own write.
    Shown(Shown),
    /// 200: each stage as it was at some instant within the call.
    Listed(Vec<Listed>),
    /// 204: the stage was deleted.
    Deleted,
    /// 404: there is no such stage.
    Missing,
    /// 400: these fields were refused.
    Invalid(Vec<String>),
    /// 412.
    PreconditionFailed,
    /// 409: nothing was written.
    Conflict,
    /// 503, or no answer at all: the write may have been made, or may still be made.
    Unknown,
    /// An answer that the contract does not define.
    Unexpected(String),
}

/// One stage in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The stage's UUID.
    pub stage: Arc<str>,
    /// The document, as JSON.
    pub document: Arc<str>,
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
    /// The stage's UUID.
    pub fn stage(&self) -> Arc<str> {
        self.parse()["pk"].as_str().unwrap().into()
    }

    /// The version's number.
    pub fn revision(&self) -> u64 {
        revision(&self.tag)
    }

    /// The document.
    pub fn parse(&self) -> Document {
        serde_json::from_str(&self.document).unwrap()
    }
}

/// The revision in an entity tag.
pub fn revision(tag: &str) -> u64 {
    tag.trim_matches('"').split('-').next().and_then(|digits| digits.parse().ok()).unwrap()
}

impl Outcome {
    /// Interprets a reply; `None` if there was no reply.
    pub fn read(asked: &Asked, reply: Option<Reply>) -> Self {
        let Some(Reply { status, tag, body }) = reply else {
            return Self::Unknown;
        };
        let success = match asked.method {
            "POST" => 201,
            "DELETE" => 204,
            _ => 200,
        };
        match (status, tag, &body) {
            (200, None, list) if asked.is_list() => Self::listed(list),
            (204, None, Value::Null) if asked.is_deletion() => Self::Deleted,
            (status, Some(tag), Value::Object(_)) if status == success && !asked.is_list() => {
                Self::Shown(Shown { tag, document: body.to_string().into() })
            }
            (404, None, _) if !asked.stage.is_empty() => Self::Missing,
            (400, None, Value::Object(fields)) if fields.len() > 1 && asked.is_change() => {
                Self::Invalid(fields.keys().filter(|key| *key != "code").cloned().collect())
            }
            (412, None, _) => Self::PreconditionFailed,
            (409, None, _) => Self::Conflict,
            (503, None, _) => Self::Unknown,
            (status, tag, body) => Self::Unexpected(format!("{status} {tag:?} {body}")),
        }
    }

    fn listed(list: &Value) -> Self {
        let results = list["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        if list["pagination"]["count"] != results.len() {
            return Self::Unexpected(format!("not a list of all stages: {}", list["pagination"]));
        }
        let listed = results.iter().map(|document| Listed {
            stage: document["pk"].as_str().unwrap_or_default().into(),
            document: document.to_string().into(),
        });
        Self::Listed(listed.collect())
    }

    /// The documents that the answer shows.
    pub fn documents(&mut self) -> impl Iterator<Item = &mut Arc<str>> {
        let (shown, listed) = match self {
            Self::Shown(shown) => (Some(&mut shown.document), None),
            Self::Listed(listed) => (None, Some(listed)),
            _ => (None, None),
        };
        shown.into_iter().chain(listed.into_iter().flatten().map(|listed| &mut listed.document))
    }
}

/// A call's write, as it was seen in the table before the call's answer was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenWrite {
    /// The stage was written.
    Written {
        /// The stage's UUID.
        stage: Arc<str>,
        /// The version that was written.
        tag: String,
    },
    /// The stage was deleted.
    Deleted,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Identifies the call.
    pub id: usize,
    /// The request.
    pub asked: Asked,
    /// When it began.
    pub start: Instant,
    /// When it was answered; [`NEVER`] if the outcome is unknown, because it may still take effect.
    pub end: Instant,
    /// The outcome.
    pub outcome: Outcome,
    /// Its write, if it was seen in the table.
    pub seen_write: Option<SeenWrite>,
}

impl Call {
    /// The version that was shown, on success.
    pub fn shown(&self) -> Option<&Shown> {
        match &self.outcome {
            Outcome::Shown(shown) => Some(shown),
            _ => None,
        }
    }

    /// The stages of a list.
    pub fn listed(&self) -> Option<&[Listed]> {
        match &self.outcome {
            Outcome::Listed(listed) => Some(listed),
            _ => None,
        }
    }

    /// The version that was written, if it was seen in the table.
    pub fn written_tag(&self) -> Option<&str> {
        match &self.seen_write {
            Some(SeenWrite::Written { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    /// The stage that the call is about; none for a list, and for a creation whose stage is
    /// unknown.
    pub fn stage(&self) -> Option<Arc<str>> {
        match (&self.seen_write, self.shown()) {
            _ if !self.asked.stage.is_empty() => Some(Arc::clone(&self.asked.stage)),
            (Some(SeenWrite::Written { stage, .. }), _) => Some(Arc::clone(stage)),
            (_, Some(shown)) => Some(shown.stage()),
            _ => None,
        }
    }

    /// Whether it is unknown if the call took effect.
    pub fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown | Outcome::Unexpected(_))
            && self.seen_write.is_none()
    }
}
