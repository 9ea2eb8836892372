//! The two conditional writes: one that needs no read before it, and one that stands on a read.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::{
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, UpdateItemOutput},
    },
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as UpdateAction,
    },
};
use uuid::Uuid;

use super::{
    Secrets, Session, TRIES_MAX, build_failed,
    expression::StageUpdate,
    failed,
    item::{self, ITEM_BYTES_MAX, Item, PARTITION_KEY, STAGE_UUID, Stored, WRITE_IDS_KEPT, text},
    malformed,
    plan::{self, Plan},
};
use crate::{
    choice::Choice,
    error::{Remedy, StoreError},
    patch::{Change, StagePatch},
    precondition::Tags,
    stage::Secret,
    validation::{Field, FieldError, Problem, Reference, ValidationError},
};

/// Most versions that a blind write's condition lists. An expression ends at 4 KB and 300
/// operators; eight alternatives take some 500 bytes and 32 operators.
const VERSIONS_MAX: usize = 8;

/// Most text that a blind write sets, in bytes. An update that carries nearly as much as an item
/// holds is refused for its size alone, before DynamoDB looks for the stage; but that there is no
/// such stage, or that it is another version, is to be said first. Half an item is far from that,
/// and far above every patch that is meant.
const BLIND_TEXT_BYTES_MAX: usize = ITEM_BYTES_MAX / 2;

/// The words by which DynamoDB tells that an item would be too large. There is no code for it: it is
/// a plain `ValidationException`.
const TOO_LARGE: &str = "Item size";

/// What became of a write that nothing was read for.
#[derive(Debug)]
pub(super) enum Blind {
    /// It happened, now or in an attempt whose answer was lost.
    Done(Box<Stored>),
    /// There is no such stage.
    Missing,
    /// The item would be too large.
    TooLarge,
    /// Something about the stage is not as the write needs it to be. This is the stage.
    Refused(Box<Stored>),
    /// Somebody else is writing it just now.
    Outrun,
}

/// What became of a write on something that was read.
#[derive(Debug)]
pub(super) enum Planned {
    /// It happened, now or in an attempt whose answer was lost.
    Done(Box<Stored>),
    /// These things are wrong with it.
    Invalid(ValidationError),
    /// The flow that leaves with the old `flow_set` has no row: the stage cannot go on naming it.
    FlowGone(Uuid),
    /// Somebody else wrote first.
    Outrun,
}

/// Whether a change can be written without anything being read first.
pub(super) fn can_be_blind(patch: &StagePatch, if_match: &Tags) -> bool {
    let can_be_listed = match if_match {
        Tags::Absent | Tags::Any => true,
        Tags::OneOf(_) => (1..=VERSIONS_MAX).contains(&if_match.strong().count()),
    };
    can_be_listed
        && patch.flow_set.is_none()
        && !patch.is_empty()
        && plan::text_bytes(patch) <= BLIND_TEXT_BYTES_MAX
}

