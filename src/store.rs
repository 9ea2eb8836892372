//! The table: reads, and conditional writes that lose nothing.
//!
//! | item | holds |
//! |---|---|
//! | `STAGE#<uuid>` | a stage's document, its revision, the ids of its last four writes |
//! | `NAME#<sha256 of the name>` | which stage owns the name |
//! | `FLOW#<uuid>`, `MAPPING#<uuid>` | what a stage may refer to |
//! | `TOKEN#<sha256 of the key>` | whose token it is, what they may do, when it ends |
//!
//! A change begins as one `UpdateItem` that carries all its conditions, and nearly always ends there
//! (`Session::write_blind`). Where the new document depends on the old one, it is computed in full
//! from one strong read (`Plan`) and written on the condition that the item is still the one that was
//! read (`Session::write_planned`); if it is not, that is tried again.

pub mod client;
#[cfg(feature = "local")]
pub mod documents;
mod expression;
pub mod item;
#[cfg(feature = "local")]
pub mod loading;
#[cfg(feature = "local")]
pub mod operate;
mod plan;
mod write;

use std::{
    collections::BTreeMap,
    error::Error as _,
    fmt,
    ops::ControlFlow,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
};
use uuid::Uuid;

use self::{
    item::{Item, Malformed, PARTITION_KEY, Stored, text},
    plan::{Plan, Vanished},
    write::{Blind, Planned},
};
use crate::{
    error::{Remedy, StoreError},
    patch::StagePatch,
    permission::{MayChange, MayView, Token, TokenHash},
    precondition::Tags,
    validation::{Field, FieldError, Problem, ValidationError},
};

/// Tries of a write whose item keeps changing under it, or is in others' transactions. With full
/// jitter and a cap of [`BACKOFF_MAX`], the last try comes within four seconds.
const TRIES_MAX: u32 = 16;
/// Wait after the first try that was outrun, at most; doubled after that.
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// Longest wait between two tries.
const BACKOFF_MAX: Duration = Duration::from_millis(320);

/// Longest that a start waits for its connection.
const OPENING_TIME: Duration = Duration::from_millis(1500);

/// Whether answers show the provider's credentials, and so whether they may be pointed elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// `auth` and `auth_password` come back in every answer, as the contract has it.
    #[default]
    Echo,
    /// They come back in none, as in newer authentik; and a change of where they are sent
    /// (`provider`, `account_sid`) has to bring `auth` with it.
    WriteOnly,
}

/// The one table.
#[derive(Clone, Debug)]
pub struct StageTable {
    client: Client,
    name: String,
    secrets: Secrets,
}

impl StageTable {
    /// The table of this name, wherever the client points.
    #[must_use]
    pub fn new(client: Client, name: String, secrets: Secrets) -> Self {
        Self { client, name, secrets }
    }

    /// Opens the connection that the first request will use, by one read of an item that is never
    /// there. Its failure stops nothing: the first request will find out by itself.
    pub async fn open_connection(&self) {
        let read = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PARTITION_KEY, text("STAGE#"))
            .projection_expression(PARTITION_KEY)
            .send();
        match tokio::time::timeout(OPENING_TIME, read).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(cause = %failed("GetItem", &error), "not connected"),
            Err(_) => tracing::warn!(cause = "no answer in time", "not connected"),
        }
    }

    /// Begins one request's work with the table.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session {
            table: self,
            write_id: WriteId(Uuid::new_v4().simple().to_string()),
            calls: AtomicU32::new(0),
        }
    }
}

/// Names one request's write, the same in every attempt: a random UUID, of which 122 bits are
/// random. Never taken from the event, whose request id is the same for every local invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WriteId(String);

impl WriteId {
    fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a change.
#[derive(Debug)]
#[must_use]
pub enum Update {
    /// It is done; this is the stage as it now stands.
    Done(Box<Stored>),
    /// No stage has this UUID.
    Missing,
    /// The stage is not what `If-Match` says.
    PreconditionFailed,
    /// These things, which only the table can tell, are wrong with it.
    Invalid(ValidationError),
    /// Somebody else was faster, every time.
    Outrun,
}

/// One request's work with the table.
#[derive(Debug)]
pub struct Session<'t> {
    table: &'t StageTable,
    write_id: WriteId,
    calls: AtomicU32,
}

