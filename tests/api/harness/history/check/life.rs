//! One stage's states, from its creation to its deletion, and the check of each call's answer
//! against the states that are possible during the call.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{
        call::{Call, Document, NEVER, Outcome, SeenWrite},
        model,
        names::Holding,
    },
    Rule, Violation,
    replay::{StageHistory, Version},
    violation,
    windows::{self, Window},
    without_name,
};

/// Maximum number of successive versions that no answer shows. There are few, because a client
/// reads the stage after a call whose outcome is unknown.
const HIDDEN_MAX: usize = 4;

/// A state of a stage.
enum State<'h> {
    /// It does not exist.
    Absent,
    /// It exists.
    Present(Version<'h>),
}

/// A stage's states, and the window in which each can have begun.
pub struct Life<'h> {
    history: StageHistory<'h>,
    states: Vec<State<'h>>,
    windows: Vec<Window>,
    /// The position of the first version.
    first: usize,
    /// The positions of the versions that were shown, by document.
    shown: HashMap<&'h str, Vec<usize>>,
    /// The positions of the other versions.
    not_shown: Vec<usize>,
}

impl<'h> Life<'h> {
    /// Finds a life with these versions. It ends with the call that is known to have deleted the
    /// stage; if there is none, it does not end, or ends with a deletion whose outcome is unknown.
    pub fn find(history: StageHistory<'h>, versions: Vec<Version<'h>>) -> Result<Self, Violation> {
        let ends = ends(&history)?;
        let mut life = Self::begin(history, versions);
        let mut first_violation = None;
        for end in ends {
            match life.try_end(end) {
                Ok(()) => return Ok(life),
                Err(violation) => first_violation.get_or_insert(violation),
            };
        }
        Err(first_violation.expect("no ending was tried"))
    }

    fn begin(history: StageHistory<'h>, versions: Vec<Version<'h>>) -> Self {
        let is_created = versions[0].writer.is_some();
        let absent = is_created.then_some(State::Absent);
        let states: Vec<_> =
            absent.into_iter().chain(versions.into_iter().map(State::Present)).collect();
        let first = usize::from(is_created);
        let mut shown: HashMap<_, Vec<_>> = HashMap::new();
        for (revision, seen) in &history.seen {
            let place = first + usize::try_from(revision - history.first).unwrap();
            shown.entry(&*seen.document).or_default().push(place);
        }
        let positions = (history.first..).zip(first..states.len());
        let is_not_shown = |(revision, _): &(u64, usize)| !history.seen.contains_key(revision);
        let not_shown = positions.filter(is_not_shown).map(|(_, place)| place).collect();
        Self { history, states, windows: Vec::new(), first, shown, not_shown }
    }

    /// Ends the life with this deletion, if there is one, and checks everything.
    fn try_end(&mut self, deletion: Option<&Call>) -> Result<(), Violation> {
        let present = self.states.iter().rposition(|state| matches!(state, State::Present(_)));
        self.states.truncate(present.unwrap() + 1);
        if let Some(deletion) = deletion {
            if let Some(State::Present(Version { tag: Some(tag), .. })) = self.states.last()
                && !deletion.asked.allows(tag)
            {
                let words = format!("If-Match {:?} deleted {tag}", deletion.asked.if_match);
                return Err(violation(Rule::Precondition, words));
            }
            self.states.push(State::Absent);
        }
        self.windows = self.states.iter().map(window).collect();
        if let (Some(last), Some(deletion)) = (self.windows.last_mut(), deletion) {
            *last = Window::of(deletion);
        }
        for call in &self.history.calls {
            if let Some(shown) = call.shown() {
                let place = usize::try_from(shown.revision() - self.history.first).unwrap();
                let place = self.first + place;
                windows::saw(&mut self.windows, place, place, call);
            }
        }
        windows::order(&mut self.windows)?;
        self.check_lists()?;
        self.check_answers()?;
        // Successive lists and refusals must not go back in time either.
        self.apply_lists();
        windows::order(&mut self.windows)?;
        self.check_answers()
    }

