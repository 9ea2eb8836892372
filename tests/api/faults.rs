//! What is left of a write whose calls go wrong, one by one and for good, with and without others
//! who write in between.
//!
//! Every call of every kind of write is made to fail in every way. Then either the answer is a
//! success and the change is stored, once and under what others wrote later; or the answer is an
//! error and nothing is stored; or it is a 503, and the change is stored whole or not at all. Which
//! of these it is, is known in every case.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use authenticator_sms_stage::{
    handler::App,
    store::{Secrets, StageTable},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorFuture},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    canned::refusal,
    harness::{Answer, House, Request, STAGE, Snapshot, ask, stage_with},
    writing::{
        MAPPING, RECOVERY_FLOW, SETUP_FLOW, UNKNOWN, check_invariants, configure_by_own_flow,
        document, entity_tag, flow, remove, revision, stage_key, write_ids,
    },
};

/// Time for an answer that nobody is to hold up but a machine that has much else to do.
const LONG: Duration = Duration::from_secs(600);

/// A kind of write.
#[derive(Clone, Debug)]
struct Kind {
    method: &'static str,
    body: Value,
    /// What it makes of the stage's document; null if it writes nothing.
    effect: Value,
    /// Whether it names the version that it changes.
    names_version: bool,
    /// Whether `configure_flow` names a flow of the stage's own that has no row.
    is_configured_by_own_flow: bool,
}

impl Kind {
    /// A PATCH that sets what it names.
    fn of(body: Value) -> Self {
        Self {
            method: "PATCH",
            effect: body.clone(),
            body,
            names_version: false,
            is_configured_by_own_flow: false,
        }
    }

    fn writes(&self) -> bool {
        !self.effect.is_null()
    }

    fn request(&self, before: &Snapshot) -> Request {
        let request = Request::patch(self.body.to_string()).method(self.method);
        let tag = entity_tag(&before[&stage_key(STAGE)]);
        request.header("If-Match", self.names_version.then_some(&*tag))
    }

    /// A house in which this is about to be done.
    async fn house(&self) -> (House, Snapshot) {
        let house = House::new().await;
        if self.is_configured_by_own_flow {
            configure_by_own_flow(&house).await;
            remove(&house, &format!("FLOW#{SETUP_FLOW}")).await;
        }
        let before = house.snapshot().await;
        house.tap.calls();
        (house, before)
    }
}

fn plain() -> Kind {
    Kind::of(json!({"from_number": "ours", "friendly_name": "ours"}))
}

fn named_version() -> Kind {
    Kind { names_version: true, ..plain() }
}

fn form() -> Kind {
    let mut form = stage_with(json!({"friendly_name": "ours", "verify_only": true}));
    form.as_object_mut().unwrap().shift_remove("flow_set");
    Kind::of(form)
}

fn whole_document() -> Kind {
    Kind::of(stage_with(json!({"friendly_name": "ours", "verify_only": true})))
}

fn rename() -> Kind {
    Kind::of(json!({"name": "ours"}))
}

fn reference() -> Kind {
    Kind::of(json!({"mapping": MAPPING, "configure_flow": RECOVERY_FLOW}))
}

/// A list of which the stage knows the one flow, so that no key is made.
fn flow_set() -> Kind {
    let mut shown = stage_with(json!({}))["flow_set"][1].clone();
    let sent = flow("enroll-members");
    for (field, value) in sent.as_object().unwrap() {
        shown[field] = value.clone();
    }
    Kind { effect: json!({"flow_set": [shown]}), ..Kind::of(json!({"flow_set": [sent]})) }
}

fn leaving_flow() -> Kind {
    Kind {
        effect: json!({"flow_set": [], "configure_flow": null}),
        is_configured_by_own_flow: true,
        ..Kind::of(json!({"flow_set": []}))
    }
}