impl Session<'_> {
    /// How often DynamoDB was asked, not counting what the SDK sent again.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The revision that this request's own write, if there is one, was made on.
    #[must_use]
    pub fn revision_before(&self, stored: &Stored) -> u64 {
        let own = stored.write_ids.iter().position(|id| id == self.write_id.as_str());
        let writes_since = own.and_then(|place| u64::try_from(place + 1).ok()).unwrap_or_default();
        stored.revision.saturating_sub(writes_since)
    }

    /// The token whose key has this hash.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or the item is malformed.
    pub async fn token(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        let found = self.get(item::token_key(hash)).await?;
        found.map(item::read_token).transpose().map_err(malformed)
    }

    /// The stage, read strongly.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or the item is malformed.
    pub async fn retrieve(&self, may: &MayView) -> Result<Option<Stored>, StoreError> {
        self.stage(may.stage_uuid()).await
    }

    /// Changes the stage as the patch says, if `if_match` lets it: all of it or nothing, and over
    /// nobody else's change. An empty patch changes nothing and is answered with the stage.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or the item is malformed. The change may
    /// then still have happened, whole, if the answer was what got lost.
    pub async fn update(
        &self,
        may: &MayChange,
        patch: &StagePatch,
        if_match: &Tags,
    ) -> Result<Update, StoreError> {
        let stage_uuid = may.stage_uuid();
        let mut seen = match self.begin(stage_uuid, patch, if_match).await? {
            ControlFlow::Continue(seen) => seen,
            ControlFlow::Break(update) => return Ok(update),
        };
        let mut vanished = Vanished::default();
        for attempt in 1..=TRIES_MAX {
            if self.is_written(&seen) {
                return Ok(Update::Done(Box::new(seen)));
            }
            if !if_match.allow_change_of(&seen.entity_tag()) {
                return Ok(Update::PreconditionFailed);
            }
            if patch.is_empty() {
                return Ok(Update::Done(Box::new(seen)));
            }
            let plan = match Plan::new(&seen, patch, &vanished, self.table.secrets) {
                Ok(plan) => plan,
                Err(error) => return Ok(Update::Invalid(error)),
            };
            match self.write_planned(&seen, &plan, patch, attempt).await? {
                Planned::Done(stored) => return Ok(Update::Done(stored)),
                Planned::Invalid(error) => return Ok(Update::Invalid(error)),
                Planned::FlowGone(flow) => {
                    // Nobody else wrote: the item that was read is still the one to write on.
                    vanished.flow = Some(flow);
                    continue;
                }
                Planned::Outrun => tokio::time::sleep(jittered_backoff(attempt)).await,
            }
            match self.stage(stage_uuid).await? {
                Some(stored) => seen = stored,
                None => return Ok(Update::Missing),
            }
        }
        Ok(self.after_the_last_try(Some(seen)))
    }

    /// Does the change without a read, if that can be. Goes on with the stage where that cannot be,
    /// or where it is not as the write needs it to be.
    async fn begin(
        &self,
        stage_uuid: Uuid,
        patch: &StagePatch,
        if_match: &Tags,
    ) -> Result<ControlFlow<Update, Stored>, StoreError> {
        if !write::can_be_blind(patch, if_match) {
            return Ok(match self.stage(stage_uuid).await? {
                Some(seen) => ControlFlow::Continue(seen),
                None => ControlFlow::Break(Update::Missing),
            });
        }
        for attempt in 1..=TRIES_MAX {
            let update = match self.write_blind(stage_uuid, patch, if_match).await? {
                Blind::Done(stored) => Update::Done(stored),
                Blind::Missing => Update::Missing,
                Blind::TooLarge => Update::Invalid(plan::too_large(patch)),
                Blind::Refused(seen) => return Ok(ControlFlow::Continue(*seen)),
                Blind::Outrun => {
                    tokio::time::sleep(jittered_backoff(attempt)).await;
                    continue;
                }
            };
            return Ok(ControlFlow::Break(update));
        }
        let last_seen = self.stage(stage_uuid).await?;
        Ok(ControlFlow::Break(self.after_the_last_try(last_seen)))
    }

    /// What to say when patience has ended. A write whose answer was lost may have landed before
    /// others came in the way, and then nothing is to be tried again.
    fn after_the_last_try(&self, last_seen: Option<Stored>) -> Update {
        match last_seen {
            Some(seen) if self.is_written(&seen) => Update::Done(Box::new(seen)),
            Some(_) => Update::Outrun,
            None => Update::Missing,
        }
    }

    /// What the table finds wrong with the good part of a body whose other part is bad, so that the
    /// client hears of everything at once. Reads only.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or an item is malformed.
    pub async fn verify(
        &self,
        may: &MayChange,
        patch: &StagePatch,
    ) -> Result<BTreeMap<Field, FieldError>, StoreError> {
        let stage_uuid = may.stage_uuid();
        let flow = patch.configure_flow.set();
        let mapping = patch.mapping.set();
        // A reference that is what it was is not looked at, nor one to a flow of the stage itself.
        let needs_stage = flow.is_some() || mapping.is_some();
        let (stage, owner, flow_row, mapping_row) = tokio::join!(
            self.get_if(needs_stage.then(|| item::stage_key(stage_uuid))),
            self.get_if(patch.name.as_deref().map(item::name_key)),
            self.get_if(flow.map(|flow| item::flow_key(flow.uuid))),
            self.get_if(mapping.map(|mapping| item::mapping_key(mapping.uuid))),
        );
        let stored = stage?.map(item::read_stage).transpose().map_err(malformed)?;
        let owner = owner?.map(item::read_owner).transpose().map_err(malformed)?;
        let mut errors = BTreeMap::new();
        let mut report = |field, problem| {
            errors.insert(field, FieldError::Field(vec![problem]));
        };
        if owner.is_some_and(|owner| owner != stage_uuid) {
            report(Field::Name, Problem::NameTaken);
        }
        if let Some(flow) = flow
            && flow_row?.is_none()
            && !stored.as_ref().is_some_and(|seen| plan::knows_flow(seen, patch, flow.uuid))
        {
            report(Field::ConfigureFlow, Problem::NoSuchRow(flow.sent.clone()));
        }
        if let Some(mapping) = mapping
            && mapping_row?.is_none()
            && stored.and_then(|seen| seen.stage.mapping) != Some(mapping.uuid)
        {
            report(Field::Mapping, Problem::NoSuchRow(mapping.sent.clone()));
        }
        Ok(errors)
    }

    /// Whether this request's write is among the last that the item has seen.
    fn is_written(&self, stored: &Stored) -> bool {
        stored.write_ids.iter().any(|id| id == self.write_id.as_str())
    }

    async fn stage(&self, stage_uuid: Uuid) -> Result<Option<Stored>, StoreError> {
        let found = self.get(item::stage_key(stage_uuid)).await?;
        found.map(item::read_stage).transpose().map_err(malformed)
    }

    async fn get_if(&self, key: Option<String>) -> Result<Option<Item>, StoreError> {
        match key {
            Some(key) => self.get(key).await,
            None => Ok(None),
        }
    }

    async fn get(&self, key: String) -> Result<Option<Item>, StoreError> {
        self.count_call();
        let request = self.table.client.get_item().table_name(&self.table.name);
        let answer = request
            .key(PARTITION_KEY, text(&key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        Ok(answer.item)
    }

    fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// Full jitter: anything from nothing to twice as much as before, so that those who met once do
/// not meet again (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
fn jittered_backoff(attempt: u32) -> Duration {
    let ceiling = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(BACKOFF_MAX);
    ceiling.mul_f64(fastrand::f64())
}

fn build_failed(error: &BuildError) -> StoreError {
    StoreError { remedy: Remedy::Repair, operation: "building a request", cause: error.to_string() }
}

fn malformed(error: Malformed) -> StoreError {
    StoreError { remedy: Remedy::Repair, operation: "reading an item", cause: error.to_string() }
}

/// Tells a failure that may pass from one that needs somebody to mend something.
///
/// The cause is put together from codes and messages. The SDK's `Debug` forms are left out: they
/// hold whole responses, and so items.
fn failed<E>(operation: &'static str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let remedy = match error.code() {
        // What was asked, or where, or as whom, will be no better next time.
        Some(
            "ValidationException"
            | "SerializationException"
            | "IdempotentParameterMismatchException"
            | "ItemCollectionSizeLimitExceededException"
            | "InvalidEndpointException"
            | "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException",
        ) => Remedy::Repair,
        _ => Remedy::TryLater,
    };
    let cause = match error.code() {
        Some(code) => format!("{code}: {}", error.message().unwrap_or("no message")),
        None => Chain(error).to_string(),
    };
    StoreError { remedy, operation, cause }
}

/// An error and all its causes, each in its own words.
struct Chain<'e, E>(&'e SdkError<E>);

impl<E: std::error::Error + 'static> fmt::Display for Chain<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
