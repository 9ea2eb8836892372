//! Holds a history against the model, stage by stage.
//!
//! Every success names a revision, so the answers themselves claim an order of the writes. That
//! order is replayed against the model, and held against real time: each write must have had an
//! instant within its call, after the write before it; and what a call was shown must have been
//! so at an instant within that call. An order that passes is a linearization, so the check needs
//! no search, and its time grows with the history's length alone.
//!
//! A call without an answer may have been written at any instant after its start, or never: it is
//! who wrote a revision that nobody else did. A write whose answer was dropped may be answered with
//! a later revision than its own.
//!
//! Refusals claim no revision. Each is held, by itself, against every version that can have been
//! the stage's while the call lasted; the published checker, in the small runs, places all of them
//! together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    model::{self, Model},
    names::{self, Holding},
    record::{Call, Document, Instant, NEVER, Outcome, Shown, revision},
};

/// What is wrong with a history.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which rule it breaks.
    pub rule: Rule,
    /// What happened.
    pub words: String,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every call ends with an answer that there is in the contract.
    Answer,
    /// A write happens once.
    Once,
    /// Every revision is somebody's write.
    Written,
    /// The document is what the writes before it make of it.
    Document,
    /// `If-Match` names the version that is changed.
    Precondition,
    /// What happens, happens between a call's start and its end.
    Time,
    /// A refusal was right at some instant of its call.
    Refusal,
    /// A name is one stage's at a time.
    Name,
    /// The table's items fit together.
    Table,
}

/// Says what is broken.
pub fn broken(rule: Rule, words: impl Into<String>) -> Violation {
    Violation { rule, words: words.into() }
}

/// What a run left.
pub struct History {
    /// What stages may refer to.
    pub model: Model,
    /// The calls, in the order in which they began. The first of each stage are reads.
    pub calls: Vec<Call>,
    /// How many stages there are.
    pub stages: usize,
}

/// The instants between which a version came into being.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Not before this.
    pub earliest: Instant,
    /// Not after this.
    pub latest: Instant,
}

/// Everything that is wrong with a history: for each stage, the first that is found.
pub fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut holdings = Vec::new();
    for stage in 0..history.stages {
        let calls: Vec<_> = history.calls.iter().filter(|call| call.asked.stage == stage).collect();
        violations.extend(calls.iter().find_map(|call| unexpected(call)));
        match Line::read(&history.model, calls).and_then(|line| line.judge(stage)) {
            Ok(held) => holdings.extend(held),
            Err(violation) => {
                let words = format!("stage {stage}: {}", violation.words);
                violations.push(Violation { words, ..violation });
            }
        }
    }
    // The names of a stage that nothing is known of are anybody's.
    if violations.iter().all(|violation| violation.rule == Rule::Answer) {
        violations.extend(names::check(&holdings, &history.calls));
    }
    violations
}

fn unexpected(call: &Call) -> Option<Violation> {
    let Outcome::Unexpected(answer) = &call.outcome else { return None };
    Some(broken(Rule::Answer, format!("{answer} to {:?}", call.asked)))
}

/// One version of a stage.
struct Version<'h> {
    document: Document,
    tag: Option<&'h str>,
    writer: Option<&'h Call>,
}

/// One stage's history.
struct Line<'h> {
    model: &'h Model,
    calls: Vec<&'h Call>,
    /// The revision at the beginning.
    first: u64,
    /// The last revision that is known of.
    last: u64,
    /// What was seen of each revision.
    seen: BTreeMap<u64, &'h Shown>,
    /// Who says to have written which revision.
    writers: HashMap<u64, &'h Call>,
    /// Who may have written a revision that nobody says to have written.
    unknown: Vec<&'h Call>,
}

