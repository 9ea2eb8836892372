//! The requests that create and delete a stage, and what other clients do at the same time.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorFuture};
use serde_json::{Value, json};

use super::table::Left;
use crate::harness::{
    Answer, Key, Kind, LONG, MAPPING, RECOVERY_FLOW, Request, STAGE, Snapshot, TestApp,
    TestSettings, call_within, document, entity_tag, form,
    library::{self, ADD, App, CHANGE, DELETE, VIEW},
    stage_with, with,
};

/// A token that may view, add, change and delete every stage.
const OWNER: &str = "owner-token";
const COLLECTION: &str = "/api/v3/stages/authenticator/sms/";
/// The name of the request's new stage, and the value of one of its fields.
pub const CREATED: &str = "created";
/// The value that another client writes.
pub const THEIRS: &str = "theirs";
/// The name of the stage that is deleted.
const NAME: &str = "sms-setup";

/// A request that creates or deletes a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Creates a stage.
    Creation,
    /// Creates a stage with two references.
    CreationWithReferences,
    /// Deletes a stage.
    Deletion,
    /// Deletes a stage if it has the version in `If-Match`.
    DeletionWithIfMatch,
}

impl Lifetime {
    fn creates(self) -> bool {
        matches!(self, Self::Creation | Self::CreationWithReferences)
    }

    /// The status of success.
    pub fn success(self) -> u16 {
        if self.creates() { 201 } else { 204 }
    }

    /// What is left in the table after success.
    pub fn effect(self) -> Left {
        if self.creates() { Left::Ours } else { Left::Gone }
    }

    /// What is left in the table if the request has no effect.
    pub fn no_effect(self) -> Left {
        Left::Same
    }

    fn body(self) -> Value {
        let references = match self {
            Self::CreationWithReferences => {
                json!({"mapping": MAPPING, "configure_flow": RECOVERY_FLOW})
            }
            _ => json!({"mapping": null, "configure_flow": null}),
        };
        with(with(form(), json!({"name": CREATED, "from_number": CREATED})), references)
    }

    /// The request, for a table that is as in the snapshot.
    pub fn request(self, before: &Snapshot) -> Request {
        let deletion = Request::get().method("DELETE").token(OWNER);
        match self {
            Self::Creation | Self::CreationWithReferences => create(&self.body()),
            Self::Deletion => deletion,
            Self::DeletionWithIfMatch => {
                deletion.header("If-Match", &*entity_tag(&before[&Key::stage(STAGE)]))
            }
        }
    }

    /// Checks the answer of a success: the new stage as it is stored, or no body.
    pub fn check_answer(self, answer: &Answer, after: &Snapshot, left: Left) -> Result<(), String> {
        match answer.status {
            201 => {
                let pk = answer.body["pk"].clone();
                let shown = json!({"flow_set": [], "pk": pk});
                if answer.body != stage_with(with(self.body(), shown)) {
                    return Err(format!("the answer shows {}", answer.body));
                }
                let stored = after.get(&Key::stage(pk.as_str().unwrap()));
                let stored = stored.map(|item| (document(item), entity_tag(item)));
                let tag = answer.header("etag").unwrap_or_default().to_owned();
                let is_stored = stored == Some((answer.body.clone(), tag));
                if is_stored == (left == Left::Ours) { Ok(()) } else { Err("not as stored".into()) }
            }
            204 if !answer.body.is_null() => Err("the answer to a deletion has a body".into()),
            _ => Ok(()),
        }
    }
}

fn create(body: &Value) -> Request {
    Request::patch_json(body).method("POST").path(COLLECTION).token(OWNER)
}

/// What another client does, before the call or between its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Nothing.
    None,
    /// Creates a stage with the name of the one that the request creates or deletes.
    TakesName,
    /// Deletes the stage, if it exists.
    Deletes,
    /// Changes the stage, if it exists.
    Changes,
    /// Renames the stage, if it exists.
    Renames,
}

/// Another client, which may do everything and whose calls do not fail.
pub struct Owner(App);

impl Owner {
    /// Another client of this function's table.
    pub async fn of(app: &TestApp) -> Self {
        let permissions = [VIEW, ADD, CHANGE, DELETE];
        library::put_token(&app.table, OWNER, "owner", &permissions, None).await;
        let settings = TestSettings { token_memory: LONG, ..TestSettings::default() };
        let table = library::table(app.client.clone(), &app.table_name);
        Self(library::app(&table, &settings))
    }

    async fn send(&self, request: Request) -> Answer {
        call_within(&self.0, &request.token(OWNER), LONG).await
    }

    /// Performs the action. Whether it succeeds depends on which client was first.
    pub async fn act(&self, other: Other, lifetime: Lifetime) {
        let name = if lifetime.creates() { CREATED } else { NAME };
        let statuses: &[u16] = match other {
            Other::None => return,
            Other::TakesName => &[201, 400],
            Other::Deletes => &[204, 404],
            Other::Changes | Other::Renames => &[200, 404],
        };
        let request = match other {
            Other::None => return,
            Other::TakesName => {
                create(&with(lifetime.body(), json!({"name": name, "from_number": THEIRS})))
            }
            Other::Deletes => {
                let Some(stage) = self.find(name).await else { return };
                Request::get().method("DELETE").stage(&stage)
            }
            Other::Changes => Request::patch_json(&json!({"from_number": THEIRS})),
            Other::Renames => {
                Request::patch_json(&json!({"from_number": THEIRS, "name": "renamed"}))
            }
        };
        let answer = self.send(request).await;
        assert!(statuses.contains(&answer.status), "another client: {}", answer.body);
    }

    /// The UUID of the stage with this name.
    async fn find(&self, name: &str) -> Option<String> {
        let list = self.send(Request::get().path(COLLECTION)).await;
        let mut stages = list.body["results"].as_array().unwrap().iter();
        let found = stages.find(|stage| stage["name"] == name)?;
        Some(found["pk"].as_str().unwrap().to_owned())
    }
}

/// Makes another client change the stage before every call except the read of the token.
pub fn overtake_always(app: &TestApp, owner: &Arc<Owner>) {
    let owner = Arc::clone(owner);
    app.dynamodb.intercept(move |recorded, request, engine| {
        if recorded.key().is_some_and(|key| key.kind == Kind::Token) {
            return None;
        }
        let (engine, owner) = (engine.clone(), Arc::clone(&owner));
        Some(HttpConnectorFuture::new(async move {
            owner.act(Other::Changes, Lifetime::Deletion).await;
            engine.call(request).await
        }))
    });
}