fn everything() -> Kind {
    Kind::of(json!({
        "name": "ours",
        "flow_set": [],
        "configure_flow": RECOVERY_FLOW,
        "mapping": MAPPING,
        "auth": "n3w-auth-secret",
        "verify_only": true,
    }))
}

fn empty() -> Kind {
    Kind { effect: Value::Null, ..Kind::of(json!({})) }
}

fn read() -> Kind {
    Kind { method: "GET", ..empty() }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// DynamoDB has too much to do.
    Throttled,
    /// DynamoDB fails.
    Failed,
    /// The connection breaks before the call is out.
    Reset,
    /// The connection is taken for dead before the call is out.
    TimedOut,
    /// The call arrives; the answer does not.
    AnswerLost,
    /// Nothing but that others are faster.
    Overtaken,
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Once,
    FromThenOn,
}

/// Who writes the same stage before the call, or before it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    Nobody,
    One,
    Three,
    /// One more than a stage remembers beside our own write.
    Four,
    /// One, who renames it.
    Renaming,
}

impl Others {
    /// What they write, one after the other. The first field is one that a plain write of ours
    /// sets, too.
    fn bodies(self) -> Vec<Value> {
        let write =
            |n: usize| json!({"from_number": format!("theirs {n}"), "account_sid": "theirs"});
        match self {
            Self::Nobody => vec![],
            Self::One => vec![write(1)],
            Self::Three => (1..=3).map(write).collect(),
            Self::Four => (1..=4).map(write).collect(),
            Self::Renaming => vec![json!({"name": "theirs"})],
        }
    }
}

/// One call that goes wrong.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Which: the first that the request makes is 1.
    call: usize,
    fault: Fault,
    extent: Extent,
    others: Others,
}

/// Another client of the same table, whose calls nobody meddles with.
struct Neighbour(App);

impl Neighbour {
    fn of(house: &House) -> Arc<Self> {
        let table = StageTable::new(house.client.clone(), house.table_name.clone(), Secrets::Echo);
        Arc::new(Self(App::new(table, Secrets::Echo, LONG)))
    }

    async fn write(&self, bodies: &[Value]) {
        for body in bodies {
            let answer = ask(&self.0, &Request::patch(body.to_string()), LONG).await;
            assert_eq!(answer.status, 200, "a neighbour's write: {}", answer.body);
        }
    }
}

/// Changes the text of a call on its way.
type Rewrite = fn(&str) -> String;

/// Makes the house's calls go wrong from now on, as the case says.
fn meddle(house: &House, case: Case, neighbour: &Arc<Neighbour>, rewrite: Option<Rewrite>) {
    let neighbour = Arc::clone(neighbour);
    let calls = AtomicUsize::new(0);
    let have_written = AtomicBool::new(false);
    house.tap.meddle(move |_, request, engine| {
        let request = rewritten(request, rewrite);
        let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
        let is_hit = match case.extent {
            Extent::Once => number == case.call,
            Extent::FromThenOn => number >= case.call,
        };
        if !is_hit {
            return Some(engine.call(request));
        }
        let is_first = !have_written.swap(true, Ordering::Relaxed);
        let bodies = if is_first { case.others.bodies() } else { vec![] };
        let (engine, neighbour) = (engine.clone(), Arc::clone(&neighbour));
        Some(HttpConnectorFuture::new(async move {
            match case.fault {
                Fault::Throttled => {
                    let code = "ProvisionedThroughputExceededException";
                    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
                    refusal(400, &kind, "Too much to do.").await
                }
                Fault::Failed => {
                    let kind = "com.amazonaws.dynamodb.v20120810#InternalServerError";
                    refusal(500, kind, "Internal server error").await
                }
                Fault::Reset => Err(ConnectorError::io("connection reset by peer".into())),
                Fault::TimedOut => Err(ConnectorError::timeout("no answer in time".into())),
                Fault::AnswerLost => {
                    engine.call(request).await?;
                    neighbour.write(&bodies).await;
                    Err(ConnectorError::io("connection reset by peer".into()))
                }
                Fault::Overtaken => {
                    neighbour.write(&bodies).await;
                    engine.call(request).await
                }
            }
        }))
    });
}

