//! The expected state and answer of a case.

use serde_json::Value;

use crate::harness::{
    Answer, Key, STAGE, Snapshot, check_invariants, document, entity_tag, revision, with,
    without_stage, write_ids,
};

/// The expectation of one case.
pub struct Expected {
    /// The answer's status.
    pub status: u16,
    /// The changes of the document, in the order in which they were written.
    pub writes: Vec<Value>,
    /// The position of the request's own write among them, if it was made.
    pub own: Option<usize>,
}

impl Expected {
    /// The document after the first `writes` writes.
    fn document(&self, before: &Snapshot, writes: usize) -> Value {
        let stage = document(&before[&Key::stage(STAGE)]);
        self.writes[..writes].iter().cloned().fold(stage, with)
    }

    /// Compares the answer and the table with the expectation.
    pub fn check(
        &self,
        answer: &Answer,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Result<(), String> {
        check_invariants(after)?;
        let key = Key::stage(STAGE);
        let (old, new) = (&before[&key], &after[&key]);
        let expected = self.document(before, self.writes.len());
        if document(new) != expected {
            return Err(format!("the stage is {}, not {expected}", document(new)));
        }
        let count = u64::try_from(self.writes.len()).unwrap();
        if revision(new) != revision(old) + count {
            return Err(format!("written {} times, not {count}", revision(new) - revision(old)));
        }
        if without_stage(before, &key) != without_stage(after, &key) {
            return Err("another item has changed".to_owned());
        }
        self.check_answer(answer, before, after)
    }

    /// Checks the answer. A success shows the stage as the request's own write left it, or as it is
    /// now.
    fn check_answer(
        &self,
        answer: &Answer,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Result<(), String> {
        if answer.status != self.status {
            return Err(format!("{} instead of {}: {}", answer.status, self.status, answer.body));
        }
        if self.status != 200 {
            return Ok(());
        }
        let new = &after[&Key::stage(STAGE)];
        let own = self.own.map_or(self.writes.len(), |place| place + 1);
        let later = self.writes.len() - own;
        let own_revision = revision(new) - u64::try_from(later).unwrap();
        let shown = (answer.header("etag").unwrap().to_owned(), answer.body.clone());
        let is_own_tag = match write_ids(new).get(later) {
            Some(id) => shown.0 == format!("\"{own_revision}-{}\"", &id[..8]),
            // A stage keeps the ids of its last four writes only.
            None => shown.0.starts_with(&format!("\"{own_revision}-")),
        };
        let is_own = is_own_tag && shown.1 == self.document(before, own);
        let is_current = shown == (entity_tag(new), document(new));
        if is_own || is_current { Ok(()) } else { Err(format!("the answer shows {shown:?}")) }
    }
}
