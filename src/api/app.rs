//! Handles one request, from the event to the answer.

use std::{
    convert::Infallible,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lambda_http::{
    LambdaEvent,
    http::{HeaderValue, header},
};

use super::{
    answer::{self, Answer},
    authenticate::{self, TokenMemory},
    context::Context,
    create, destroy,
    error::Error,
    list, lookup, retrieve,
    route::{self, Matched, Operation},
    summary, update, used_by,
};
use crate::{
    contract::{Contract, Secrets},
    http::{
        cors::AllowedOrigins,
        deadline,
        event::Event,
        request::Request,
        response::Response,
        trigger::{LambdaResponse, Trigger},
    },
    stage::patch::Completeness,
    store::{Session, Table, error::StoreError},
    telemetry::{
        audit::Facts,
        metrics::{MetricSink, Metrics},
    },
};

/// The function's settings. The defaults are those of a function without settings, except that no
/// token is remembered.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The contract that the function follows.
    pub contract: Contract,
    /// Which callers are shown secrets; `None` for the contract's default.
    pub secrets: Option<Secrets>,
    /// How long a token is remembered.
    pub token_memory: Duration,
    /// The origins whose scripts may read answers.
    pub cors: AllowedOrigins,
}

/// State that is created once and shared by all requests.
#[derive(Debug)]
pub struct App {
    table: Table,
    contract: Contract,
    secrets: Secrets,
    tokens: TokenMemory,
    cors: AllowedOrigins,
    metrics: Option<MetricSink>,
    is_warm: AtomicBool,
    has_met_newer_client: AtomicBool,
}

impl App {
    /// Creates an app for this table.
    #[must_use]
    pub fn new(table: Table, settings: Settings) -> Self {
        Self {
            table,
            contract: settings.contract,
            secrets: settings.contract.secrets(settings.secrets),
            tokens: TokenMemory::new(settings.token_memory),
            cors: settings.cors,
            metrics: None,
            is_warm: AtomicBool::new(false),
            has_met_newer_client: AtomicBool::new(false),
        }
    }

    /// The same app, passing each request's metrics line to `sink`.
    #[must_use]
    pub fn with_metrics(self, sink: MetricSink) -> Self {
        Self { metrics: Some(sink), ..self }
    }