fn rewritten(mut request: HttpRequest, rewrite: Option<Rewrite>) -> HttpRequest {
    if let Some(rewrite) = rewrite {
        let text = rewrite(std::str::from_utf8(request.body().bytes().unwrap()).unwrap());
        request.headers_mut().insert("content-length", text.len().to_string());
        *request.body_mut() = text.into();
    }
    request
}

/// What must have come of a case.
struct Verdict {
    status: u16,
    /// What was written, in this order.
    writes: Vec<Value>,
    /// Where in that order our own write is.
    own: Option<usize>,
}

impl Verdict {
    /// `last` is the number of the call that writes, when nothing goes wrong.
    fn on(kind: &Kind, case: Case, last: usize) -> Self {
        let is_others_turn = matches!(case.fault, Fault::AnswerLost | Fault::Overtaken);
        let mut writes = if is_others_turn { case.others.bodies() } else { vec![] };
        let is_for_good = case.extent == Extent::FromThenOn && case.fault != Fault::Overtaken;
        let has_landed = kind.writes() && case.call == last && case.fault == Fault::AnswerLost;
        let (status, own) = if has_landed {
            (if is_for_good { 503 } else { 200 }, Some(0))
        } else if is_for_good {
            (503, None)
        } else if kind.names_version && !writes.is_empty() {
            (412, None)
        } else {
            (200, kind.writes().then_some(writes.len()))
        };
        if let Some(place) = own {
            writes.insert(place, kind.effect.clone());
        }
        Self { status, writes, own }
    }

    /// The document after this many of the writes.
    fn document(&self, before: &Snapshot, writes: usize) -> Value {
        let mut stage = document(&before[&stage_key(STAGE)]);
        for write in &self.writes[..writes] {
            for (field, value) in write.as_object().unwrap() {
                stage[field] = value.clone();
            }
        }
        stage
    }

    /// Whether it came so.
    fn check(&self, answer: &Answer, before: &Snapshot, after: &Snapshot) -> Result<(), String> {
        check_invariants(after)?;
        let (old, new) = (&before[&stage_key(STAGE)], &after[&stage_key(STAGE)]);
        let expected = self.document(before, self.writes.len());
        if document(new) != expected {
            return Err(format!("stored is {}, not {expected}", document(new)));
        }
        let count = u64::try_from(self.writes.len()).unwrap();
        if revision(new) != revision(old) + count {
            return Err(format!("written {} times, not {count}", revision(new) - revision(old)));
        }
        let others = |snapshot: &Snapshot| {
            let mut others = snapshot.clone();
            others.retain(|key, _| *key != stage_key(STAGE) && !key.starts_with("NAME#"));
            others
        };
        if others(before) != others(after) {
            return Err("another item has changed".to_owned());
        }
        self.check_answer(answer, before, after)
    }

    /// A success shows the stage as our own write left it, or as it is now.
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
        let new = &after[&stage_key(STAGE)];
        let own = self.own.map_or(self.writes.len(), |place| place + 1);
        let since = self.writes.len() - own;
        let own_tag = format!(
            "\"{}-{}\"",
            revision(new) - u64::try_from(since).unwrap(),
            &write_ids(new)[since][..8]
        );
        let shown = (answer.header("etag").unwrap().to_owned(), answer.body.clone());
        let is_own = shown == (own_tag, self.document(before, own));
        let is_now = shown == (entity_tag(new), document(new));
        if is_own || is_now { Ok(()) } else { Err(format!("the answer shows {shown:?}")) }
    }
}