impl Session<'_> {
    /// Writes only the fields that the patch names, on the condition that no name and no reference
    /// really changes.
    pub(super) async fn write_blind(
        &self,
        stage_uuid: Uuid,
        patch: &StagePatch,
        if_match: &Tags,
    ) -> Result<Blind, StoreError> {
        let update = blind_update(self.write_id.as_str(), patch, if_match, self.table.secrets);
        match self.update_item(stage_uuid, update, ReturnValue::AllNew).await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                let stored = item::read_stage(item).map_err(malformed)?;
                Ok(Blind::Done(Box::new(stored)))
            }
            Err(error) => match refusal(&error)? {
                Refusal::TooLarge => Ok(Blind::TooLarge),
                Refusal::Conflict => Ok(Blind::Outrun),
                Refusal::Condition(None) => Ok(Blind::Missing),
                Refusal::Condition(Some(item)) => {
                    let seen = Box::new(item::read_stage(item).map_err(malformed)?);
                    let is_written = self.is_written(&seen);
                    Ok(if is_written { Blind::Done(seen) } else { Blind::Refused(seen) })
                }
            },
        }
    }

    /// Writes a plan, on the condition that the newest write is still the one that was read.
    pub(super) async fn write_planned(
        &self,
        seen: &Stored,
        plan: &Plan<'_>,
        patch: &StagePatch,
        attempt: u32,
    ) -> Result<Planned, StoreError> {
        let update = planned_update(self.write_id.as_str(), seen, plan);
        if plan.needs_transaction() {
            // In a box, so that it takes no place in every request's future.
            return Box::pin(self.write_transaction(seen, plan, patch, update, attempt)).await;
        }
        let stage_uuid = plan.stage.stage_uuid;
        match self.update_item(stage_uuid, update, ReturnValue::None).await {
            Ok(_) => Ok(Planned::Done(Box::new(self.written(seen, plan)))),
            Err(error) => match refusal(&error)? {
                Refusal::TooLarge => Ok(Planned::Invalid(plan::too_large(patch))),
                Refusal::Conflict => Ok(Planned::Outrun),
                Refusal::Condition(item) => self.recognise(item),
            },
        }
    }

    async fn update_item(
        &self,
        stage_uuid: Uuid,
        update: StageUpdate,
        answer: ReturnValue,
    ) -> Result<UpdateItemOutput, SdkError<UpdateItemError>> {
        self.count_call();
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key(PARTITION_KEY, AttributeValue::S(item::stage_key(stage_uuid)))
            .update_expression(update.expression)
            .condition_expression(update.condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(answer)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
    }

    async fn write_transaction(
        &self,
        seen: &Stored,
        plan: &Plan<'_>,
        patch: &StagePatch,
        update: StageUpdate,
        attempt: u32,
    ) -> Result<Planned, StoreError> {
        let parts =
            Parts::new(&self.table.name, plan, update).map_err(|error| build_failed(&error))?;
        self.count_call();
        let answer = self
            .table
            .client
            .transact_write_items()
            .set_transact_items(Some(parts.items))
            // One token, one content: what is tried again on another read is another transaction.
            .client_request_token(format!("{}{attempt:02}", self.write_id.as_str()))
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(Planned::Done(Box::new(self.written(seen, plan)))),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                self.sort_reasons(&parts.roles, reasons, patch)
            }
            // The same transaction, sent before, is still at work: whether it lands is seen in
            // the item after the wait. After the last one nobody can tell, and that is a failure.
            Some(TransactWriteItemsError::TransactionInProgressException(_))
                if attempt < TRIES_MAX =>
            {
                Ok(Planned::Outrun)
            }
            // A part that is put, and so has its whole size in the request, is judged before the
            // transaction begins: a lock's name is as long as the client likes.
            _ if is_refused_for_size(&error) => Ok(Planned::Invalid(plan::too_large(patch))),
            _ => Err(failed("TransactWriteItems", &error)),
        }
    }

    /// Makes sense of a cancelled transaction. Whose turn it was counts before what was wrong with
    /// the change: a refusal that stands on a stage that has moved on may not stand any more.
    fn sort_reasons(
        &self,
        roles: &[Role],
        reasons: &[CancellationReason],
        patch: &StagePatch,
    ) -> Result<Planned, StoreError> {
        let mut errors = BTreeMap::new();
        let mut gone = None;
        let mut is_outrun = false;
        let mut is_lock_foreign = false;
        for (role, reason) in roles.iter().zip(reasons) {
            match reason.code().unwrap_or("None") {
                "None" => {}
                "ConditionalCheckFailed" => match role {
                    Role::Stage => return self.recognise(reason.item().cloned()),
                    Role::NewName => {
                        errors.insert(Field::Name, one(Problem::NameTaken));
                    }
                    Role::OldName => is_lock_foreign = true,
                    Role::NewReference(field, sent) => {
                        errors.insert(*field, one(Problem::NoSuchRow(sent.clone())));
                    }
                    Role::KeptFlow(flow) => gone = Some(*flow),
                },
                // The SDK sends none of these again.
                "TransactionConflict" => is_outrun = true,
                "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                    return Err(throttled(reason));
                }
                "ValidationError" if is_too_large(reason.message()) => {
                    return Ok(Planned::Invalid(match role {
                        Role::NewName => (Field::Name, Problem::TooLarge).into(),
                        _ => plan::too_large(patch),
                    }));
                }
                code => return Err(inconsistent(code)),
            }
        }
        Ok(match gone {
            _ if is_outrun => Planned::Outrun,
            _ if is_lock_foreign => return Err(inconsistent(LOCK_IS_FOREIGN)),
            _ if !errors.is_empty() => Planned::Invalid(ValidationError::Fields(errors)),
            Some(flow) => Planned::FlowGone(flow),
            None => Planned::Outrun,
        })
    }

    /// Tells our own write, sent before, from somebody else's.
    fn recognise(&self, item: Option<Item>) -> Result<Planned, StoreError> {
        let Some(item) = item else {
            // Deleted since it was read; reading again says so.
            return Ok(Planned::Outrun);
        };
        let seen = Box::new(item::read_stage(item).map_err(malformed)?);
        Ok(if self.is_written(&seen) { Planned::Done(seen) } else { Planned::Outrun })
    }

    /// The stage as the write leaves it, which DynamoDB does not return from a transaction.
    fn written(&self, seen: &Stored, plan: &Plan<'_>) -> Stored {
        let older = seen.write_ids.iter().take(WRITE_IDS_KEPT - 1).cloned();
        Stored {
            stage: plan.stage.clone(),
            revision: seen.revision + 1,
            write_ids: std::iter::once(self.write_id.as_str().to_owned()).chain(older).collect(),
        }
    }
}

