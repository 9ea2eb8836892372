//! The kinds of requests whose calls are made to fail.

use serde_json::{Value, json};

use crate::harness::{
    self, Key, MAPPING, RECOVERY_FLOW, Request, SETUP_FLOW, STAGE, Snapshot, TestApp, entity_tag,
    flow, stage_with, with,
};

/// A request, and its effect.
#[derive(Clone, Debug)]
pub struct RequestKind {
    method: &'static str,
    /// The body.
    pub body: Value,
    /// The changes in the stage's document; null if it changes nothing.
    pub effect: Value,
    /// Whether it sends the current version as `If-Match`.
    pub has_if_match: bool,
    /// Whether `configure_flow` refers to a flow of the stage's own `flow_set` that has no row.
    is_configured_by_own_flow: bool,
}

impl RequestKind {
    /// A PATCH that sets the fields in its body.
    fn of(body: Value) -> Self {
        Self {
            method: "PATCH",
            effect: body.clone(),
            body,
            has_if_match: false,
            is_configured_by_own_flow: false,
        }
    }

    /// Whether it changes the stage.
    pub fn writes(&self) -> bool {
        !self.effect.is_null()
    }

    /// The request, for a table that is as in the snapshot.
    pub fn request(&self, before: &Snapshot) -> Request {
        let request = Request::patch(self.body.to_string()).method(self.method);
        let tag = entity_tag(&before[&Key::stage(STAGE)]);
        request.header("If-Match", self.has_if_match.then_some(&*tag))
    }

    /// A function whose stage is ready for the request, and a snapshot of its table.
    pub async fn app(&self) -> (TestApp, Snapshot) {
        let app = TestApp::new().await;
        if self.is_configured_by_own_flow {
            app.configure_by_own_flow().await;
            app.delete_item(&Key::flow(SETUP_FLOW)).await;
        }
        let before = app.snapshot().await;
        app.dynamodb.calls();
        (app, before)
    }
}

/// An update in place.
pub fn plain() -> RequestKind {
    RequestKind::of(json!({"from_number": "ours", "friendly_name": "ours"}))
}

/// The same with `If-Match`.
pub fn with_if_match() -> RequestKind {
    RequestKind { has_if_match: true, ..plain() }
}

/// The form that authentik sends.
pub fn form() -> RequestKind {
    RequestKind::of(with(harness::form(), json!({"friendly_name": "ours", "verify_only": true})))
}

/// The whole document with two changes.
pub fn whole_document() -> RequestKind {
    RequestKind::of(stage_with(json!({"friendly_name": "ours", "verify_only": true})))
}

/// A rename.
pub fn rename() -> RequestKind {
    RequestKind::of(json!({"name": "ours"}))
}

/// Two references.
pub fn reference() -> RequestKind {
    RequestKind::of(json!({"mapping": MAPPING, "configure_flow": RECOVERY_FLOW}))
}

/// A `flow_set` with a flow that the stage already has, so that no key is generated.
pub fn flow_set() -> RequestKind {
    let mut shown = stage_with(json!({}))["flow_set"][1].clone();
    let sent = flow("enroll-members");
    for (field, value) in sent.as_object().unwrap() {
        shown[field] = value.clone();
    }
    RequestKind {
        effect: json!({"flow_set": [shown]}),
        ..RequestKind::of(json!({"flow_set": [sent]}))
    }
}

/// A `flow_set` without the flow that `configure_flow` refers to.
pub fn removed_flow() -> RequestKind {
    RequestKind {
        effect: json!({"flow_set": [], "configure_flow": null}),
        is_configured_by_own_flow: true,
        ..RequestKind::of(json!({"flow_set": []}))
    }
}

/// A rename, references, `flow_set` and other fields.
pub fn everything() -> RequestKind {
    RequestKind::of(json!({
        "name": "ours",
        "flow_set": [],
        "configure_flow": RECOVERY_FLOW,
        "mapping": MAPPING,
        "auth": "n3w-auth-secret",
        "verify_only": true,
    }))
}

/// An empty PATCH.
pub fn empty() -> RequestKind {
    RequestKind { effect: Value::Null, ..RequestKind::of(json!({})) }
}

/// A GET.
pub fn read() -> RequestKind {
    RequestKind { method: "GET", ..empty() }
}
