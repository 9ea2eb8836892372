//! What operators do to the table: make it, put in it what the function only reads, and put in,
//! replace and take out whole stages.
//!
//! All of it may happen while the function is at work: a stage is written and deleted in one
//! transaction with its name's lock, on the condition of what was read, and rows that stages refer to
//! are never taken out.

use std::{collections::BTreeMap, iter, time::Duration};

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, CancellationReason, Delete,
        KeySchemaElement, KeyType, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
        ScalarAttributeType, TableStatus, TimeToLiveSpecification, TransactWriteItem,
    },
};
use uuid::Uuid;

use super::{
    StageTable, TRIES_MAX, build_failed, failed,
    item::{
        self, EXPIRES, ITEM_BYTES_MAX, Item, Malformed, PARTITION_KEY, Stored, WRITE_IDS,
        WRITE_IDS_KEPT, flow_item, number, stage_item, text,
    },
    jittered_backoff, malformed, write,
};
use crate::{
    error::{Remedy, StoreError},
    flow::Flow,
    permission::{Caller, Token, TokenHash},
    stage::Stage,
    validation::{Field, FieldError, Problem, ValidationError},
};

/// Wait between two looks at a table that is being made.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Looks at a table that is being made: AWS is given a minute, and takes some seconds.
const LOOKS_MAX: u32 = 120;

/// What became of a stage that was to be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum StagePut {
    /// It is in the table.
    Done,
    /// It is in the table, in the place of the one that was there.
    Replaced,
    /// A stage with its UUID is there already, and was left as it is.
    Exists,
    /// These things are wrong with it, and nothing was changed: another stage has its name, a row
    /// that it refers to is missing, or it is larger than an item can be.
    Invalid(ValidationError),
    /// Somebody else changed the stage meanwhile; that was left as it is.
    Outrun,
}

/// No item has this key.
const IS_NEW: &str = "attribute_not_exists(#key)";
/// Nobody wrote the stage since it was read.
const IS_AS_SEEN: &str = "#ids[0] = :seen";
/// What the keys of tokens begin with.
const TOKEN_PREFIX: &str = "TOKEN#";