fn one(problem: Problem) -> FieldError {
    FieldError::Field(vec![problem])
}

/// The update that needs no read: every condition that could make it wrong goes with it.
fn blind_update(
    write_id: &str,
    patch: &StagePatch,
    if_match: &Tags,
    secrets: Secrets,
) -> StageUpdate {
    let mut update = StageUpdate::by(write_id);
    if matches!(if_match, Tags::OneOf(_)) {
        update.require_version(if_match.strong());
    }
    let may_move = secrets == Secrets::Echo || patch.auth.is_some();
    for (field, value) in attributes(patch) {
        let must_be_so = match field {
            // What is already so needs neither a lock nor a look at another row. A reference that
            // is cleared needs no look either.
            Field::Name => true,
            Field::ConfigureFlow | Field::Mapping => !value.is_null(),
            Field::Provider | Field::AccountSid => !may_move,
            Field::FlowSet
            | Field::FriendlyName
            | Field::FromNumber
            | Field::Auth
            | Field::AuthPassword
            | Field::AuthType
            | Field::VerifyOnly => false,
        };
        if must_be_so {
            update.require(field.as_str(), value);
        } else {
            update.set(field.as_str(), value);
        }
    }
    update
}

/// The attributes that the patch sets, but for `flow_set`, which depends on what is stored.
fn attributes(patch: &StagePatch) -> impl Iterator<Item = (Field, AttributeValue)> {
    fn nullable<T>(
        change: &Change<T>,
        attribute: impl FnOnce(&T) -> AttributeValue,
    ) -> Option<AttributeValue> {
        match change {
            Change::Keep => None,
            Change::Clear => Some(AttributeValue::Null(true)),
            Change::Set(value) => Some(attribute(value)),
        }
    }
    let key = |reference: &Reference| text(&reference.uuid.to_string());
    let secret = |secret: &Secret| text(secret.reveal());
    [
        (Field::Name, patch.name.as_deref().map(text)),
        (Field::ConfigureFlow, nullable(&patch.configure_flow, key)),
        (Field::FriendlyName, nullable(&patch.friendly_name, |name| text(name))),
        (Field::Provider, patch.provider.map(|provider| text(provider.as_str()))),
        (Field::FromNumber, patch.from_number.as_deref().map(text)),
        (Field::AccountSid, patch.account_sid.as_deref().map(text)),
        (Field::Auth, patch.auth.as_ref().map(secret)),
        (Field::AuthPassword, patch.auth_password.as_ref().map(secret)),
        (Field::AuthType, patch.auth_type.map(|auth_type| text(auth_type.as_str()))),
        (Field::VerifyOnly, patch.verify_only.map(AttributeValue::Bool)),
        (Field::Mapping, nullable(&patch.mapping, key)),
    ]
    .into_iter()
    .filter_map(|(field, value)| value.map(|value| (field, value)))
}

/// The update that stands on a read.
fn planned_update(write_id: &str, seen: &Stored, plan: &Plan<'_>) -> StageUpdate {
    let mut update = StageUpdate::by(write_id);
    update.require_newest_write(seen.newest_write_id());
    for field in &plan.fields {
        update.set(field.as_str(), item::attribute(*field, &plan.stage));
    }
    update
}

/// What a part of a transaction is there for.
#[derive(Debug)]
enum Role {
    /// Writes the stage.
    Stage,
    /// Takes the new name's lock.
    NewName,
    /// Gives the old name's lock back.
    OldName,
    /// Looks whether a row newly referred to is there; how the client spelled its key.
    NewReference(Field, String),
    /// Looks whether a row still referred to is there.
    KeptFlow(Uuid),
}

/// A transaction's parts, and what each is for, in the same order as DynamoDB's reasons.
struct Parts {
    items: Vec<TransactWriteItem>,
    roles: Vec<Role>,
}

impl Parts {
    fn new(table: &str, plan: &Plan<'_>, update: StageUpdate) -> Result<Self, BuildError> {
        let stage = &plan.stage;
        let mut parts = Self { items: Vec::new(), roles: Vec::new() };
        let write = stage_action(table, stage.stage_uuid, update)?;
        parts.push(Role::Stage, TransactWriteItem::builder().update(write).build());
        if let Some(old_name) = plan.old_name {
            let take = name_lock(table, &stage.name, stage.stage_uuid)?;
            parts.push(Role::NewName, TransactWriteItem::builder().put(take).build());
            let give = name_release(table, old_name, stage.stage_uuid)?;
            parts.push(Role::OldName, TransactWriteItem::builder().delete(give).build());
        }
        if let Some(flow) = plan.new_flow {
            let role = Role::NewReference(Field::ConfigureFlow, flow.sent.clone());
            parts.push_check(table, role, &item::flow_key(flow.uuid))?;
        }
        if let Some(flow) = plan.kept_flow {
            parts.push_check(table, Role::KeptFlow(flow), &item::flow_key(flow))?;
        }
        if let Some(mapping) = plan.new_mapping {
            let role = Role::NewReference(Field::Mapping, mapping.sent.clone());
            parts.push_check(table, role, &item::mapping_key(mapping.uuid))?;
        }
        Ok(parts)
    }

