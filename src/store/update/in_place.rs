//! One conditional `UpdateItem` with all of a change's conditions, which needs no read.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use uuid::Uuid;

use super::outcome::Updated;
use crate::{
    http::precondition::{Preconditions, Tags},
    stage::{
        apply,
        field::{FIELDS, Field, Kind},
        patch::Patch,
        problem::Problem,
        size::{self, IN_PLACE_BYTES_MAX},
        value::Change,
        version::Stored,
    },
    store::{
        error::StoreError,
        expression::StageUpdate,
        item::{self, Item, REVISION, WRITE_IDS, text},
        key::Key,
        retry::{self, TRIES_MAX},
        session::Session,
        transaction::{self, Outcome},
    },
};

/// Maximum number of versions in one condition. An expression is limited to 4 KB and 300 operators;
/// eight alternatives take some 500 bytes and 32 operators.
const VERSIONS_MAX: usize = 8;

/// The result of an update in place.
pub(super) enum InPlace {
    /// The update has ended, with this outcome.
    Ended(Updated),
    /// The update's condition does not hold. This is the stage as it is.
    NeedsRead(Box<Stored>),
}

/// Whether a change can be written without a read. A large text cannot: whether it makes the stage
/// too large depends on the rest of the stage.
pub(super) fn is_possible(patch: &Patch, preconditions: &Preconditions) -> bool {
    fit_a_condition(preconditions)
        && patch.flow_set.is_none()
        && !patch.is_empty()
        && size::text_bytes(patch) <= IN_PLACE_BYTES_MAX
}

fn fit_a_condition(preconditions: &Preconditions) -> bool {
    let can_match = match &preconditions.if_match {
        Tags::Absent | Tags::Any => true,
        listed @ Tags::OneOf(_) => (1..=VERSIONS_MAX).contains(&listed.strong_versions().count()),
    };
    let if_none_match = &preconditions.if_none_match;
    can_match && !if_none_match.is_any() && if_none_match.versions().count() <= VERSIONS_MAX
}

impl Session<'_> {
    /// Writes only the fields in the patch, on the condition that it does not really change the
    /// name or a reference.
    pub(super) async fn update_in_place(
        &self,
        stage: Uuid,
        patch: &Patch,
        preconditions: &Preconditions,
    ) -> Result<InPlace, StoreError> {
        for attempt in 1..=TRIES_MAX {
            let update = condition_and_changes(self.write_id(), patch, preconditions);
            // Returns the old item, not the new one: if it cannot be read, it is restored.
            let sent = self.update_item(stage, update, ReturnValue::AllOld).await;
            let error = match sent {
                Ok(answer) => return self.finish(stage, patch, answer).await,
                Err(error) => error,
            };
            match refusal(&error)? {
                Outcome::TooLarge => return Ok(InPlace::Ended(too_large(patch))),
                Outcome::StageRefused(None) => return Ok(InPlace::Ended(Updated::Missing)),
                Outcome::StageRefused(Some(seen)) if self.is_written(&seen) => {
                    return Ok(InPlace::Ended(Updated::Done(seen)));
                }
                Outcome::StageRefused(Some(seen)) => return Ok(InPlace::NeedsRead(seen)),
                _ => retry::pause(attempt).await,
            }
        }
        self.outcome_after_conflicts(stage).await.map(InPlace::Ended)
    }

    /// The outcome after the last try: the write may have been applied before the conflicts.
    pub(super) async fn outcome_after_conflicts(&self, stage: Uuid) -> Result<Updated, StoreError> {
        Ok(match self.stage(stage).await? {
            Some(seen) if self.is_written(&seen) => Updated::Done(Box::new(seen)),
            Some(_) => Updated::Conflict,
            None => Updated::Missing,
        })
    }

    /// Returns the stage after the update. If the old item cannot be read, restores it and fails,
    /// because a request that fails changes nothing.
    async fn finish(
        &self,
        stage: Uuid,
        patch: &Patch,
        answer: UpdateItemOutput,
    ) -> Result<InPlace, StoreError> {
        let old = answer.attributes.unwrap_or_default();
        let undo = Undo::new(&old, patch);
        match item::read_stage(old) {
            Ok(old) => {
                let version = old.version.next(self.write_id());
                let stage = apply::applied(old.stage, patch);
                Ok(InPlace::Ended(Updated::Done(Box::new(Stored { stage, version }))))
            }
            Err(unreadable) => {
                let undo = Box::pin(self.undo(stage, undo));
                undo.await?;
                Err(StoreError::unreadable(&unreadable))
            }
        }
    }

    async fn undo(&self, stage: Uuid, undo: Undo) -> Result<(), StoreError> {
        self.count_call();
        let request = self.table.client.update_item().table_name(&self.table.name);
        let (mut replaced, mut added) = (Vec::new(), Vec::new());
        let mut request = request
            .set_key(Some(Key::stage(stage).attributes()))
            .condition_expression("#write_ids[0] = :own")
            .expression_attribute_names("#write_ids", WRITE_IDS)
            .expression_attribute_values(":own", text(self.write_id()));
        for (name, value) in undo.attributes {
            match value {
                Some(value) => {
                    replaced.push(format!("#{name} = :{name}"));
                    request = request.expression_attribute_values(format!(":{name}"), value);
                }
                None => added.push(format!("#{name}")),
            }
            request = request.expression_attribute_names(format!("#{name}"), name);
        }
        let mut expression = format!("SET {}", replaced.join(", "));
        if !added.is_empty() {
            expression.extend([" REMOVE ", &added.join(", ")]);
        }
        let sent = request.update_expression(expression).send().await;
        sent.map_err(|error| StoreError::from_sdk("UpdateItem", &error)).map(|_| ())
    }

    pub(super) async fn update_item(
        &self,
        stage: Uuid,
        update: StageUpdate,
        answer: ReturnValue,
    ) -> Result<UpdateItemOutput, SdkError<UpdateItemError>> {
        self.count_call();
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(Key::stage(stage).attributes()))
            .update_expression(update.expression)
            .condition_expression(update.condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(answer)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
    }
}

