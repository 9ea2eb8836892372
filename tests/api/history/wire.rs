//! What goes wrong between the function and its table, and what is broken on purpose.
//!
//! A fault loses a write before the engine has it, or drops the answer after the engine has
//! committed. Between such a write and its resend, up to three others may come in: that is how
//! many the four write ids bear, and so how many are let through. A mutation rewrites the requests
//! that the function sends, so that it behaves as if it had been written with that mistake.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use authenticator_sms_stage::store::item::WRITE_IDS_KEPT;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use fastrand::Rng;
use serde_json::Value;
use tokio::sync::Notify;

use super::record::{CALL, Landed, Recorder};
use crate::harness::{House, Seen};

/// How many others may write between a write and its resend.
const OTHERS_MAX: usize = WRITE_IDS_KEPT - 1;
/// How long a dropped answer waits for others to write first, if there are any who want to.
const OTHERS_TIME: Duration = Duration::from_millis(30);

/// Rewrites a request's body.
pub type Mutation = fn(operation: &str, body: &mut Value);

/// How often what goes wrong, in percent of all writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The answer is dropped after the engine has committed.
    pub dropped: u8,
    /// The request is lost before the engine has it.
    pub lost: u8,
}

/// The wire between a function and its table.
pub struct Wire {
    faults: Faults,
    mutation: Option<Mutation>,
    recorder: Arc<Recorder>,
    /// Not seen by this wire itself.
    client: Client,
    table_name: String,
    random: Mutex<Rng>,
    lanes: Mutex<HashMap<String, Lane>>,
    lanes_changed: Notify,
}

/// The writes to one stage.
#[derive(Debug, Default)]
struct Lane {
    /// How many are on their way.
    under_way: usize,
    /// The call whose answer is dropped, until it has ended or its resend was answered.
    dropping: Option<Dropping>,
}

#[derive(Debug)]
struct Dropping {
    call: usize,
    /// How many others may still set out.
    room: usize,
    /// How many others have come through.
    others: usize,
}

/// A write on its way.
struct Write {
    key: String,
    id: String,
}

impl Write {
    fn of(seen: &Seen) -> Option<Self> {
        let update = match &*seen.operation {
            "UpdateItem" => &seen.body,
            "TransactWriteItems" => &seen.body["TransactItems"][0]["Update"],
            _ => return None,
        };
        Some(Self {
            key: update["Key"]["partition_key"]["S"].as_str()?.to_owned(),
            id: update["ExpressionAttributeValues"][":write_id"]["S"].as_str()?.to_owned(),
        })
    }
}

impl Wire {
    /// Puts itself between the house's function and its table.
    pub fn lay(
        house: &House,
        recorder: &Arc<Recorder>,
        seed: u64,
        faults: Faults,
        mutation: Option<Mutation>,
    ) -> Arc<Self> {
        let wire = Arc::new(Self {
            faults,
            mutation,
            recorder: Arc::clone(recorder),
            client: house.client.clone(),
            table_name: house.table_name.clone(),
            random: Mutex::new(Rng::with_seed(seed)),
            lanes: Mutex::default(),
            lanes_changed: Notify::new(),
        });
        let at_work = Arc::clone(&wire);
        house.tap.meddle(move |seen, request, inner| {
            let (wire, seen, inner) = (Arc::clone(&at_work), seen.clone(), inner.clone());
            let call = CALL.try_with(|call| *call).ok();
            Some(HttpConnectorFuture::new(
                async move { wire.carry(call, &seen, request, &inner).await },
            ))
        });
        wire
    }

    /// A call has ended: whatever it may have sent, it sends nothing again.
    pub fn end(&self, call: usize) {
        for lane in self.lanes.lock().unwrap().values_mut() {
            lane.dropping.take_if(|dropping| dropping.call == call);
        }
        self.lanes_changed.notify_waiters();
    }

