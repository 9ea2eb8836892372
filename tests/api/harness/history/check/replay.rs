//! Replays one stage's writes against the model, in the order that the answers give.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        call::{Call, Document, NEVER, Shown, revision},
        model::{self, Model},
    },
    Rule, Violation,
    lists::{Lists, SeenByList},
    violation,
};

/// One version of a stage.
pub struct Version<'h> {
    /// The document; the keys that the function generated are null if they were never shown.
    pub document: Document,
    /// The entity tag, if it is known.
    pub tag: Option<&'h str>,
    /// The call that wrote it; none for the fixture's version.
    pub writer: Option<&'h Call>,
}

/// One stage's history.
pub struct StageHistory<'h> {
    /// The rows that it may refer to.
    pub model: &'h Model,
    /// The calls about it, without the lists.
    pub calls: Vec<&'h Call>,
    /// The documents that each list shows of it.
    pub lists: Vec<SeenByList<'h>>,
    /// The revision at the beginning.
    pub first: u64,
    /// Each revision that was shown.
    pub seen: BTreeMap<u64, &'h Shown>,
    stage: Arc<str>,
    /// Whether it existed at the beginning.
    is_first: bool,
    /// The last known revision.
    last: u64,
    /// The call that wrote each revision, where that is known.
    writers: HashMap<u64, &'h Call>,
    /// The calls that may have written one of the other revisions; after the replay, those that no
    /// revision needs.
    pub unknown: Vec<&'h Call>,
}

impl<'h> StageHistory<'h> {
    /// Collects the revisions that were shown, and the call that wrote each.
    pub fn read(
        model: &'h Model,
        stage: &Arc<str>,
        calls: Vec<&'h Call>,
        is_first: bool,
        lists: &'h Lists<'h>,
    ) -> Result<Self, Violation> {
        let mut seen = BTreeMap::new();
        for call in &calls {
            let Some(shown) = call.shown() else { continue };
            let known = *seen.entry(shown.revision()).or_insert(shown);
            if known.tag != shown.tag || known.document != shown.document {
                let words = format!("one revision was shown as {known:?} and as {shown:?}");
                return Err(violation(Rule::Document, words));
            }
        }
        let first = match seen.keys().next() {
            _ if !is_first => 1,
            Some(first) => *first,
            None => return Err(violation(Rule::Written, "the stage was never shown")),
        };
        let last = seen.keys().next_back().map_or(first, |last| first.max(*last));
        let mut history = Self {
            model,
            calls,
            lists: lists.of_stage(stage),
            first,
            seen,
            stage: Arc::clone(stage),
            is_first,
            last,
            writers: HashMap::new(),
            unknown: Vec::new(),
        };
        history.place()?;
        Ok(history)
    }

    /// Finds each write's revision.
    fn place(&mut self) -> Result<(), Violation> {
        for call in self.calls.iter().filter(|call| call.asked.is_change()) {
            let answered = call.shown().map(|shown| &*shown.tag);
            let seen_write = call.written_tag();
            let tag = match (seen_write, answered) {
                (Some(seen_write), Some(answered)) if has_own_id(answered, seen_write) => {
                    if seen_write != answered {
                        let words = format!("one call wrote both {seen_write} and {answered}");
                        return Err(violation(Rule::Once, words));
                    }
                    seen_write
                }
                (Some(seen_write), _) => seen_write,
                (None, Some(answered)) => answered,
                (None, None) => {
                    if call.is_unknown() {
                        self.unknown.push(call);
                    }
                    continue;
                }
            };
            if seen_write.is_some() && answered.is_none() && call.end != NEVER {
                let words = format!("{:?}, but the call wrote {tag}", call.outcome);
                return Err(violation(Rule::Once, words));
            }
            // The answer to a creation may show the stage as it was after later writes.
            let number = if call.asked.is_creation() { 1 } else { revision(tag) };
            if let Some(other) = self.writers.insert(number, call) {
                let words = format!("calls {} and {} both wrote {tag}", other.id, call.id);
                return Err(violation(Rule::Once, words));
            }
            self.last = self.last.max(number);
        }
        Ok(())
    }

