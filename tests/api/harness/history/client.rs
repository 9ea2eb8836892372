//! A client that makes random requests and remembers the versions that it was shown.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use fastrand::Rng;
use serde_json::{Value, json};

use super::{
    call::{Asked, Document, Outcome, Shown},
    fixture::{Fixture, MAPPING, NO_SUCH_UUID, ROW_FLOWS},
    recorder::{Function, Recorder},
};

/// How many versions of each stage a client remembers: the newest matches as `If-Match` unless
/// another client has written since; the others are stale.
const REMEMBERED: usize = 3;

/// The fields in which clients sign their changes.
const SIGNED: [&str; 5] = ["friendly_name", "from_number", "account_sid", "auth", "auth_password"];

/// One client.
pub struct Client {
    number: usize,
    random: Rng,
    /// The number of its texts so far, which makes each text different.
    texts: usize,
    memory: HashMap<Arc<str>, VecDeque<Shown>>,
    names: Vec<String>,
    /// If it signs, the field that each of its changes sets to a different text.
    signed: Option<&'static str>,
    /// The read that it makes next, because the outcome of its change is unknown.
    next: Option<Asked>,
}

impl Client {
    /// A client whose choices are determined by the seed.
    pub fn new(number: usize, seed: u64, fixture: &Fixture) -> Self {
        // The factor only makes the clients' choices differ.
        let own_seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number as u64);
        Self {
            number,
            random: Rng::with_seed(own_seed),
            texts: 0,
            memory: HashMap::new(),
            names: fixture.names.clone(),
            signed: None,
            next: None,
        }
    }

    /// A client that signs: each of its changes sets a field that no other client sets, and after a
    /// call without an answer it reads the stage before it changes it again. If an answer was lost,
    /// the next version that was shown therefore identifies the call that wrote it.
    pub fn signing(self) -> Self {
        Self { signed: Some(SIGNED[self.number]), ..self }
    }

    /// Makes one random call.
    pub async fn step(&mut self, function: &impl Function, recorder: &Recorder) {
        let asked = match self.next.take() {
            Some(asked) => asked,
            None => self.choose(&recorder.known()),
        };
        let stage = Arc::clone(&asked.stage);
        let outcome = recorder.call(function, asked).await;
        match outcome {
            Outcome::Shown(shown) => {
                let remembered = self.memory.entry(shown.stage()).or_default();
                remembered.push_front(shown);
                remembered.truncate(REMEMBERED);
            }
            Outcome::Deleted | Outcome::Missing => {
                self.memory.remove(&stage);
            }
            // After a creation, which has no UUID, this is a list.
            Outcome::Unknown if self.signed.is_some() => {
                self.next = Some(Asked::of("GET", &stage));
            }
            _ => {}
        }
    }

    fn choose(&mut self, known: &[Arc<str>]) -> Asked {
        // Where processes are killed, there are few calls, which must include every kind of write.
        let [lists, creations, deletions] =
            if self.signed.is_some() { [6, 16, 12] } else { [5, 6, 4] };
        let choice = self.random.u8(..100);
        match choice.checked_sub(lists) {
            None => Asked::list(),
            Some(choice) if choice < creations && known.len() < self.names.len() => self.creation(),
            Some(choice)
                if (creations..creations + deletions).contains(&choice)
                    && known.len() > self.names.len() / 3 =>
            {
                self.deletion(known)
            }
            _ if known.is_empty() => self.creation(),
            _ => self.change(known),
        }
    }

    /// A new stage. Its name is sometimes taken, and its provider sometimes unknown.
    fn creation(&mut self) -> Asked {
        let mut body = Document::new();
        let place = self.random.usize(..2 * self.names.len());
        let name = self.names.get(place).map(|name| name.clone().into());
        body.insert("name".to_owned(), name.unwrap_or_else(|| self.text()));
        let provider = self.one_of(&["twilio", "twilio", "generic", "generic", "pigeon"]);
        body.insert("provider".to_owned(), provider.into());
        for field in ["from_number", "account_sid", "auth"] {
            body.insert(field.to_owned(), self.text());
        }
        let old = Document::from_iter([("flow_set".to_owned(), json!([]))]);
        match self.random.u8(..4) {
            0 => body.extend(self.references(&old)),
            1 => {
                let name = body["name"].clone();
                body.extend(self.flows(&old));
                body.insert("name".to_owned(), name);
            }
            2 => {
                body.insert("friendly_name".to_owned(), self.text());
                body.insert("verify_only".to_owned(), self.random.bool().into());
            }
            _ => {}
        }
        if let Some(field) = self.signed {
            body.insert(field.to_owned(), self.text());
        }
        Asked { body, ..Asked::of("POST", "") }
    }

    fn deletion(&mut self, known: &[Arc<str>]) -> Asked {
        let stage = &known[self.random.usize(..known.len())];
        let if_match = match self.random.u8(..3) {
            0 => self.if_match(stage),
            _ => Vec::new(),
        };
        Asked { if_match, ..Asked::of("DELETE", stage) }
    }

    /// A request for one stage: a read, or a change.
    fn change(&mut self, known: &[Arc<str>]) -> Asked {
        // A third of the calls go to one stage, so that they often conflict.
        let place = if self.random.u8(..3) == 0 { 0 } else { self.random.usize(..known.len()) };
        let stage = &known[place];
        let newest = self.memory.get(stage).and_then(VecDeque::front).map(Shown::parse);
        let Some(newest) = newest else {
            return Asked::of("GET", stage);
        };
        let mut asked = Asked::of("PATCH", stage);
        match self.random.u8(..100) {
            0..12 => asked.method = "GET",
            // An empty PATCH.
            12..14 => {}
            14..40 => asked.body = self.plain(),
            40..54 => asked.body = self.whole(&newest),
            54..60 => {
                asked.method = "PUT";
                asked.body = self.whole(&newest);
            }
            60..74 => asked.body = self.rename(),
            74..86 => asked.body = self.references(&newest),
            86..98 => asked.body = self.flows(&newest),
            _ => {
                asked.body = self.rename();
                asked.body.extend(self.references(&newest));
                asked.body.insert("provider".to_owned(), "pigeon".into());
            }
        }
        // Some make two changes at once.
        if asked.is_change() && self.random.u8(..5) == 0 {
            asked.body.extend(self.plain());
        }
        if let (Some(field), true) = (self.signed, asked.is_change()) {
            // A PUT would need the other fields as well.
            asked.method = "PATCH";
            asked.body.retain(|known, _| !SIGNED.contains(&&**known));
            asked.body.insert(field.to_owned(), self.text());
        }
        if asked.method != "GET" && self.random.u8(..4) == 0 {
            asked.if_match = self.if_match(stage);
        }
        asked
    }

    /// A text that has not been sent before.
    fn text(&mut self) -> Value {
        self.texts += 1;
        format!("{}-{}", self.number, self.texts).into()
    }

    fn plain(&mut self) -> Document {
        let mut body = Document::new();
        for _ in 0..self.random.u8(1..=3) {
            let (field, value) = match self.random.u8(..10) {
                0..3 => ("friendly_name", self.text()),
                3 => ("friendly_name", Value::Null),
                4 => ("from_number", self.text()),
                5 => ("account_sid", self.text()),
                6 => ("auth", self.text()),
                7 => ("auth_password", self.text()),
                8 => ("verify_only", self.random.bool().into()),
                _ => ("provider", self.one_of(&["twilio", "generic"]).into()),
            };
            body.insert(field.to_owned(), value);
        }
        body
    }

    /// The whole document as it was shown, with a few fields changed; half of the time without
    /// `flow_set`, as authentik's own form sends it.
    fn whole(&mut self, newest: &Document) -> Document {
        let mut body = newest.clone();
        if self.random.bool() {
            body.shift_remove("flow_set");
        }
        body.extend(self.plain());
        body
    }

    fn rename(&mut self) -> Document {
        let place = self.random.usize(..self.names.len());
        Document::from_iter([("name".to_owned(), self.names[place].clone().into())])
    }

    fn references(&mut self, newest: &Document) -> Document {
        let mut body = Document::new();
        if self.random.u8(..3) > 0 {
            let own = newest["flow_set"].as_array().unwrap();
            let flow = match self.random.u8(..10) {
                0..3 => self.one_of(&ROW_FLOWS).into(),
                3 => NO_SUCH_UUID.into(),
                4..6 => Value::Null,
                _ if own.is_empty() => Value::Null,
                _ => own[self.random.usize(..own.len())]["pk"].clone(),
            };
            body.insert("configure_flow".to_owned(), flow);
        }
        if body.is_empty() || self.random.bool() {
            let mapping = match self.random.u8(..10) {
                0..5 => MAPPING.into(),
                5 => NO_SUCH_UUID.into(),
                _ => Value::Null,
            };
            body.insert("mapping".to_owned(), mapping);
        }
        body
    }

    /// Another list of flows, which keeps some flows and removes others, sometimes with a reference
    /// or a name.
    fn flows(&mut self, newest: &Document) -> Document {
        let mut flows = Vec::new();
        for slug in ["alpha", "beta", "gamma"] {
            if self.random.bool() {
                let mut flow = json!({
                    "slug": slug,
                    "name": self.text(),
                    "title": slug,
                    "designation": "enrollment",
                });
                if self.random.bool() {
                    flow["layout"] = "content_left".into();
                }
                flows.push(flow);
            }
        }
        self.random.shuffle(&mut flows);
        let mut body = Document::from_iter([("flow_set".to_owned(), flows.into())]);
        match self.random.u8(..6) {
            0 => body.extend(self.references(newest)),
            1 => body.extend(self.rename()),
            _ => {}
        }
        body
    }

    /// Usually the newest version that this client knows; sometimes an older one, all of them, or
    /// `*`.
    fn if_match(&mut self, stage: &str) -> Vec<String> {
        let known: Vec<_> =
            (self.memory.get(stage).into_iter().flatten()).map(|shown| shown.tag.clone()).collect();
        match (self.random.u8(..8), known.as_slice()) {
            (_, []) | (7.., _) => vec!["*".to_owned()],
            (0..5, [newest, ..]) => vec![newest.clone()],
            (5, [.., oldest]) => vec![oldest.clone()],
            (6, _) => known,
        }
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.random.usize(..words.len())]
    }
}