/// All that can happen to one call.
fn cases_of(call: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in [Fault::Throttled, Fault::Failed, Fault::Reset, Fault::TimedOut] {
        for extent in [Extent::Once, Extent::FromThenOn] {
            cases.push(Case { call, fault, extent, others: Others::Nobody });
        }
    }
    for others in [Others::Nobody, Others::One, Others::Three, Others::Renaming] {
        for extent in [Extent::Once, Extent::FromThenOn] {
            cases.push(Case { call, fault: Fault::AnswerLost, extent, others });
        }
        if others != Others::Nobody {
            cases.push(Case { call, fault: Fault::Overtaken, extent: Extent::Once, others });
        }
    }
    cases
}

/// How many calls the kind takes when nothing goes wrong. The last is the one that writes.
async fn undisturbed(house: &House, kind: &Kind, before: &Snapshot) -> usize {
    let answer = house.send(&kind.request(before)).await;
    assert_eq!(answer.status, 200, "{}: {}", kind.body, answer.body);
    let calls = house.tap.calls().len();
    house.restore(before).await;
    calls
}

/// Makes every call go wrong in every way, and checks what has come of it.
async fn survives_every_fault(kind: Kind) {
    let (house, before) = kind.house().await;
    let neighbour = Neighbour::of(&house);
    let last = undisturbed(&house, &kind, &before).await;
    let mut wrong = Vec::new();
    for case in (1..=last).flat_map(cases_of) {
        meddle(&house, case, &neighbour, None);
        let answer = house.send(&kind.request(&before)).await;
        let after = house.snapshot().await;
        let verdict = Verdict::on(&kind, case, last);
        if let Err(problem) = verdict.check(&answer, &before, &after) {
            wrong.push(format!("{case:?}: {problem}"));
        }
        if after != before {
            house.restore(&before).await;
        }
    }
    assert!(wrong.is_empty(), "of {last} calls:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_plain_write_survives_every_fault() {
    survives_every_fault(plain()).await;
}

#[tokio::test]
async fn a_write_of_a_named_version_survives_every_fault() {
    survives_every_fault(named_version()).await;
}

#[tokio::test]
async fn a_form_survives_every_fault() {
    survives_every_fault(form()).await;
}

#[tokio::test]
async fn a_whole_document_survives_every_fault() {
    survives_every_fault(whole_document()).await;
}

#[tokio::test]
async fn a_rename_survives_every_fault() {
    survives_every_fault(rename()).await;
}

#[tokio::test]
async fn a_reference_survives_every_fault() {
    survives_every_fault(reference()).await;
}

#[tokio::test]
async fn a_flow_set_survives_every_fault() {
    survives_every_fault(flow_set()).await;
}

#[tokio::test]
async fn a_flow_that_leaves_survives_every_fault() {
    survives_every_fault(leaving_flow()).await;
}

#[tokio::test]
async fn a_write_of_everything_survives_every_fault() {
    survives_every_fault(everything()).await;
}

#[tokio::test]
async fn an_empty_patch_survives_every_fault() {
    survives_every_fault(empty()).await;
}

#[tokio::test]
async fn a_read_survives_every_fault() {
    survives_every_fault(read()).await;
}

/// Where the promise ends: a stage remembers its last four writes. When four others have written
/// between a write that landed and its second sending, it is taken for one that did not land.
#[tokio::test]
async fn a_write_that_is_sent_again_after_four_others_is_made_again() {
    let kind = plain();
    let (house, before) = kind.house().await;
    let others = Others::Four;
    let case = Case { call: 2, fault: Fault::AnswerLost, extent: Extent::Once, others };
    meddle(&house, case, &Neighbour::of(&house), None);
    let answer = house.send(&kind.request(&before)).await;
    let mut writes = others.bodies();
    writes.insert(0, kind.effect.clone());
    writes.push(kind.effect.clone());
    let verdict = Verdict { status: 200, own: Some(writes.len() - 1), writes };
    let after = house.snapshot().await;
    assert_eq!(verdict.check(&answer, &before, &after), Ok(()));
}

/// Lets another client write before every single call.
fn overtake_for_ever(house: &House, neighbour: &Arc<Neighbour>) -> Arc<AtomicUsize> {
    let neighbour = Arc::clone(neighbour);
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    house.tap.meddle(move |_, request, engine| {
        let (engine, neighbour) = (engine.clone(), Arc::clone(&neighbour));
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        Some(HttpConnectorFuture::new(async move {
            neighbour.write(&[theirs(number)]).await;
            engine.call(request).await
        }))
    });
    writes
}

fn theirs(number: usize) -> Value {
    json!({"account_sid": format!("theirs {number}")})
}

/// Who stands on a read loses to somebody who never stops, and says so after some seconds; who does
/// not, wins at once.
#[tokio::test]
async fn a_write_that_is_overtaken_for_ever_is_a_conflict_unless_it_needs_no_read() {
    let mut waiting = JoinSet::new();
    for (kind, status) in [
        (plain(), 200),
        (named_version(), 412),
        (rename(), 409),
        (reference(), 409),
        (flow_set(), 409),
        (whole_document(), 409),
        (leaving_flow(), 409),
        (everything(), 409),
        (empty(), 200),
    ] {
        waiting.spawn(async move {
            let (house, before) = kind.house().await;
            let writes = overtake_for_ever(&house, &Neighbour::of(&house));
            let answer = house.send_within(LONG, &kind.request(&before)).await;
            let mut all: Vec<_> = (1..=writes.load(Ordering::Relaxed)).map(theirs).collect();
            let own = (status == 200 && kind.writes()).then_some(all.len());
            if let Some(place) = own {
                all.insert(place, kind.effect.clone());
            }
            let verdict = Verdict { status, writes: all, own };
            let after = house.snapshot().await;
            assert_eq!(verdict.check(&answer, &before, &after), Ok(()), "{}", kind.body);
            assert_eq!(answer.header("retry-after"), (status == 409).then_some("1"));
        });
    }
    waiting.join_all().await;
}

/// Where a call stays without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// On its way there.
    Before,
    /// On its way back.
    After,
}

