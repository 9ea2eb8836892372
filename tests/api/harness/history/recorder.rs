//! Records the requests, the answers and their times. The checks use nothing else.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::call::{Asked, Call, NEVER, Outcome, Reply, SeenWrite};
use crate::harness::Request;

tokio::task_local! {
    /// The call that this task is making, for the injection of faults into it.
    pub static CALL: usize;
}

/// A function that answers requests.
pub trait Function: Send + Sync + 'static {
    /// The reply, if there is one.
    fn ask(&self, request: &Request) -> impl Future<Output = Option<Reply>> + Send;
}

/// Records all calls.
#[derive(Debug, Default)]
pub struct Recorder {
    clock: AtomicU64,
    calls: Mutex<Vec<Call>>,
    seen_write: Mutex<HashMap<usize, SeenWrite>>,
    /// The stages that a client can know.
    known: Mutex<Vec<Arc<str>>>,
    /// Each document once, because a list repeats the documents of other calls.
    documents: Mutex<HashSet<Arc<str>>>,
}

impl Recorder {
    /// A recorder of a run that begins with these stages.
    pub fn of(stages: &[Arc<str>]) -> Self {
        Self { known: Mutex::new(stages.to_vec()), ..Self::default() }
    }

    /// The stages that a client can know: those that were shown, and not deleted or missing since.
    pub fn known(&self) -> Vec<Arc<str>> {
        self.known.lock().unwrap().clone()
    }

    /// Makes a call and records it.
    pub async fn call(&self, function: &impl Function, asked: Asked) -> Outcome {
        let request = asked.request();
        // The start identifies the call, because no two calls start at the same instant.
        let start = self.clock.fetch_add(1, Ordering::SeqCst);
        let id = usize::try_from(start).unwrap();
        let reply = CALL.scope(id, function.ask(&request)).await;
        let end = self.clock.fetch_add(1, Ordering::SeqCst);
        let mut outcome = Outcome::read(&asked, reply);
        self.share(&mut outcome);
        self.learn(&asked, &outcome);
        let is_known = !matches!(outcome, Outcome::Unknown | Outcome::Unexpected(_));
        let end = if is_known { end } else { NEVER };
        let call = Call { id, asked, start, end, outcome: outcome.clone(), seen_write: None };
        self.calls.lock().unwrap().push(call);
        outcome
    }

    fn share(&self, outcome: &mut Outcome) {
        let mut documents = self.documents.lock().unwrap();
        for document in outcome.documents() {
            match documents.get(document) {
                Some(known) => *document = Arc::clone(known),
                None => {
                    documents.insert(Arc::clone(document));
                }
            }
        }
    }

    fn learn(&self, asked: &Asked, outcome: &Outcome) {
        let shown = match outcome {
            Outcome::Shown(shown) if asked.is_creation() => vec![shown.stage()],
            Outcome::Listed(listed) => listed.iter().map(|one| Arc::clone(&one.stage)).collect(),
            Outcome::Deleted | Outcome::Missing => {
                self.known.lock().unwrap().retain(|stage| *stage != asked.stage);
                return;
            }
            _ => return,
        };
        let mut known = self.known.lock().unwrap();
        for stage in shown {
            if !known.contains(&stage) {
                known.push(stage);
            }
        }
    }

    /// Records that a call's write is in the table.
    pub fn record_seen_write(&self, call: usize, seen_write: SeenWrite) {
        self.seen_write.lock().unwrap().entry(call).or_insert(seen_write);
    }

    /// The number of calls so far.
    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// All calls, in the order in which they began.
    pub fn finish(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        let mut seen_write = std::mem::take(&mut *self.seen_write.lock().unwrap());
        for call in &mut calls {
            call.seen_write = seen_write.remove(&call.id);
        }
        calls.sort_by_key(|call| call.start);
        calls
    }
}