    fn check_lists(&self) -> Result<(), Violation> {
        for (call, shown) in &self.history.lists {
            let words = match shown {
                [] if self.can_be(call, |state| matches!(state, State::Absent)) => continue,
                [] => "existed during the whole call",
                [document] => {
                    let places = self.places_of(document);
                    let current = windows::within(&self.windows, call);
                    if places.iter().any(|place| current.contains(place))
                        || self.is_hidden(call, document)
                    {
                        continue;
                    }
                    "did not have this document at any instant of the call"
                }
                _ => "is shown more than once",
            };
            let words = format!("{words}: list {} shows {shown:?}", call.id);
            return Err(violation(Rule::List, words));
        }
        Ok(())
    }

    /// The positions of the versions with this document.
    fn places_of(&self, document: &str) -> Vec<usize> {
        let mut places = self.shown.get(document).cloned().unwrap_or_default();
        if self.not_shown.is_empty() {
            return places;
        }
        let document: Document = serde_json::from_str(document).unwrap();
        let is_so = |place: &usize| match &self.states[*place] {
            State::Present(version) => {
                model::copy_generated_keys(&mut version.document.clone(), &document).is_some()
            }
            State::Absent => false,
        };
        // A write that changes nothing makes a second version with the same document.
        places.extend(self.not_shown.iter().copied().filter(is_so));
        places.sort_unstable();
        places
    }

    /// Narrows the windows by what lists and refusals show about the order.
    fn apply_lists(&mut self) {
        let absent = |states: &[State<'_>]| -> Vec<usize> {
            let places = states.iter().enumerate();
            places.filter(|(_, state)| matches!(state, State::Absent)).map(|(at, _)| at).collect()
        };
        let absent = absent(&self.states);
        let lists = self.history.lists.iter().map(|(call, shown)| match shown {
            [document] => (*call, self.places_of(document)),
            _ => (*call, absent.clone()),
        });
        let missing = self.history.calls.iter();
        let missing = missing.filter(|call| matches!(call.outcome, Outcome::Missing));
        let seen = lists.chain(missing.map(|call| (*call, absent.clone())));
        let seen: Vec<_> = seen
            .map(|(call, mut places)| {
                let current = windows::within(&self.windows, call);
                places.retain(|place| current.contains(place));
                (call, places)
            })
            .collect();
        for (call, places) in seen {
            if let (Some(first), Some(last)) = (places.first(), places.last()) {
                windows::saw(&mut self.windows, *first, *last, call);
            }
        }
    }

    fn can_be(&self, call: &Call, is_right: impl FnMut(&State<'h>) -> bool) -> bool {
        self.states[windows::within(&self.windows, call)].iter().any(is_right)
    }

    fn check_answers(&self) -> Result<(), Violation> {
        for call in &self.history.calls {
            if !self.can_be(call, |state| self.is_answer_right(call, state))
                && !self.may_see_hidden(call)
            {
                let words = format!("{:?} to {:?} was never correct", call.outcome, call.asked);
                return Err(violation(Rule::Refusal, words));
            }
        }
        Ok(())
    }

    fn is_answer_right(&self, call: &Call, state: &State<'_>) -> bool {
        match (&call.outcome, state) {
            (Outcome::Invalid(fields), state) => self.is_refusal_right(call, fields, state),
            (Outcome::Missing, state) => matches!(state, State::Absent),
            (Outcome::PreconditionFailed, State::Present(version)) => {
                !version.tag.is_some_and(|tag| call.asked.allows(tag))
            }
            (Outcome::PreconditionFailed, State::Absent) => false,
            // An empty PATCH changes nothing, but `If-Match` applies.
            (Outcome::Shown(shown), _) => call.asked.is_change() || call.asked.allows(&shown.tag),
            (
                Outcome::Deleted
                | Outcome::Listed(_)
                | Outcome::Conflict
                | Outcome::Unknown
                | Outcome::Unexpected(_),
                _,
            ) => true,
        }
    }

    /// Whether exactly these fields of the change are invalid. Whether a name is taken cannot be
    /// seen from this stage alone.
    fn is_refusal_right(&self, call: &Call, fields: &[String], state: &State<'_>) -> bool {
        let model = self.history.model;
        let (old, tag) = match state {
            State::Absent => (&model.blank, None),
            State::Present(version) => (&version.document, version.tag),
        };
        let wrong = model.apply(old, &call.asked.body).err().unwrap_or_default();
        // An invalid body is refused before the stage and its version are looked up.
        let is_allowed = wrong.contains("provider")
            || (matches!(state, State::Present(_)) && tag.is_none_or(|tag| call.asked.allows(tag)));
        wrong == without_name(fields) && is_allowed
    }

    /// The calls that may have written versions that no answer shows: those with an unknown
    /// outcome, if the stage was deleted later.
    pub fn hidden(&self) -> impl Iterator<Item = &'h Call> {
        let is_ended = matches!(self.states.last(), Some(State::Absent));
        self.history.unknown.iter().copied().filter(move |_| is_ended)
    }