impl StageTable {
    /// Makes the table, with its key and its time to live, and waits until it can be used. For
    /// engines that bill nothing: the template makes the real one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table exists, or could not be made.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let key = KeySchemaElement::builder()
            .attribute_name(PARTITION_KEY)
            .key_type(KeyType::Hash)
            .build()
            .map_err(|error| build_failed(&error))?;
        let attribute = AttributeDefinition::builder()
            .attribute_name(PARTITION_KEY)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(|error| build_failed(&error))?;
        let made = self
            .client
            .create_table()
            .table_name(&self.name)
            .key_schema(key)
            .attribute_definitions(attribute)
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .map_err(|error| failed("CreateTable", &error))?;
        if made.table_description.and_then(|table| table.table_status) != Some(TableStatus::Active)
        {
            self.until_active().await?;
        }
        let expiry = TimeToLiveSpecification::builder()
            .attribute_name(EXPIRES)
            .enabled(true)
            .build()
            .map_err(|error| build_failed(&error))?;
        self.client
            .update_time_to_live()
            .table_name(&self.name)
            .time_to_live_specification(expiry)
            .send()
            .await
            .map_err(|error| failed("UpdateTimeToLive", &error))?;
        Ok(())
    }

    /// Waits until a table that is being made can be used.
    async fn until_active(&self) -> Result<(), StoreError> {
        for _ in 0..LOOKS_MAX {
            let look = self.client.describe_table().table_name(&self.name).send().await;
            let status = match look {
                Ok(seen) => seen.table.and_then(|table| table.table_status),
                // What knows of the table may come later than what made it.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|service| service.is_resource_not_found_exception()) =>
                {
                    None
                }
                Err(error) => return Err(failed("DescribeTable", &error)),
            };
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(StoreError {
            remedy: Remedy::TryLater,
            operation: "CreateTable",
            cause: "the table is still being made".to_owned(),
        })
    }

    /// Whether the table is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the engine could not be asked.
    pub async fn exists(&self) -> Result<bool, StoreError> {
        match self.client.describe_table().table_name(&self.name).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|service| service.is_resource_not_found_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("DescribeTable", &error)),
        }
    }

    /// Puts a stage in, together with its name's lock, as its first revision.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn create_stage(&self, stage: Stage) -> Result<StagePut, StoreError> {
        self.write_stage(stage, None).await
    }

    /// Puts a stage in, over the one with its UUID if there is one: as one more revision of that.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn replace_stage(&self, stage: Stage) -> Result<StagePut, StoreError> {
        let seen = self.stage(stage.stage_uuid).await?;
        match self.write_stage(stage, seen.as_ref()).await? {
            // There was none when it was looked for.
            StagePut::Exists => Ok(StagePut::Outrun),
            StagePut::Done if seen.is_some() => Ok(StagePut::Replaced),
            other => Ok(other),
        }
    }

    /// Writes a whole stage: a new one, or over what was seen and only that. A write that collides
    /// with another is tried again on the same condition, so that nothing is lost by that.
    async fn write_stage(
        &self,
        stage: Stage,
        seen: Option<&Stored>,
    ) -> Result<StagePut, StoreError> {
        let write_id = Uuid::new_v4().simple().to_string();
        let write = StageWrite::new(&write_id, stage, seen);
        if text_bytes(&write.item) > ITEM_BYTES_MAX {
            return Ok(StagePut::Invalid(too_large(&write.stored.stage)));
        }
        for attempt in 1..=TRIES_MAX {
            let parts = write.parts(&self.name, seen).map_err(|error| build_failed(&error))?;
            let outcome = self.transact(parts, &write_id, attempt).await?;
            match write.judge(outcome, seen.is_some())? {
                Some(put) => return Ok(put),
                None => tokio::time::sleep(jittered_backoff(attempt)).await,
            }
        }
        // An attempt whose answer was lost may have landed before others came in the way.
        let there = self.stage(write.stored.stage.stage_uuid).await?;
        Ok(write.recognise(there, true))
    }

    /// Sends a transaction once; what was refused of it, part by part.
    async fn transact<R>(
        &self,
        parts: Vec<(R, TransactWriteItem)>,
        write_id: &str,
        attempt: u32,
    ) -> Result<Transacted<R>, StoreError> {
        let (roles, items): (Vec<R>, Vec<_>) = parts.into_iter().unzip();
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(format!("{write_id}{attempt:02}"))
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                refusals(roles, cancelled.cancellation_reasons())
            }
            // Sent before and still at work: the next attempt sees whether it landed. After the last
            // one nobody can tell, and that is a failure.
            Some(TransactWriteItemsError::TransactionInProgressException(_))
                if attempt < TRIES_MAX =>
            {
                Ok(Transacted::Collided)
            }
            _ if write::is_refused_for_size(&error) => Ok(Transacted::TooLarge),
            _ => Err(failed("TransactWriteItems", &error)),
        }
    }

    /// The stage, read strongly.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or the item is malformed.
    pub async fn stage(&self, stage_uuid: Uuid) -> Result<Option<Stored>, StoreError> {
        self.session().stage(stage_uuid).await
    }

    /// Takes a stage out, whatever was done to it meanwhile, and frees its name. Returns the stage
    /// as it last was; none, if there was none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or others kept changing the stage.
    pub async fn delete_stage(&self, stage_uuid: Uuid) -> Result<Option<Stored>, StoreError> {
        let write_id = Uuid::new_v4().simple().to_string();
        let mut last_seen = None;
        for attempt in 1..=TRIES_MAX {
            let Some(seen) = self.stage(stage_uuid).await? else {
                // Gone by an earlier attempt, or by somebody else's.
                return Ok(last_seen);
            };
            let parts = deletion(&self.name, &seen).map_err(|error| build_failed(&error))?;
            match self.transact(parts, &write_id, attempt).await? {
                Transacted::Done => return Ok(Some(seen)),
                // A stage that was renamed since it was read has no claim on that lock: whose turn
                // it was counts first.
                Transacted::Refused(refused) if matches!(*refused, [(Role::OldName, _)]) => {
                    return Err(write::inconsistent(write::LOCK_IS_FOREIGN));
                }
                Transacted::Refused(_) | Transacted::Collided | Transacted::TooLarge => {}
            }
            last_seen = Some(seen);
            tokio::time::sleep(jittered_backoff(attempt)).await;
        }
        Err(StoreError {
            remedy: Remedy::TryLater,
            operation: "TransactWriteItems",
            cause: "the stage is being changed by others".to_owned(),
        })
    }

    /// Puts in a flow that `configure_flow` may point to, over one with the same key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_flow(&self, flow: &Flow) -> Result<(), StoreError> {
        self.put_row(Row::Flow(flow), Existing::Replace).await.map(|_| ())
    }

    /// Puts in a mapping that `mapping` may point to, over one with the same key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_mapping(&self, mapping: Uuid, name: &str) -> Result<(), StoreError> {
        self.put_row(Row::Mapping(mapping, name), Existing::Replace).await.map(|_| ())
    }

    /// Puts a token in, over one with the same key. `expires` is in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_token(
        &self,
        hash: &TokenHash,
        user: &str,
        permissions: &[String],
        expires: Option<u64>,
    ) -> Result<(), StoreError> {
        let caller = Caller::new(user.to_owned(), permissions.to_vec());
        let token = Token { caller, expires };
        self.put_row(Row::Token(hash, &token), Existing::Replace).await.map(|_| ())
    }

    /// Puts in a row that the function only reads; says whether it is in the table now, and not
    /// another with its key that was to be left.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn put_row(&self, row: Row<'_>, existing: Existing) -> Result<bool, StoreError> {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(row.item()));
        let put = match existing {
            Existing::Replace => put,
            Existing::Leave => {
                put.condition_expression(IS_NEW).expression_attribute_names("#key", PARTITION_KEY)
            }
        };
        let mut attempt = 1;
        loop {
            let error = match put.clone().send().await {
                Ok(_) => return Ok(true),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => return Ok(false),
                // The function's transaction looks at the row just now, or another region writes it.
                // The SDK does not send the first of these again, and the second not for long.
                Some(
                    PutItemError::TransactionConflictException(_)
                    | PutItemError::ReplicatedWriteConflictException(_),
                ) if attempt < TRIES_MAX => {
                    tokio::time::sleep(jittered_backoff(attempt)).await;
                    attempt += 1;
                }
                _ => return Err(failed("PutItem", &error)),
            }
        }
    }

    /// Every token, in the order of their hashes. Reads the whole table.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked, or an item is malformed.
    pub async fn tokens(&self) -> Result<Vec<(TokenHash, Token)>, StoreError> {
        let scan = self.client.scan().table_name(&self.name).consistent_read(true);
        let mut found = scan
            .filter_expression("begins_with(#key, :token)")
            .expression_attribute_names("#key", PARTITION_KEY)
            .expression_attribute_values(":token", text(TOKEN_PREFIX))
            .into_paginator()
            .items()
            .send();
        let mut tokens = Vec::new();
        while let Some(item) = found.next().await {
            let item = item.map_err(|error| failed("Scan", &error))?;
            let hash = item.get(PARTITION_KEY).and_then(|key| key.as_s().ok());
            let hash = hash.and_then(|key| TokenHash::parse(key.strip_prefix(TOKEN_PREFIX)?));
            let hash = hash.ok_or(Malformed { attribute: PARTITION_KEY }).map_err(malformed)?;
            tokens.push((hash, item::read_token(item).map_err(malformed)?));
        }
        tokens.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        Ok(tokens)
    }

    /// Takes a token out; says whether it was there. A warm function may know it for as long as it
    /// remembers tokens.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the table could not be asked.
    pub async fn delete_token(&self, hash: &TokenHash) -> Result<bool, StoreError> {
        let deletion = self.client.delete_item().table_name(&self.name);
        let answer = deletion
            .key(PARTITION_KEY, AttributeValue::S(item::token_key(hash)))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| failed("DeleteItem", &error))?;
        Ok(answer.attributes.is_some())
    }
}

