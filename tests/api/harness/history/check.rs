//! Checks a history against the model, stage by stage.
//!
//! Every success names a revision, so the answers themselves claim an order of the writes. That
//! order is replayed against the model, and compared with real time: each write must have had an
//! instant within its call, after the write before it; and what a call was shown must have been
//! so at an instant within that call. An order that passes is a linearization, so the check needs
//! no search, and its time grows with the history's length alone.
//!
//! A call without an answer may have been written at any instant after its start, or never: a
//! revision that no answered call wrote is one of these. A write whose answer was dropped may be
//! answered with a later revision than its own.
//!
//! Refusals name no revision. Each is checked by itself against every version that the stage can
//! have had during the call; in the small runs, the published checker orders all of them together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    super::{Snapshot, violations},
    model::{self, Model},
    names::{self, Holding},
    recorder::{Call, Document, Instant, NEVER, Outcome, Shown, revision},
};

/// What is wrong with a history.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which rule it breaks.
    pub rule: Rule,
    /// What happened.
    pub description: String,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every call ends with an answer of the contract.
    Answer,
    /// A write happens once.
    Once,
    /// Every revision is the write of a call.
    Written,
    /// The document is what the writes before it make of it.
    Document,
    /// `If-Match` names the version that is changed.
    Precondition,
    /// A call takes effect between its start and its end.
    Time,
    /// A refusal was right at some instant of its call.
    Refusal,
    /// A name belongs to one stage at a time.
    Name,
    /// The table's invariants hold.
    Table,
}

/// A violation of a rule.
pub fn violation(rule: Rule, description: impl Into<String>) -> Violation {
    Violation { rule, description: description.into() }
}

/// The table's invariants that do not hold.
pub fn check_table(snapshot: &Snapshot) -> Vec<Violation> {
    violations(snapshot).into_iter().map(|found| violation(Rule::Table, found)).collect()
}

/// Everything that the clients of a run asked and were answered.
pub struct History {
    /// The rows that stages may refer to.
    pub model: Model,
    /// The calls, in the order in which they began. The first of each stage are reads.
    pub calls: Vec<Call>,
    /// How many stages there are.
    pub stages: usize,
}

/// The instants between which a version was written.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Not before this.
    pub earliest: Instant,
    /// Not after this.
    pub latest: Instant,
}

/// The violations in a history: for each stage, the first that is found.
pub fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut holdings = Vec::new();
    for stage in 0..history.stages {
        let calls: Vec<_> = history.calls.iter().filter(|call| call.asked.stage == stage).collect();
        violations.extend(calls.iter().find_map(|call| unexpected(call)));
        match StageHistory::read(&history.model, calls)
            .and_then(|stage_history| stage_history.check(stage))
        {
            Ok(held) => holdings.extend(held),
            Err(violation) => {
                let description = format!("stage {stage}: {}", violation.description);
                violations.push(Violation { description, ..violation });
            }
        }
    }
    // The names of a stage with a violation are not known.
    if violations.iter().all(|violation| violation.rule == Rule::Answer) {
        violations.extend(names::check(&holdings, &history.calls));
    }
    violations
}

fn unexpected(call: &Call) -> Option<Violation> {
    let Outcome::Unexpected(answer) = &call.outcome else { return None };
    Some(violation(Rule::Answer, format!("{answer} to {:?}", call.asked)))
}

/// One version of a stage.
struct Version<'h> {
    document: Document,
    tag: Option<&'h str>,
    writer: Option<&'h Call>,
}

/// One stage's history.
struct StageHistory<'h> {
    model: &'h Model,
    calls: Vec<&'h Call>,
    /// The revision at the beginning.
    first: u64,
    /// The last known revision.
    last: u64,
    /// Each revision as it was shown.
    seen: BTreeMap<u64, &'h Shown>,
    /// The call that wrote each revision, where an answer says so.
    writers: HashMap<u64, &'h Call>,
    /// The calls that may have written one of the other revisions.
    unknown: Vec<&'h Call>,
}

impl<'h> StageHistory<'h> {
    fn read(model: &'h Model, calls: Vec<&'h Call>) -> Result<Self, Violation> {
        let mut seen = BTreeMap::new();
        for call in &calls {
            let Some(shown) = call.shown() else { continue };
            let known = *seen.entry(shown.revision()).or_insert(shown);
            if known.tag != shown.tag || known.document != shown.document {
                let words = format!("{known:?} and {shown:?} are one revision");
                return Err(violation(Rule::Document, words));
            }
        }
        let (Some(first), Some(last)) = (seen.keys().next(), seen.keys().next_back()) else {
            return Err(violation(Rule::Written, "the stage was never shown"));
        };
        let (first, last) = (*first, *last);
        let mut history =
            Self { model, calls, first, last, seen, writers: HashMap::new(), unknown: Vec::new() };
        history.place()?;
        Ok(history)
    }