    /// Replays every version, from the first to the last. A stage that no known call created was
    /// created by one of these `creations`, whose outcomes are unknown.
    pub fn replay<'c: 'h>(
        &mut self,
        creations: &mut Vec<&'c Call>,
    ) -> Result<Vec<Version<'h>>, Violation> {
        let mut keys = HashSet::new();
        let first = if self.is_first {
            let first = self.seen[&self.first];
            Version { document: first.parse(), tag: Some(&first.tag), writer: None }
        } else {
            self.created(creations, &mut keys)?
        };
        let mut versions = vec![first];
        for number in self.first + 1..=self.last {
            let before = &versions[versions.len() - 1];
            let writer = match self.writers.get(&number) {
                Some(writer) => *writer,
                None => self.find_writer(number, &before.document)?,
            };
            let next = self.version(number, before, writer, &mut keys)?;
            versions.push(next);
        }
        Ok(versions)
    }

    /// The version that a call created.
    fn created<'c: 'h>(
        &self,
        creations: &mut Vec<&'c Call>,
        keys: &mut HashSet<String>,
    ) -> Result<Version<'h>, Violation> {
        let writer = match self.writers.get(&1) {
            Some(writer) => *writer,
            None => {
                let found = creations.iter().position(|call| self.may_be_created_by(call));
                let found = found.ok_or_else(|| violation(Rule::Written, "no call created it"))?;
                creations.remove(found)
            }
        };
        let document = self.new_document(writer).ok_or_else(|| {
            violation(Rule::Document, format!("created, although invalid: {:?}", writer.asked))
        })?;
        self.settled(1, document, writer, keys)
    }

    fn new_document(&self, creation: &Call) -> Option<Document> {
        let mut document = self.model.create(&creation.asked.body).ok()?;
        document["pk"] = (&*self.stage).into();
        Some(document)
    }

    /// Whether this creation explains what was shown of the stage.
    fn may_be_created_by(&self, creation: &Call) -> bool {
        let Some(mut document) =
            self.new_document(creation).filter(|_| creation.asked.is_creation())
        else {
            return false;
        };
        if !self.seen.is_empty() {
            let mut used = vec![false; self.unknown.len()];
            return self.is_as_seen(1, &mut document)
                && self.rest_is_consistent(1, &document, &mut used);
        }
        let mut listed = self.lists.iter().flat_map(|(_, shown)| *shown);
        listed.next().is_none_or(|shown| {
            let shown = serde_json::from_str(shown).unwrap();
            model::copy_generated_keys(&mut document, &shown).is_some()
        })
    }

    fn version(
        &self,
        number: u64,
        before: &Version<'h>,
        writer: &'h Call,
        keys: &mut HashSet<String>,
    ) -> Result<Version<'h>, Violation> {
        if !before.tag.is_none_or(|tag| writer.asked.allows(tag)) {
            let words = format!("If-Match {:?} changed {:?}", writer.asked.if_match, before.tag);
            return Err(violation(Rule::Precondition, words));
        }
        let after = self.model.apply(&before.document, &writer.asked.body);
        let document = after.map_err(|wrong| {
            violation(Rule::Document, format!("revision {number} has invalid fields: {wrong:?}"))
        })?;
        self.settled(number, document, writer, keys)
    }

    /// The version; with the keys that the function generated, if the version was shown.
    fn settled(
        &self,
        number: u64,
        mut document: Document,
        writer: &'h Call,
        keys: &mut HashSet<String>,
    ) -> Result<Version<'h>, Violation> {
        let seen = self.seen.get(&number);
        if let Some(shown) = seen {
            let shown = shown.parse();
            let made = model::copy_generated_keys(&mut document, &shown).ok_or_else(|| {
                let words = model::difference(&document, &shown);
                violation(Rule::Document, format!("revision {number}: {words}"))
            })?;
            if let Some(key) = made.into_iter().find(|key| !keys.insert(key.clone())) {
                return Err(violation(Rule::Document, format!("the key {key} is not unique")));
            }
        }
        let seen_write = writer.written_tag();
        let shown = seen.map(|shown| &*shown.tag);
        if seen_write.is_some_and(|seen_write| shown.is_some_and(|shown| shown != seen_write)) {
            let words = format!("{seen_write:?} was written, but {shown:?} was shown");
            return Err(violation(Rule::Once, words));
        }
        Ok(Version { document, tag: shown.or(seen_write), writer: Some(writer) })
    }

    /// Finds the unanswered call that wrote this revision: the first whose change leads to what was
    /// shown next. Where answers are lost, the clients sign their changes, so that only one call
    /// fits.
    fn find_writer(&mut self, number: u64, before: &Document) -> Result<&'h Call, Violation> {
        let found = (0..self.unknown.len()).find(|place| {
            let mut used = vec![false; self.unknown.len()];
            self.can_be_writer(number, before, *place, &mut used)
        });
        match found {
            Some(place) => Ok(self.unknown.remove(place)),
            None => Err(violation(Rule::Written, format!("no call wrote revision {number}"))),
        }
    }

    /// Whether the known writes are consistent with this call as the writer of that revision.
    fn can_be_writer(
        &self,
        number: u64,
        before: &Document,
        place: usize,
        used: &mut [bool],
    ) -> bool {
        let asked = &self.unknown[place].asked;
        let Ok(mut after) = self.model.apply(before, &asked.body) else {
            return false;
        };
        if self.seen.get(&(number - 1)).is_some_and(|shown| !asked.allows(&shown.tag)) {
            return false;
        }
        used[place] = true;
        let leads =
            self.is_as_seen(number, &mut after) && self.rest_is_consistent(number, &after, used);
        used[place] = false;
        leads
    }

    fn is_as_seen(&self, number: u64, document: &mut Document) -> bool {
        self.seen
            .get(&number)
            .is_none_or(|shown| model::copy_generated_keys(document, &shown.parse()).is_some())
    }

    fn rest_is_consistent(&self, number: u64, document: &Document, used: &mut [bool]) -> bool {
        if number == self.last || self.seen.contains_key(&number) {
            return true;
        }
        let next = number + 1;
        let Some(writer) = self.writers.get(&next) else {
            return (0..self.unknown.len())
                .any(|place| !used[place] && self.can_be_writer(next, document, place, used));
        };
        let after = self.model.apply(document, &writer.asked.body);
        after.is_ok_and(|mut after| {
            self.is_as_seen(next, &mut after) && self.rest_is_consistent(next, &after, used)
        })
    }
}

/// Whether two tags have the same write id.
fn has_own_id(tag: &str, seen_write: &str) -> bool {
    let id = |tag: &str| tag.trim_matches('"').split('-').nth(1).map(str::to_owned);
    id(tag) == id(seen_write)
}