/// What is done about a document whose key the table has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// What is there stays.
    Leave,
    /// The document takes its place.
    Replace,
}

/// A row that the function only reads.
#[derive(Clone, Copy, Debug)]
pub enum Row<'r> {
    /// A flow that `configure_flow` may point to.
    Flow(&'r Flow),
    /// A mapping that `mapping` may point to, with its name.
    Mapping(Uuid, &'r str),
    /// A token, under the hash of its key.
    Token(&'r TokenHash, &'r Token),
}

impl Row<'_> {
    fn item(self) -> Item {
        let (key, mut item) = match self {
            Self::Flow(flow) => (item::flow_key(flow.pk), flow_item(flow)),
            Self::Mapping(mapping, name) => {
                (item::mapping_key(mapping), Item::from([("name".to_owned(), text(name))]))
            }
            Self::Token(hash, token) => (item::token_key(hash), token_item(token)),
        };
        item.insert(PARTITION_KEY.to_owned(), AttributeValue::S(key));
        item
    }
}

fn token_item(token: &Token) -> Item {
    let codenames = token.caller.permissions().iter().map(|codename| text(codename)).collect();
    let mut item = Item::from([
        ("user".to_owned(), text(&token.caller.user)),
        ("permissions".to_owned(), AttributeValue::L(codenames)),
    ]);
    if let Some(expires) = token.expires {
        item.insert(EXPIRES.to_owned(), number(expires));
    }
    item
}

