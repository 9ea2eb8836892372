//! One call: what was asked, and how it ended.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::harness::Request;

/// A stage as the API shows it.
pub type Document = Map<String, Value>;

/// An instant. Only their order counts.
pub type Instant = u64;

/// The end of a call whose answer never came. No instant is later.
pub const NEVER: Instant = Instant::MAX;

/// Where all stages are.
const COLLECTION: &str = "/api/v3/stages/authenticator/sms/";
/// More stages than a run has at any time, so that a list is one page.
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

    /// Whether its success is a write of the stage. An empty body reads.
    pub fn is_change(&self) -> bool {
        !self.body.is_empty()
    }

    /// Whether it asks for all stages.
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.stage.is_empty()
    }

    /// Whether it asks for a new stage.
    pub fn is_creation(&self) -> bool {
        self.method == "POST"
    }

    /// Whether it asks to delete the stage.
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
    /// 200 or 201: the stage as it was at some instant within the call, and after its own write.
    Shown(Shown),
    /// 200: each stage as it was at some instant within the call.
    Listed(Vec<Listed>),
    /// 204: the stage is gone.
    Deleted,
    /// 404: there is no such stage.
    Missing,
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

/// One stage of a list.
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

/// The revision that a tag names.
pub fn revision(tag: &str) -> u64 {
    tag.trim_matches('"').split('-').next().and_then(|digits| digits.parse().ok()).unwrap()
}

impl Outcome {
    /// Reads a reply; `None` if it never came.
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

    /// The documents that it shows.
    pub fn documents(&mut self) -> impl Iterator<Item = &mut Arc<str>> {
        let (shown, listed) = match self {
            Self::Shown(shown) => (Some(&mut shown.document), None),
            Self::Listed(listed) => (None, Some(listed)),
            _ => (None, None),
        };
        shown.into_iter().chain(listed.into_iter().flatten().map(|listed| &mut listed.document))
    }
}

/// The write of a call, as it was seen in the table before its answer was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
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

    /// The stages of a list.
    pub fn listed(&self) -> Option<&[Listed]> {
        match &self.outcome {
            Outcome::Listed(listed) => Some(listed),
            _ => None,
        }
    }

    /// The version that was written, if it was seen in the table.
    pub fn landed_tag(&self) -> Option<&str> {
        match &self.landed {
            Some(Landed::Written { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    /// The stage that the call is about; none for a list, and for a new stage that nothing is known
    /// of.
    pub fn stage(&self) -> Option<Arc<str>> {
        match (&self.landed, self.shown()) {
            _ if !self.asked.stage.is_empty() => Some(Arc::clone(&self.asked.stage)),
            (Some(Landed::Written { stage, .. }), _) => Some(Arc::clone(stage)),
            (_, Some(shown)) => Some(shown.stage()),
            _ => None,
        }
    }

    /// Whether it is not known what became of it.
    pub fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown | Outcome::Unexpected(_)) && self.landed.is_none()
    }
}