    /// Finds each write's revision.
    fn place(&mut self) -> Result<(), Violation> {
        for call in self.calls.iter().filter(|call| call.asked.is_change()) {
            let answered = call.shown().map(|shown| &*shown.tag);
            let landed = call.landed.as_ref().map(|landed| &*landed.tag);
            let tag = match (landed, answered) {
                (Some(landed), Some(answered)) if has_own_id(answered, landed) => {
                    if landed != answered {
                        let words = format!("one call wrote {landed} and {answered}");
                        return Err(violation(Rule::Once, words));
                    }
                    landed
                }
                (Some(landed), _) => landed,
                (None, Some(answered)) => answered,
                (None, None) => {
                    if matches!(call.outcome, Outcome::Unknown | Outcome::Unexpected(_)) {
                        self.unknown.push(call);
                    }
                    continue;
                }
            };
            if landed.is_some() && answered.is_none() && call.end != NEVER {
                let words = format!("{:?}, and yet it wrote {tag}", call.outcome);
                return Err(violation(Rule::Once, words));
            }
            if let Some(other) = self.writers.insert(revision(tag), call) {
                let words = format!("calls {} and {} both wrote {tag}", other.id, call.id);
                return Err(violation(Rule::Once, words));
            }
            self.last = self.last.max(revision(tag));
        }
        Ok(())
    }

    fn check(mut self, stage: usize) -> Result<Vec<Holding>, Violation> {
        let versions = self.replay()?;
        let windows = self.windows(&versions)?;
        for call in &self.calls {
            self.check_answer(call, &versions, &windows)?;
        }
        let names = versions.iter().map(|version| version.document["name"].as_str().unwrap());
        Ok(Holding::all(stage, names, &windows))
    }

    /// Every version, from the first to the last.
    fn replay(&mut self) -> Result<Vec<Version<'h>>, Violation> {
        let first = self.seen[&self.first];
        let mut versions =
            vec![Version { document: first.parse(), tag: Some(&first.tag), writer: None }];
        let mut keys = HashSet::new();
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