/// The attributes that an update in place replaced, so that they can be restored.
struct Undo {
    /// Each attribute's value; `None` if the item did not have it.
    attributes: Vec<(&'static str, Option<AttributeValue>)>,
}

impl Undo {
    fn new(old: &Item, patch: &Patch) -> Self {
        let mut attributes = Vec::with_capacity(2 + FIELDS.len());
        let own = [REVISION, WRITE_IDS].into_iter();
        for name in own.chain(patch.fields().map(Field::as_str)) {
            attributes.push((name, old.get(name).cloned()));
        }
        Self { attributes }
    }
}

/// The update that needs no read, with a condition for everything that could make it wrong.
fn condition_and_changes(
    write_id: &str,
    patch: &Patch,
    preconditions: &Preconditions,
) -> StageUpdate {
    let mut update = StageUpdate::by(write_id);
    update.require_version(preconditions.if_match.strong_versions());
    update.refuse_version(preconditions.if_none_match.versions());
    let may_move = !patch.guards_secrets || Field::secrets().all(|secret| patch.contains(secret));
    for field in Field::all() {
        let (value, is_null) = match patch.change(field) {
            Change::Keep => continue,
            Change::Clear => (item::attribute(None), true),
            Change::Set(value) => (item::attribute(Some(value)), false),
        };
        let must_be_unchanged = match field.spec().kind {
            // An unchanged name needs no lock, and an unchanged reference no check of its row. A
            // cleared reference needs no check either.
            Kind::Reference(_) => !is_null,
            _ if field == Field::NAME => true,
            _ if field == Field::PROVIDER || field == Field::ACCOUNT_SID => !may_move,
            _ => false,
        };
        if must_be_unchanged {
            update.require(field.as_str(), value);
        } else {
            update.set(field.as_str(), value);
        }
    }
    update
}

/// Distinguishes a refusal from a failure.
pub(super) fn refusal(error: &SdkError<UpdateItemError>) -> Result<Outcome, StoreError> {
    if transaction::is_refused_for_size(error) {
        return Ok(Outcome::TooLarge);
    }
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            transaction::stage_refused(refused.item())
        }
        // The SDK does not retry the first of these, and retries the second only briefly.
        Some(
            UpdateItemError::TransactionConflictException(_)
            | UpdateItemError::ReplicatedWriteConflictException(_),
        ) => Ok(Outcome::Conflict),
        _ => Err(StoreError::from_sdk("UpdateItem", error)),
    }
}

/// The outcome for a patch without flows that is too large: a problem of its longest text.
fn too_large(patch: &Patch) -> Updated {
    let longest = patch.texts().max_by_key(|(_, text)| text.len());
    let field = longest.map_or(Field::FLOW_SET, |(field, _)| field);
    Updated::Invalid((field, Problem::TooLarge).into())
}