impl<'h> Line<'h> {
    fn read(model: &'h Model, calls: Vec<&'h Call>) -> Result<Self, Violation> {
        let mut seen = BTreeMap::new();
        for call in &calls {
            let Some(shown) = call.shown() else { continue };
            let known = *seen.entry(shown.revision()).or_insert(shown);
            if known.tag != shown.tag || known.document != shown.document {
                let words = format!("{known:?} and {shown:?} are one revision");
                return Err(broken(Rule::Document, words));
            }
        }
        let (Some(first), Some(last)) = (seen.keys().next(), seen.keys().next_back()) else {
            return Err(broken(Rule::Written, "the stage was never shown"));
        };
        let (first, last) = (*first, *last);
        let mut line =
            Self { model, calls, first, last, seen, writers: HashMap::new(), unknown: Vec::new() };
        line.place()?;
        Ok(line)
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
                        return Err(broken(Rule::Once, words));
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
                return Err(broken(Rule::Once, words));
            }
            if let Some(other) = self.writers.insert(revision(tag), call) {
                let words = format!("calls {} and {} both wrote {tag}", other.id, call.id);
                return Err(broken(Rule::Once, words));
            }
            self.last = self.last.max(revision(tag));
        }
        Ok(())
    }

    fn judge(mut self, stage: usize) -> Result<Vec<Holding>, Violation> {
        let versions = self.replay()?;
        let windows = self.windows(&versions)?;
        for call in &self.calls {
            self.judge_answer(call, &versions, &windows)?;
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
            return Err(broken(Rule::Precondition, words));
        }
        let after = self.model.apply(&before.document, &writer.asked.body);
        let mut document = after.map_err(|wrong| {
            broken(Rule::Document, format!("revision {number} was written with {wrong:?} wrong"))
        })?;
        let seen = self.seen.get(&number);
        if let Some(shown) = seen {
            let shown = shown.parse();
            let made = model::settle(&mut document, &shown).ok_or_else(|| {
                let words = model::difference(&document, &shown);
                broken(Rule::Document, format!("revision {number}: {words}"))
            })?;
            if let Some(key) = made.into_iter().find(|key| !keys.insert(key.clone())) {
                return Err(broken(Rule::Document, format!("the key {key} was given twice")));
            }
        }
        let landed = writer.landed.as_ref().map(|landed| &*landed.tag);
        let shown = seen.map(|shown| &*shown.tag);
        if landed.is_some_and(|landed| shown.is_some_and(|shown| shown != landed)) {
            let words = format!("{landed:?} was written, and {shown:?} shown");
            return Err(broken(Rule::Once, words));
        }
        Ok(Version { document, tag: shown.or(landed), writer: Some(writer) })
    }

    /// Who of those without an answer wrote this revision: the first whose change leads to what was
    /// seen next. Where answers get lost, the clients sign their changes, so that no other's does.
    fn find_writer(&mut self, number: u64, before: &Document) -> Result<&'h Call, Violation> {
        let found = (0..self.unknown.len()).find(|place| {
            let mut used = vec![false; self.unknown.len()];
            self.leads_on(number, before, *place, &mut used)
        });
        match found {
            Some(place) => Ok(self.unknown.remove(place)),
            None => Err(broken(Rule::Written, format!("nobody wrote revision {number}"))),
        }
    }

    /// Whether the writes can have been those that are known, and this one as that revision.
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

    /// When each version can have come into being.
    fn windows(&self, versions: &[Version<'h>]) -> Result<Vec<Window>, Violation> {
        let mut windows: Vec<_> = (versions.iter())
            .map(|version| match version.writer {
                Some(writer) => Window { earliest: writer.start, latest: writer.end },
                None => Window { earliest: 0, latest: 0 },
            })
            .collect();
        for call in &self.calls {
            let Some(shown) = call.shown() else { continue };
            // It was there before the call ended, and the next was not when the call began.
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
                let words = format!("revision {number} came into being in no instant");
                Err(broken(Rule::Time, words))
            }
        }
    }

    fn place_of(&self, revision: u64) -> usize {
        usize::try_from(revision - self.first).unwrap()
    }

    fn judge_answer(
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
            Outcome::Outrun | Outcome::Unknown | Outcome::Unexpected(_) => true,
        };
        let current = within(windows, call);
        if versions[current].iter().any(is_right) {
            return Ok(());
        }
        let words = format!("{:?} to {:?} was never right", call.outcome, call.asked);
        Err(broken(Rule::Refusal, words))
    }

    /// Whether just these fields are wrong with the change. Whether a name is taken is not this
    /// stage's to tell.
    fn is_refusal_right(&self, call: &Call, fields: &[String], version: &Version<'_>) -> bool {
        let wrong = self.model.apply(&version.document, &call.asked.body).err().unwrap_or_default();
        let refused: BTreeSet<_> =
            fields.iter().map(String::as_str).filter(|field| *field != "name").collect();
        // A body that is wrong in itself is refused before anybody looks at the version.
        let is_allowed =
            wrong.contains("provider") || version.tag.is_none_or(|tag| call.asked.allows(tag));
        wrong == refused && is_allowed
    }
}

/// Which versions can have been the stage's at an instant of the call.
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
