//! One request's story, from the event to the answer.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

use lambda_http::{Body, Context, LambdaEvent, Response};
use uuid::Uuid;

use crate::{
    authentication::{self, TokenMemory},
    door::Shaped,
    error::{Error, Remedy, StoreError},
    patch::{self, Completeness},
    permission::Caller,
    record::{self, MetricSink, Record},
    request::{self, Action, Event, Incoming},
    response::{self, Answer},
    store::{Secrets, Session, StageTable, Update},
    validation::ValidationError,
};

/// Time kept back from the invocation's deadline, so that the answer still gets out.
const ANSWER_TIME: Duration = Duration::from_millis(250);
/// Time for an event that comes without a deadline: API Gateway itself gives up after 29 s.
const TIME_WITHOUT_DEADLINE: Duration = Duration::from_secs(25);

/// What is made once and serves every request.
#[derive(Debug)]
pub struct App {
    table: StageTable,
    secrets: Secrets,
    tokens: TokenMemory,
    metrics: Option<MetricSink>,
    is_warm: AtomicBool,
}

impl App {
    /// An app on this table, whose tokens are remembered for `token_memory`.
    #[must_use]
    pub fn new(table: StageTable, secrets: Secrets, token_memory: Duration) -> Self {
        let tokens = TokenMemory::new(token_memory);
        Self { table, secrets, tokens, metrics: None, is_warm: AtomicBool::new(false) }
    }

    /// The same app, which hands each request's line of metrics to `sink`.
    #[must_use]
    pub fn with_metrics(self, sink: MetricSink) -> Self {
        Self { metrics: Some(sink), ..self }
    }

    /// Answers one event, in the shape that its door expects. Never fails: an `Err` here would be a
    /// Lambda fault, not an answer.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Result<Shaped, Infallible> {
        let LambdaEvent { payload: Event { door, incoming }, context } = event;
        Ok(door.shape(self.answer(incoming, &context).await))
    }

    async fn answer(&self, incoming: Option<Incoming>, context: &Context) -> Response<Body> {
        let started = Instant::now();
        let session = self.table.session();
        let is_cold_start = !self.is_warm.swap(true, Ordering::Relaxed);
        let mut record = Record { is_cold_start, ..Record::default() };
        // In a box: the SDK's futures make it kilobytes long, and each layer of lambda_runtime would
        // move it.
        let story = Box::pin(self.tell(incoming.as_ref(), &session, &mut record));
        let outcome = match tokio::time::timeout(time_left(context), story).await {
            Ok(outcome) => outcome,
            Err(_) => Err(out_of_time().into()),
        };
        let is_head = incoming.as_ref().is_some_and(Incoming::is_head);
        let (response, summary) = response::respond(&outcome, is_head, self.secrets);
        let elapsed = started.elapsed();
        record.log(&outcome, &summary, context, &session, elapsed);
        if let Some(write) = self.metrics {
            write(&record::metric_line(&outcome, context, session.calls(), elapsed));
        }
        response
    }

    /// The order in which things are checked. The first that fails answers.
    async fn tell(
        &self,
        incoming: Option<&Incoming>,
        session: &Session<'_>,
        record: &mut Record,
    ) -> Result<Answer, Error> {
        let incoming = incoming.ok_or(Error::BadRequest("The request cannot be read."))?;
        let segment = incoming.stage_segment()?;
        let action = incoming.action()?;
        record.action = Some(action);
        if action == Action::Describe {
            return Ok(Answer::Methods);
        }
        let caller =
            authentication::authenticate(incoming.credentials(), &self.tokens, session).await?;
        record.caller = Some(caller.user.clone());
        let stage_uuid = request::stage_uuid(&segment)?;
        record.stage_uuid = Some(stage_uuid);
        match action {
            Action::Update(completeness) => {
                update(incoming, &caller, stage_uuid, completeness, session, record).await
            }
            Action::Retrieve | Action::Describe => {
                retrieve(incoming, &caller, stage_uuid, session).await
            }
        }
    }
}

async fn retrieve(
    incoming: &Incoming,
    caller: &Caller,
    stage_uuid: Uuid,
    session: &Session<'_>,
) -> Result<Answer, Error> {
    let may = caller.may_view(stage_uuid).ok_or(Error::Denied)?;
    let known = incoming.if_none_match()?;
    let stored = session.retrieve(&may).await?.ok_or(Error::Missing)?;
    let tag = stored.entity_tag();
    Ok(if known.know(&tag) { Answer::NotModified(tag) } else { Answer::Document(Box::new(stored)) })
}

async fn update(
    incoming: &Incoming,
    caller: &Caller,
    stage_uuid: Uuid,
    completeness: Completeness,
    session: &Session<'_>,
    record: &mut Record,
) -> Result<Answer, Error> {
    let may = caller.may_change(stage_uuid).ok_or(Error::Denied)?;
    let body = incoming.json()?;
    let if_match = incoming.if_match()?;
    let patch = match patch::parse(body, completeness) {
        Ok(patch) => patch,
        Err(rejected) => {
            let mut errors = rejected.errors;
            if let ValidationError::Fields(fields) = &mut errors {
                // In a box, so that its four reads take no place in every request's future.
                fields.extend(Box::pin(session.verify(&may, &rejected.accepted)).await?);
            }
            return Err(Error::Invalid(errors));
        }
    };
    record.fields = patch.fields().collect();
    match session.update(&may, &patch, &if_match).await? {
        Update::Done(stored) => Ok(Answer::Document(stored)),
        Update::Missing => Err(Error::Missing),
        Update::PreconditionFailed => Err(Error::PreconditionFailed),
        Update::Invalid(errors) => Err(Error::Invalid(errors)),
        Update::Outrun => Err(Error::Outrun),
    }
}

/// How long this invocation may still take.
fn time_left(context: &Context) -> Duration {
    if context.deadline == 0 {
        return TIME_WITHOUT_DEADLINE;
    }
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    left.saturating_sub(ANSWER_TIME)
}

fn out_of_time() -> StoreError {
    StoreError {
        remedy: Remedy::TryLater,
        operation: "the request",
        cause: "the invocation's time was up".to_owned(),
    }
}