    fn push(&mut self, role: Role, part: TransactWriteItem) {
        self.roles.push(role);
        self.items.push(part);
    }

    fn push_check(&mut self, table: &str, role: Role, key: &str) -> Result<(), BuildError> {
        let check = row_check(table, key)?;
        self.push(role, TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }
}

/// Asks that a row be there.
pub(super) fn row_check(table: &str, key: &str) -> Result<ConditionCheck, BuildError> {
    ConditionCheck::builder()
        .table_name(table)
        .key(PARTITION_KEY, text(key))
        .condition_expression("attribute_exists(#key)")
        .expression_attribute_names("#key", PARTITION_KEY)
        .build()
}

fn stage_action(
    table: &str,
    stage_uuid: Uuid,
    update: StageUpdate,
) -> Result<UpdateAction, BuildError> {
    UpdateAction::builder()
        .table_name(table)
        .key(PARTITION_KEY, AttributeValue::S(item::stage_key(stage_uuid)))
        .update_expression(update.expression)
        .condition_expression(update.condition)
        .set_expression_attribute_names(Some(update.names))
        .set_expression_attribute_values(Some(update.values))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
}

/// A lock is free, or it is the stage's own already.
const FREE_OR_OWN: &str = "attribute_not_exists(#key) OR #owner = :owner";

pub(super) fn name_lock(table: &str, name: &str, owner: Uuid) -> Result<Put, BuildError> {
    Put::builder()
        .table_name(table)
        .item(PARTITION_KEY, AttributeValue::S(item::name_key(name)))
        .item("name", text(name))
        .item(STAGE_UUID, text(&owner.to_string()))
        .condition_expression(FREE_OR_OWN)
        .expression_attribute_names("#key", PARTITION_KEY)
        .expression_attribute_names("#owner", STAGE_UUID)
        .expression_attribute_values(":owner", text(&owner.to_string()))
        .build()
}

pub(super) fn name_release(table: &str, name: &str, owner: Uuid) -> Result<Delete, BuildError> {
    Delete::builder()
        .table_name(table)
        .key(PARTITION_KEY, AttributeValue::S(item::name_key(name)))
        .condition_expression(FREE_OR_OWN)
        .expression_attribute_names("#key", PARTITION_KEY)
        .expression_attribute_names("#owner", STAGE_UUID)
        .expression_attribute_values(":owner", text(&owner.to_string()))
        .build()
}

/// Why one item's write was refused, where that is not a failure.
enum Refusal {
    /// The condition does not hold; the item, if there is one.
    Condition(Option<Item>),
    /// The item would be too large.
    TooLarge,
    /// The item is in somebody else's transaction, or in a write of another region.
    Conflict,
}

/// Tells a refusal from a failure.
fn refusal(error: &SdkError<UpdateItemError>) -> Result<Refusal, StoreError> {
    if is_refused_for_size(error) {
        return Ok(Refusal::TooLarge);
    }
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            Ok(Refusal::Condition(refused.item.clone()))
        }
        // The SDK sends the first of these not again, and the second not for long.
        Some(
            UpdateItemError::TransactionConflictException(_)
            | UpdateItemError::ReplicatedWriteConflictException(_),
        ) => Ok(Refusal::Conflict),
        _ => Err(failed("UpdateItem", error)),
    }
}

/// Whether a request as a whole was refused because an item would be too large.
pub(super) fn is_refused_for_size(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationException") && is_too_large(error.message())
}

pub(super) fn is_too_large(message: Option<&str>) -> bool {
    message.is_some_and(|message| message.contains(TOO_LARGE))
}

pub(super) fn throttled(reason: &CancellationReason) -> StoreError {
    StoreError {
        remedy: Remedy::TryLater,
        operation: "TransactWriteItems",
        cause: reason.code().unwrap_or("throttled").to_owned(),
    }
}

/// What a table shows that was changed by something other than this program: a stage that nobody
/// wrote since it was read has lost its name's lock.
pub(super) const LOCK_IS_FOREIGN: &str = "its name's lock is another stage's";

pub(super) fn inconsistent(what: &str) -> StoreError {
    StoreError {
        remedy: Remedy::Repair,
        operation: "TransactWriteItems",
        cause: format!("cancelled: {what}"),
    }
}