/// What became of a transaction whose parts have roles.
enum Transacted<R> {
    Done,
    /// These parts' conditions do not hold; the items, where there are any and they are asked for.
    Refused(Vec<(R, Option<Item>)>),
    /// An item would be too large.
    TooLarge,
    /// Another transaction was at work on the same items. Nothing was found out.
    Collided,
}

fn refusals<R>(roles: Vec<R>, reasons: &[CancellationReason]) -> Result<Transacted<R>, StoreError> {
    let mut refused = Vec::new();
    for (role, reason) in roles.into_iter().zip(reasons) {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => refused.push((role, reason.item().cloned())),
            "TransactionConflict" => return Ok(Transacted::Collided),
            "ValidationError" if write::is_too_large(reason.message()) => {
                return Ok(Transacted::TooLarge);
            }
            "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                return Err(write::throttled(reason));
            }
            code => return Err(write::inconsistent(code)),
        }
    }
    Ok(Transacted::Refused(refused))
}

/// What a part of a stage's transaction is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Writes the stage, or takes it out.
    Stage,
    /// Takes the lock of its name.
    NewName,
    /// Gives a name's lock back.
    OldName,
    /// Looks whether a row that the stage refers to is there.
    Reference(Field, Uuid),
}

/// A whole stage on its way into the table.
struct StageWrite {
    stored: Stored,
    item: Item,
}

impl StageWrite {
    fn new(write_id: &str, stage: Stage, seen: Option<&Stored>) -> Self {
        let (revision, write_ids) = match seen {
            // All four places are filled, so that every later write can shift them.
            None => (1, vec![write_id.to_owned(); WRITE_IDS_KEPT]),
            Some(seen) => {
                let older = seen.write_ids.iter().take(WRITE_IDS_KEPT - 1).cloned();
                (seen.revision + 1, iter::once(write_id.to_owned()).chain(older).collect())
            }
        };
        let stored = Stored { stage, revision, write_ids };
        let item = stage_item(&stored);
        Self { stored, item }
    }

    /// The stage, its name's lock, its old name's, and a look at every row that it refers to: also
    /// at one that it referred to before, since a file may be older than the table.
    fn parts(
        &self,
        table: &str,
        seen: Option<&Stored>,
    ) -> Result<Vec<(Role, TransactWriteItem)>, BuildError> {
        let stage = &self.stored.stage;
        let part = TransactWriteItem::builder;
        let mut parts = vec![(Role::Stage, part().put(self.put(table, seen)?).build())];
        let lock = write::name_lock(table, &stage.name, stage.stage_uuid)?;
        parts.push((Role::NewName, part().put(lock).build()));
        let old_name = seen.map(|seen| &seen.stage.name).filter(|name| **name != stage.name);
        if let Some(old_name) = old_name {
            let release = write::name_release(table, old_name, stage.stage_uuid)?;
            parts.push((Role::OldName, part().delete(release).build()));
        }
        let is_own = |flow: &Uuid| stage.flow_set.iter().any(|own| own.pk == *flow);
        if let Some(flow) = stage.configure_flow.filter(|flow| !is_own(flow)) {
            let check = write::row_check(table, &item::flow_key(flow))?;
            let role = Role::Reference(Field::ConfigureFlow, flow);
            parts.push((role, part().condition_check(check).build()));
        }
        if let Some(mapping) = stage.mapping {
            let check = write::row_check(table, &item::mapping_key(mapping))?;
            let role = Role::Reference(Field::Mapping, mapping);
            parts.push((role, part().condition_check(check).build()));
        }
        Ok(parts)
    }