    fn version(
        &self,
        number: u64,
        before: &Version<'h>,
        writer: &'h Call,
        keys: &mut HashSet<String>,
    ) -> Result<Version<'h>, Violation> {
        if !before.tag.is_none_or(|tag| writer.asked.allows(tag)) {
            let words = format!("{:?} let {:?} be changed", writer.asked.if_match, before.tag);
            return Err(violation(Rule::Precondition, words));
        }
        let after = self.model.apply(&before.document, &writer.asked.body);
        let mut document = after.map_err(|wrong| {
            violation(Rule::Document, format!("revision {number} was written with {wrong:?} wrong"))
        })?;
        let seen = self.seen.get(&number);
        if let Some(shown) = seen {
            let shown = shown.parse();
            let made = model::settle(&mut document, &shown).ok_or_else(|| {
                let words = model::difference(&document, &shown);
                violation(Rule::Document, format!("revision {number}: {words}"))
            })?;
            if let Some(key) = made.into_iter().find(|key| !keys.insert(key.clone())) {
                return Err(violation(Rule::Document, format!("the key {key} was given twice")));
            }
        }
        let landed = writer.landed.as_ref().map(|landed| &*landed.tag);
        let shown = seen.map(|shown| &*shown.tag);
        if landed.is_some_and(|landed| shown.is_some_and(|shown| shown != landed)) {
            let words = format!("{landed:?} was written, and {shown:?} shown");
            return Err(violation(Rule::Once, words));
        }
        Ok(Version { document, tag: shown.or(landed), writer: Some(writer) })
    }

    /// The call without an answer that wrote this revision: the first whose change leads to what was
    /// shown next. Where answers are lost, the clients sign their changes, so that only one does.
    fn find_writer(&mut self, number: u64, before: &Document) -> Result<&'h Call, Violation> {
        let found = (0..self.unknown.len()).find(|place| {
            let mut used = vec![false; self.unknown.len()];
            self.leads_on(number, before, *place, &mut used)
        });
        match found {
            Some(place) => Ok(self.unknown.remove(place)),
            None => Err(violation(Rule::Written, format!("no call wrote revision {number}"))),
        }
    }

    /// Whether the known writes fit together with this one as that revision.
    fn leads_on(&self, number: u64, before: &Document, place: usize, used: &mut [bool]) -> bool {
        let asked = &self.unknown[place].asked;
        let Ok(mut after) = self.model.apply(before, &asked.body) else {
            return false;
        };
        if self.seen.get(&(number - 1)).is_some_and(|shown| !asked.allows(&shown.tag)) {
            return false;
        }
        used[place] = true;
        let leads = self.is_as_seen(number, &mut after) && self.goes_on(number, &after, used);
        used[place] = false;
        leads
    }

    fn is_as_seen(&self, number: u64, document: &mut Document) -> bool {
        self.seen.get(&number).is_none_or(|shown| model::settle(document, &shown.parse()).is_some())
    }

    fn goes_on(&self, number: u64, document: &Document, used: &mut [bool]) -> bool {
        if number == self.last || self.seen.contains_key(&number) {
            return true;
        }
        let next = number + 1;
        let Some(writer) = self.writers.get(&next) else {
            return (0..self.unknown.len())
                .any(|place| !used[place] && self.leads_on(next, document, place, used));
        };
        let after = self.model.apply(document, &writer.asked.body);
        after.is_ok_and(|mut after| {
            self.is_as_seen(next, &mut after) && self.goes_on(next, &after, used)
        })
    }

    /// When each version can have been written.
    fn windows(&self, versions: &[Version<'h>]) -> Result<Vec<Window>, Violation> {
        let mut windows: Vec<_> = (versions.iter())
            .map(|version| match version.writer {
                Some(writer) => Window { earliest: writer.start, latest: writer.end },
                None => Window { earliest: 0, latest: 0 },
            })
            .collect();
        for call in &self.calls {
            let Some(shown) = call.shown() else { continue };
            // It was written before the call ended, and the next was not when the call began.
            let place = self.place_of(shown.revision());
            windows[place].latest = windows[place].latest.min(call.end);
            if let Some(next) = windows.get_mut(place + 1) {
                next.earliest = next.earliest.max(call.start);
            }
        }
        for place in 1..windows.len() {
            windows[place].earliest = windows[place].earliest.max(windows[place - 1].earliest);
        }
        for place in (1..windows.len()).rev() {
            windows[place - 1].latest = windows[place - 1].latest.min(windows[place].latest);
        }
        let impossible = windows.iter().position(|window| window.earliest > window.latest);
        match impossible {
            None => Ok(windows),
            Some(place) => {
                let number = self.first + place as u64;
                let words = format!("revision {number} can have been written at no instant");
                Err(violation(Rule::Time, words))
            }
        }
    }

    fn place_of(&self, revision: u64) -> usize {
        usize::try_from(revision - self.first).unwrap()
    }

    fn check_answer(
        &self,
        call: &Call,
        versions: &[Version<'h>],
        windows: &[Window],
    ) -> Result<(), Violation> {
        let is_right = |version: &Version<'_>| match &call.outcome {
            Outcome::Invalid(fields) => self.is_refusal_right(call, fields, version),
            Outcome::PreconditionFailed => !version.tag.is_some_and(|tag| call.asked.allows(tag)),
            // An empty patch changes nothing, but `If-Match` counts.
            Outcome::Shown(shown) => call.asked.is_change() || call.asked.allows(&shown.tag),
            Outcome::Conflict | Outcome::Unknown | Outcome::Unexpected(_) => true,
        };
        let current = within(windows, call);
        if versions[current].iter().any(is_right) {
            return Ok(());
        }
        let words = format!("{:?} to {:?} was never right", call.outcome, call.asked);
        Err(violation(Rule::Refusal, words))
    }

    /// Whether exactly these fields of the change are invalid. Whether a name is taken does not follow
    /// from this stage alone.
    fn is_refusal_right(&self, call: &Call, fields: &[String], version: &Version<'_>) -> bool {
        let wrong = self.model.apply(&version.document, &call.asked.body).err().unwrap_or_default();
        let refused: BTreeSet<_> =
            fields.iter().map(String::as_str).filter(|field| *field != "name").collect();
        // An invalid body is refused before the version is checked.
        let is_allowed =
            wrong.contains("provider") || version.tag.is_none_or(|tag| call.asked.allows(tag));
        wrong == refused && is_allowed
    }
}

/// The versions that the stage can have had at an instant of the call.
fn within(windows: &[Window], call: &Call) -> std::ops::Range<usize> {
    let from = windows.iter().rposition(|window| window.latest < call.start).unwrap_or(0);
    let to = windows.iter().position(|window| window.earliest > call.end);
    from..to.unwrap_or(windows.len())
}

/// Whether two tags name the same write.
fn has_own_id(tag: &str, landed: &str) -> bool {
    let id = |tag: &str| tag.trim_matches('"').split('-').nth(1).map(str::to_owned);
    id(tag) == id(landed)
}