    async fn carry(
        &self,
        call: Option<usize>,
        seen: &Seen,
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
        let is_dropped = self.set_out(call, &write.key).await;
        let answer = inner.call(request).await;
        if is_dropped {
            self.look_for(call, &write).await;
        }
        self.arrive(call, &write.key, is_dropped);
        if !is_dropped {
            return answer;
        }
        let wanted = self.random.lock().unwrap().usize(..=OTHERS_MAX);
        // Whether that many others want to write is not for this call to say.
        let _ = tokio::time::timeout(OTHERS_TIME, self.others(&write.key, wanted)).await;
        Err(reset())
    }

    fn happens(&self, percent: u8) -> bool {
        self.random.lock().unwrap().u8(..100) < percent
    }

    /// Waits until a write may set out. Says whether its answer is to be dropped.
    async fn set_out(&self, call: usize, key: &str) -> bool {
        let wants_drop = self.happens(self.faults.dropped);
        loop {
            let mut changed = pin!(self.lanes_changed.notified());
            changed.as_mut().enable();
            if let Some(is_dropped) = self.try_set_out(call, key, wants_drop) {
                return is_dropped;
            }
            changed.await;
        }
    }

    fn try_set_out(&self, call: usize, key: &str, wants_drop: bool) -> Option<bool> {
        let mut lanes = self.lanes.lock().unwrap();
        let lane = lanes.entry(key.to_owned()).or_default();
        let is_dropped = match &mut lane.dropping {
            Some(own) if own.call == call => wants_drop,
            Some(other) if other.room == 0 => return None,
            Some(other) => {
                other.room -= 1;
                false
            }
            // Those under way may come in between, too.
            None if wants_drop && lane.under_way <= OTHERS_MAX => {
                let room = OTHERS_MAX - lane.under_way;
                lane.dropping = Some(Dropping { call, room, others: 0 });
                true
            }
            None => false,
        };
        lane.under_way += 1;
        Some(is_dropped)
    }

    fn arrive(&self, call: usize, key: &str, is_dropped: bool) {
        let mut lanes = self.lanes.lock().unwrap();
        let lane = lanes.entry(key.to_owned()).or_default();
        lane.under_way -= 1;
        match &mut lane.dropping {
            Some(own) if own.call == call && is_dropped => {}
            Some(own) if own.call == call => lane.dropping = None,
            Some(other) => other.others += 1,
            None => {}
        }
        drop(lanes);
        self.lanes_changed.notify_waiters();
    }

    /// Waits until so many others have come through.
    async fn others(&self, key: &str, wanted: usize) {
        loop {
            let mut changed = pin!(self.lanes_changed.notified());
            changed.as_mut().enable();
            let is_enough = {
                let lanes = self.lanes.lock().unwrap();
                let dropping = lanes.get(key).and_then(|lane| lane.dropping.as_ref());
                dropping.is_none_or(|dropping| dropping.others >= wanted)
            };
            if is_enough {
                return;
            }
            changed.await;
        }
    }

    /// Takes down where a write is, before so many others have come in that nobody could tell.
    async fn look_for(&self, call: usize, write: &Write) {
        let request = self.client.get_item().table_name(&self.table_name).consistent_read(true);
        let key = AttributeValue::S(write.key.clone());
        let Some(item) = request.key("partition_key", key).send().await.unwrap().item else {
            return;
        };
        let revision: u64 = item["revision"].as_n().unwrap().parse().unwrap();
        let ids = item["write_ids"].as_l().unwrap();
        if let Some(place) = ids.iter().position(|id| id.as_s() == Ok(&write.id)) {
            let tag = format!("\"{}-{}\"", revision - place as u64, &write.id[..8]);
            self.recorder.note_landed(call, Landed { tag });
        }
    }
}

/// What a connection that broke looks like.
fn reset() -> ConnectorError {
    ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
}

fn rewrite(request: &mut HttpRequest, body: &Value) {
    let text = body.to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = text.into();
}