/// Never answers this call and those after it. Says when it has come to that.
fn hush(house: &House, call: usize, silence: Silence) -> Arc<AtomicBool> {
    let is_silent = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_silent);
    let calls = AtomicUsize::new(0);
    house.tap.meddle(move |_, request, engine| {
        if calls.fetch_add(1, Ordering::Relaxed) + 1 < call {
            return None;
        }
        let (engine, told) = (engine.clone(), Arc::clone(&told));
        Some(HttpConnectorFuture::new(async move {
            if silence == Silence::After {
                engine.call(request).await?;
            }
            told.store(true, Ordering::Relaxed);
            std::future::pending().await
        }))
    });
    is_silent
}

/// The handler answers a quarter of a second before the invocation ends.
#[tokio::test]
async fn a_store_that_falls_silent_is_503_in_time_and_the_write_is_whole_or_not_there() {
    let mut waiting = JoinSet::new();
    for kind in [plain(), form(), rename(), reference(), flow_set(), leaving_flow(), empty()] {
        for silence in [Silence::Before, Silence::After] {
            waiting.spawn(falls_silent(kind.clone(), silence));
        }
    }
    waiting.join_all().await;
}

async fn falls_silent(kind: Kind, silence: Silence) {
    let (house, before) = kind.house().await;
    let last = undisturbed(&house, &kind, &before).await;
    for call in 1..=last {
        let why = format!("{}, {silence:?}, call {call}", kind.body);
        let mut time = Duration::from_millis(400);
        let (answer, after) = loop {
            let is_silent = hush(&house, call, silence);
            let answer = house.send_within(time, &kind.request(&before)).await;
            let after = house.snapshot().await;
            house.restore(&before).await;
            if is_silent.load(Ordering::Relaxed) {
                break (answer, after);
            }
            // A machine that has much else to do does not come so far in this time.
            time *= 4;
            assert!(time < LONG, "{why}: never came so far");
        };
        assert_eq!(answer.header("retry-after"), Some("1"), "{why}");
        let has_landed = silence == Silence::After && call == last && kind.writes();
        let own = has_landed.then_some(0);
        let writes = own.map(|_| kind.effect.clone()).into_iter().collect();
        let verdict = Verdict { status: 503, writes, own };
        assert_eq!(verdict.check(&answer, &before, &after), Ok(()), "{why}");
    }
}

