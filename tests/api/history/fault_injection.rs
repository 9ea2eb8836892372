//! Faults between the function and its table.
//!
//! A fault loses a write before the engine receives it, or drops the answer after the engine has
//! committed. Between a write whose answer is dropped and its next attempt, up to three other
//! writes are let through: a stage keeps four write ids, so it still recognises the write after
//! that many. A mutation rewrites the function's requests, so that the function behaves as if it
//! had a mistake.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use fastrand::Rng;
use serde_json::Value;
use tokio::sync::Notify;

use crate::harness::{
    Key, RecordedCall, TestApp,
    dynamodb::reset,
    history::call::SeenWrite,
    history::recorder::{CALL, Recorder},
    revision, write_ids,
};

/// Maximum number of other writes between a write and its next attempt: one less than the number of
/// write ids that a stage keeps.
const OTHERS_MAX: usize = 3;
/// How long to wait for other writes before an answer is dropped.
const OTHERS_TIME: Duration = Duration::from_millis(30);

/// Rewrites a request's body.
pub type Mutation = fn(operation: &str, body: &mut Value);

/// The frequency of each fault, in percent of all writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The answer is dropped after the engine has committed.
    pub dropped: u8,
    /// The request is lost before the engine receives it.
    pub lost: u8,
}

/// Injects faults into a function's calls.
pub struct FaultInjector {
    faults: Faults,
    mutation: Option<Mutation>,
    recorder: Arc<Recorder>,
    /// A client without faults.
    client: Client,
    table_name: String,
    random: Mutex<Rng>,
    stages: Mutex<HashMap<Key, StageWrites>>,
    stages_changed: Notify,
}

/// The writes of one stage.
#[derive(Debug, Default)]
struct StageWrites {
    /// How many are in progress.
    in_progress: usize,
    /// The call whose answer is dropped, until the call has ended or its next attempt is answered.
    dropping: Option<Dropping>,
}

#[derive(Debug)]
struct Dropping {
    call: usize,
    /// How many other writes may still start.
    room: usize,
    /// How many other writes have been answered.
    others: usize,
}

/// A write in progress.
struct Write {
    key: Key,
    /// None for a deletion.
    id: Option<String>,
}

impl Write {
    fn of(seen: &RecordedCall) -> Option<Self> {
        let part = &seen.body["TransactItems"][0];
        let update = match &*seen.operation {
            "UpdateItem" => &seen.body,
            "TransactWriteItems" if part["Put"].is_object() => return Self::creation(&part["Put"]),
            "TransactWriteItems" if part["Delete"].is_object() => {
                return Some(Self { key: Key::of_json(&part["Delete"]["Key"])?, id: None });
            }
            "TransactWriteItems" => &part["Update"],
            _ => return None,
        };
        let id = update["ExpressionAttributeValues"][":write_id"]["S"].as_str()?;
        Some(Self { key: Key::of_json(&update["Key"])?, id: Some(id.to_owned()) })
    }

    fn creation(put: &Value) -> Option<Self> {
        let id = put["Item"]["write_ids"]["L"][0]["S"].as_str()?.to_owned();
        Some(Self { key: Key::of_json(&put["Item"])?, id: Some(id) })
    }
}

impl FaultInjector {
    /// Injects faults into the app's calls from now on.
    pub fn install(
        app: &TestApp,
        recorder: &Arc<Recorder>,
        seed: u64,
        faults: Faults,
        mutation: Option<Mutation>,
    ) -> Arc<Self> {
        let injector = Arc::new(Self {
            faults,
            mutation,
            recorder: Arc::clone(recorder),
            client: app.client.clone(),
            table_name: app.table_name.clone(),
            random: Mutex::new(Rng::with_seed(seed)),
            stages: Mutex::default(),
            stages_changed: Notify::new(),
        });
        let installed = Arc::clone(&injector);
        app.dynamodb.intercept(move |seen, request, inner| {
            let (injector, seen) = (Arc::clone(&installed), seen.clone());
            let inner = inner.clone();
            let call = CALL.try_with(|call| *call).ok();
            Some(HttpConnectorFuture::new(async move {
                injector.send(call, &seen, request, &inner).await
            }))
        });
        injector
    }

    /// Records that a call has ended, so it will not send a write again.
    pub fn end(&self, call: usize) {
        for writes in self.stages.lock().unwrap().values_mut() {
            writes.dropping.take_if(|dropping| dropping.call == call);
        }
        self.stages_changed.notify_waiters();
    }