    fn put(&self, table: &str, seen: Option<&Stored>) -> Result<Put, BuildError> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(self.item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match seen {
            None => put
                .condition_expression(IS_NEW)
                .expression_attribute_names("#key", PARTITION_KEY)
                .build(),
            Some(seen) => put
                .condition_expression(IS_AS_SEEN)
                .expression_attribute_names("#ids", WRITE_IDS)
                .expression_attribute_values(":seen", text(seen.newest_write_id()))
                .build(),
        }
    }

    /// What came of it; `None` if that is still open.
    fn judge(
        &self,
        outcome: Transacted<Role>,
        is_replacing: bool,
    ) -> Result<Option<StagePut>, StoreError> {
        let refused = match outcome {
            Transacted::Done => return Ok(Some(StagePut::Done)),
            Transacted::Collided => return Ok(None),
            Transacted::TooLarge => {
                return Ok(Some(StagePut::Invalid(too_large(&self.stored.stage))));
            }
            Transacted::Refused(refused) => refused,
        };
        let mut errors = BTreeMap::new();
        for (role, item) in refused {
            let (field, problem) = match role {
                Role::Stage => {
                    let there = item.map(item::read_stage).transpose().map_err(malformed)?;
                    return Ok(Some(self.recognise(there, is_replacing)));
                }
                Role::NewName => (Field::Name, Problem::NameTaken),
                Role::OldName => {
                    return Err(write::inconsistent(write::LOCK_IS_FOREIGN));
                }
                Role::Reference(field, row) => (field, Problem::NoSuchRow(row.to_string())),
            };
            errors.insert(field, FieldError::Field(vec![problem]));
        }
        Ok(Some(StagePut::Invalid(ValidationError::Fields(errors))))
    }

    /// Tells our own write, whose answer was lost, from another's.
    fn recognise(&self, there: Option<Stored>, is_replacing: bool) -> StagePut {
        let own = self.stored.newest_write_id();
        match there {
            Some(there) if there.write_ids.iter().any(|id| id == own) => StagePut::Done,
            _ if is_replacing => StagePut::Outrun,
            _ => StagePut::Exists,
        }
    }
}

/// Takes out a stage as it was seen, and its name's lock.
fn deletion(table: &str, seen: &Stored) -> Result<Vec<(Role, TransactWriteItem)>, BuildError> {
    let stage = &seen.stage;
    let delete = Delete::builder()
        .table_name(table)
        .key(PARTITION_KEY, AttributeValue::S(item::stage_key(stage.stage_uuid)))
        .condition_expression(IS_AS_SEEN)
        .expression_attribute_names("#ids", WRITE_IDS)
        .expression_attribute_values(":seen", text(seen.newest_write_id()))
        .build()?;
    let release = write::name_release(table, &stage.name, stage.stage_uuid)?;
    Ok(vec![
        (Role::Stage, TransactWriteItem::builder().delete(delete).build()),
        (Role::OldName, TransactWriteItem::builder().delete(release).build()),
    ])
}

/// Names the field that can grow without a limit of its own, or the longest text where there are no
/// flows.
fn too_large(stage: &Stage) -> ValidationError {
    let fields = Field::ALL.into_iter();
    let sized = fields.map(|field| (field, bytes(&item::attribute(field, stage))));
    let largest = sized.max_by_key(|(_, bytes)| *bytes);
    (largest.map_or(Field::FlowSet, |(field, _)| field), Problem::TooLarge).into()
}

/// The bytes of an item's texts: it is at least this large.
fn text_bytes(item: &Item) -> usize {
    item.values().map(bytes).sum()
}

fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::L(list) => list.iter().map(bytes).sum(),
        AttributeValue::M(map) => text_bytes(map),
        _ => 0,
    }
}