    /// Answers one event in the shape that its trigger expects, or with null if it is not a
    /// request. Never fails: an `Err` here would be a Lambda fault, not an answer.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn handle(
        &self,
        event: LambdaEvent<Event>,
    ) -> Result<Option<LambdaResponse>, Infallible> {
        let LambdaEvent { payload, context } = event;
        match payload {
            Event::Http { trigger, request } => {
                let response = self.answer(trigger, request.as_ref(), &context).await;
                Ok(Some(trigger.shape(response)))
            }
            Event::Scheduled { source } => {
                tracing::info!(request_id = %context.request_id, source, "not a request");
                Ok(None)
            }
        }
    }

    async fn answer(
        &self,
        trigger: Trigger,
        request: Option<&Request>,
        context: &lambda_http::Context,
    ) -> Response {
        let started = Instant::now();
        let session = self.table.session();
        let mut facts = Facts {
            request_id: context.request_id.clone(),
            trace_id: context.xray_trace_id.clone(),
            function_name: context.env_config.function_name.clone(),
            is_cold_start: !self.is_warm.swap(true, Ordering::Relaxed),
            ..Facts::default()
        };
        let fields = OnceLock::new();
        // Boxed: the SDK's futures make it kilobytes long, and each layer of lambda_runtime would
        // move it.
        let work = Box::pin(self.dispatch(request, &session, &fields, &mut facts));
        let outcome = match tokio::time::timeout(deadline::time_left(context), work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(timed_out().into()),
        };
        let ((response, code), outcome) = self.carried(trigger, request, outcome);
        // Only now, so that HEAD has the same status as GET.
        let is_head = request.is_some_and(Request::is_head);
        let response = if is_head { response.without_body() } else { response };
        facts.fields = fields.into_inner();
        facts.status = response.status.as_u16();
        facts.code = code;
        facts.elapsed = started.elapsed();
        summary::summarize(&mut facts, &outcome, &session);
        facts.log();
        if let Some(write) = self.metrics {
            write(&Metrics::of(&facts).line());
        }
        response
    }

    /// The response if the trigger can carry it; otherwise an error that says so.
    fn carried(
        &self,
        trigger: Trigger,
        request: Option<&Request>,
        mut outcome: Result<Answer, Error>,
    ) -> ((Response, Option<&'static str>), Result<Answer, Error>) {
        let (response, code) = self.respond(request, &mut outcome);
        if trigger.can_carry(&response) {
            return ((response, code), outcome);
        }
        let reads = request.is_none_or(|request| matches!(request.method(), "GET" | "HEAD"));
        if outcome.is_ok() && !reads {
            // The change was made, and the status says so; only the stage itself cannot be shown.
            return ((response.without_body(), code), outcome);
        }
        outcome = Err(Error::AnswerTooLarge);
        (self.respond(request, &mut outcome), outcome)
    }

    fn respond(
        &self,
        request: Option<&Request>,
        outcome: &mut Result<Answer, Error>,
    ) -> (Response, Option<&'static str>) {
        let (mut response, code) = answer::respond(outcome, self.contract);
        let Some(request) = request else {
            return (response, code);
        };
        if self.cors != AllowedOrigins::None {
            let allow = response.headers.get(header::ALLOW).cloned();
            let methods = allow.unwrap_or(HeaderValue::from_static("GET"));
            response = response.with_headers(self.cors.headers_for(request, &methods));
        }
        (response, code)
    }

    /// Checks the request, then runs its operation. The first failed check determines the answer.
    async fn dispatch(
        &self,
        request: Option<&Request>,
        session: &Session<'_>,
        fields: &OnceLock<String>,
        facts: &mut Facts,
    ) -> Result<Answer, Error> {
        let request = request.ok_or(Error::BadRequest("The request cannot be read."))?;
        facts.record_request(request.method(), request.path());
        self.note_newer_client(request);
        let matched = route::find(request.path())?;
        let operation = matched.route.operation(request.method())?;
        facts.operation = Some(operation.id());
        match operation {
            Operation::Options => return Ok(Answer::Methods(matched.route.allow())),
            Operation::RootConfig => return lookup::root_config(),
            _ => {}
        }
        let known = authenticate::authenticate(request, &self.tokens, session).await?;
        facts.record_caller(
            known.caller.user.as_deref(),
            known.token.as_ref().map(|token| token.shown()),
        );
        facts.write_id = operation.writes().then(|| session.write_id().to_owned());
        let cx = Context {
            request,
            caller: &known.caller,
            session,
            contract: self.contract,
            secrets: self.secrets,
            fields,
        };
        match operation {
            Operation::List => list::list(&cx).await,
            Operation::Create => create::create(&cx).await,
            Operation::ListAllStages => lookup::all_stages(&cx).await,
            Operation::ListFlows => lookup::flows(&cx).await,
            _ => on_one_stage(&cx, operation, &matched, facts).await,
        }
    }

    /// Warns, once per process, that a client expects a newer release than the contract's.
    fn note_newer_client(&self, request: &Request) {
        let newer = request.user_agent().and_then(|client| self.contract.newer_client(client));
        if let Some(release) = newer
            && !self.has_met_newer_client.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                client = %release,
                answers = %self.contract,
                "a client expects a newer release of authentik; AUTHENTIK_VERSION sets the release \
                 that answers follow"
            );
        }
    }
}

/// Runs an operation on one stage.
async fn on_one_stage(
    cx: &Context<'_>,
    operation: Operation,
    matched: &Matched<'_>,
    facts: &mut Facts,
) -> Result<Answer, Error> {
    let stage = matched.stage_uuid()?;
    facts.stage = Some(stage);
    let outcome = match operation {
        Operation::PartialUpdate => update::update(cx, stage, Completeness::Partial).await,
        Operation::Update => update::update(cx, stage, Completeness::Full).await,
        Operation::Destroy => destroy::destroy(cx, stage).await,
        Operation::UsedBy => used_by::used_by(cx, stage).await,
        Operation::Retrieve => retrieve::retrieve(cx, stage).await,
        // The others do not concern one stage.
        _ => Err(Error::NotImplemented),
    };
    match outcome {
        Ok(answer) => Ok(answer),
        // Boxed, so that it takes no space in every request's future.
        Err(error) => Err(Box::pin(cx.as_visible(stage, error)).await),
    }
}

fn timed_out() -> StoreError {
    StoreError::retryable("the request", "the invocation ran out of time")
}