    async fn send(
        &self,
        call: Option<usize>,
        seen: &RecordedCall,
        mut request: HttpRequest,
        inner: &SharedHttpConnector,
    ) -> Result<HttpResponse, ConnectorError> {
        if let Some(mutate) = self.mutation {
            let mut body = seen.body.clone();
            mutate(&seen.operation, &mut body);
            rewrite(&mut request, &body);
        }
        let (Some(call), Some(write)) = (call, Write::of(seen)) else {
            return inner.call(request).await;
        };
        if self.happens(self.faults.lost) {
            return Err(reset());
        }
        let is_dropped = self.start(call, &write.key).await;
        let answer = inner.call(request).await;
        if is_dropped && answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
            self.record_write(call, &write).await;
        }
        self.finish(call, &write.key, is_dropped);
        if !is_dropped {
            return answer;
        }
        let wanted = self.random.lock().unwrap().usize(..=OTHERS_MAX);
        // There may be fewer other writes than wanted.
        let _ = tokio::time::timeout(OTHERS_TIME, self.others(&write.key, wanted)).await;
        Err(reset())
    }

    fn happens(&self, percent: u8) -> bool {
        self.random.lock().unwrap().u8(..100) < percent
    }

    /// Waits until a write may start. Returns whether its answer is to be dropped.
    async fn start(&self, call: usize, key: &Key) -> bool {
        let wants_drop = self.happens(self.faults.dropped);
        loop {
            let mut changed = pin!(self.stages_changed.notified());
            changed.as_mut().enable();
            if let Some(is_dropped) = self.try_start(call, key, wants_drop) {
                return is_dropped;
            }
            changed.await;
        }
    }

    fn try_start(&self, call: usize, key: &Key, wants_drop: bool) -> Option<bool> {
        let mut stages = self.stages.lock().unwrap();
        let writes = stages.entry(key.clone()).or_default();
        let is_dropped = match &mut writes.dropping {
            Some(own) if own.call == call => wants_drop,
            Some(other) if other.room == 0 => return None,
            Some(other) => {
                other.room -= 1;
                false
            }
            // The writes in progress may be answered before the next attempt as well.
            None if wants_drop && writes.in_progress <= OTHERS_MAX => {
                let room = OTHERS_MAX - writes.in_progress;
                writes.dropping = Some(Dropping { call, room, others: 0 });
                true
            }
            None => false,
        };
        writes.in_progress += 1;
        Some(is_dropped)
    }

    fn finish(&self, call: usize, key: &Key, is_dropped: bool) {
        let mut stages = self.stages.lock().unwrap();
        let writes = stages.entry(key.clone()).or_default();
        writes.in_progress -= 1;
        match &mut writes.dropping {
            Some(own) if own.call == call && is_dropped => {}
            Some(own) if own.call == call => writes.dropping = None,
            Some(other) => other.others += 1,
            None => {}
        }
        drop(stages);
        self.stages_changed.notify_waiters();
    }

    /// Waits until this many other writes have been answered.
    async fn others(&self, key: &Key, wanted: usize) {
        loop {
            let mut changed = pin!(self.stages_changed.notified());
            changed.as_mut().enable();
            let is_enough = {
                let stages = self.stages.lock().unwrap();
                let dropping = stages.get(key).and_then(|writes| writes.dropping.as_ref());
                dropping.is_none_or(|dropping| dropping.others >= wanted)
            };
            if is_enough {
                return;
            }
            changed.await;
        }
    }

    /// Records the version of a write, before too many others follow for its id to be found.
    async fn record_write(&self, call: usize, write: &Write) {
        let Some(id) = &write.id else {
            self.recorder.record_seen_write(call, SeenWrite::Deleted);
            return;
        };
        let request = self.client.get_item().table_name(&self.table_name).consistent_read(true);
        let request = request.set_key(Some(write.key.attributes()));
        let Some(item) = request.send().await.unwrap().item else {
            return;
        };
        if let Some(place) = write_ids(&item).iter().position(|written| written == id) {
            let tag = format!("\"{}-{}\"", revision(&item) - place as u64, &id[..8]);
            let stage = write.key.id.as_str().into();
            self.recorder.record_seen_write(call, SeenWrite::Written { stage, tag });
        }
    }
}

fn rewrite(request: &mut HttpRequest, body: &Value) {
    let text = body.to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = text.into();
}