    /// Whether such a version can have existed at an instant of the call.
    fn may_see_hidden(&self, call: &Call) -> bool {
        let last = self.states.iter().rposition(|state| matches!(state, State::Present(_)));
        windows::within(&self.windows, call).contains(&last.unwrap())
            && self.hidden().any(|hidden| hidden.start < call.end)
    }

    /// Whether this document in a list can be such a version.
    fn is_hidden(&self, list: &Call, document: &str) -> bool {
        if !self.may_see_hidden(list) {
            return false;
        }
        let mut present = self.states.iter().rev();
        let last = present.find_map(|state| match state {
            State::Present(version) => Some(version.document.clone()),
            State::Absent => None,
        });
        let document = serde_json::from_str(document).unwrap();
        let hidden: Vec<_> = self.hidden().collect();
        self.leads_to(&last.unwrap(), &document, &hidden, HIDDEN_MAX)
    }

    /// Whether at most `most` of the calls turn one document into the other.
    fn leads_to(&self, from: &Document, to: &Document, calls: &[&Call], most: usize) -> bool {
        most > 0
            && (0..calls.len()).any(|place| {
                let mut others = calls.to_vec();
                let body = &others.remove(place).asked.body;
                let Ok(after) = self.history.model.apply(from, body) else { return false };
                model::copy_generated_keys(&mut after.clone(), to).is_some()
                    || self.leads_to(&after, to, &others, most - 1)
            })
    }

    /// The names that the stage had, and when.
    pub fn holdings(&self, stage: &Arc<str>) -> Vec<Holding> {
        let names = self.states.iter().map(|state| match state {
            State::Absent => None,
            State::Present(version) => version.document["name"].as_str(),
        });
        Holding::all(stage, names, &self.windows)
    }
}

fn window(state: &State<'_>) -> Window {
    match state {
        State::Present(Version { writer: Some(writer), .. }) => Window::of(writer),
        _ => Window::ALWAYS,
    }
}

/// The ways in which the stage's life can have ended.
fn ends<'h>(history: &StageHistory<'h>) -> Result<Vec<Option<&'h Call>>, Violation> {
    let deletions = || history.calls.iter().copied().filter(|call| call.asked.is_deletion());
    let mut known = deletions().filter(|call| {
        matches!(call.outcome, Outcome::Deleted) || call.seen_write == Some(SeenWrite::Deleted)
    });
    match (known.next(), known.next()) {
        (Some(one), Some(other)) => {
            let words = format!("calls {} and {} both deleted the stage", one.id, other.id);
            Err(violation(Rule::Once, words))
        }
        (Some(call), None) if !matches!(call.outcome, Outcome::Deleted) && call.end != NEVER => {
            let words = format!("{:?}, but call {} deleted it", call.outcome, call.id);
            Err(violation(Rule::Once, words))
        }
        (Some(call), None) => Ok(vec![Some(call)]),
        (None, _) => {
            let unknown = deletions().filter(|call| call.is_unknown()).map(Some);
            Ok(std::iter::once(None).chain(unknown).collect())
        }
    }
}