const NOT_WRITTEN_YET: &str = "NOT contains(#write_ids, :write_id)";
const IS_NEWEST: &str = "#write_ids[0] = :seen";

/// The judge is one who can find something wrong.
#[tokio::test]
async fn a_condition_that_is_broken_is_found_out() {
    let newest_only: Rewrite = |text| text.replace(NOT_WRITTEN_YET, "#write_ids[0] <> :write_id");
    let not_at_all: Rewrite = |text| text.replace(NOT_WRITTEN_YET, "attribute_exists(#write_ids)");
    let any_version: Rewrite =
        |text| text.replace(IS_NEWEST, "(#write_ids[0] = :seen OR attribute_exists(#revision))");
    for (rewrite, kind, fault, others, why) in [
        (newest_only, plain(), Fault::AnswerLost, Others::One, "the last id alone, one between"),
        (newest_only, plain(), Fault::AnswerLost, Others::Three, "and three"),
        (newest_only, form(), Fault::AnswerLost, Others::Three, "a form"),
        (not_at_all, plain(), Fault::AnswerLost, Others::Nobody, "sent again, written again"),
        (any_version, rename(), Fault::Overtaken, Others::Renaming, "a name's lock is lost"),
        (any_version, flow_set(), Fault::Overtaken, Others::One, "the answer is not what is so"),
        (any_version, everything(), Fault::Overtaken, Others::One, "nor here"),
    ] {
        let (house, before) = kind.house().await;
        let neighbour = Neighbour::of(&house);
        let last = undisturbed(&house, &kind, &before).await;
        let case = Case { call: last, fault, extent: Extent::Once, others };
        for (rewrite, is_good) in [(None, true), (Some(rewrite), false)] {
            meddle(&house, case, &neighbour, rewrite);
            let answer = house.send(&kind.request(&before)).await;
            let after = house.snapshot().await;
            let verdict = Verdict::on(&kind, case, last).check(&answer, &before, &after);
            assert_eq!(verdict.is_ok(), is_good, "{why}: {verdict:?}");
            house.restore(&before).await;
        }
    }
}

#[tokio::test]
async fn a_condition_on_another_item_that_is_broken_breaks_what_always_holds() {
    let taken: Rewrite = |text| {
        let instead = "attribute_not_exists(#key) OR attribute_exists(#key) OR";
        text.replace("attribute_not_exists(#key) OR", instead)
    };
    let unknown: Rewrite = |text| {
        let instead = "attribute_exists(#key) OR attribute_not_exists(#key)\"";
        text.replace("attribute_exists(#key)\"", instead)
    };
    for (rewrite, body) in
        [(taken, json!({"name": "backup-sms"})), (unknown, json!({"mapping": UNKNOWN}))]
    {
        let house = House::new().await;
        let request = Request::patch(body.to_string());
        assert_eq!(house.send(&request).await.status, 400, "{body}");
        assert_eq!(check_invariants(&house.snapshot().await), Ok(()), "{body}");
        house.tap.meddle(move |_, call, engine| Some(engine.call(rewritten(call, Some(rewrite)))));
        assert_eq!(house.send(&request).await.status, 200, "{body}");
        assert!(check_invariants(&house.snapshot().await).is_err(), "{body}");
    }
}
