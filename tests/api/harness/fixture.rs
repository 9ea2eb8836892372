//! The fixture that most tests start from, and documents derived from it.

use serde_json::{Value, json};

/// The fixture, in the format of `--load`.
pub const FIXTURE: &str = include_str!("../../conformance/fixture.json");
/// The fixture's first stage, which the tests change.
pub const STAGE: &str = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";
/// The fixture's second stage.
pub const OTHER_STAGE: &str = "b0c1d2e3-f405-4617-8293-a4b5c6d7e8f9";
/// The fixture's third stage.
pub const THIRD_STAGE: &str = "e9d8c7b6-a594-4837-9261-504f3e2d1c0b";
/// A flow in the first stage's `flow_set`; it has a row.
pub const SETUP_FLOW: &str = "0b9f6d52-3c1a-4e77-8f0d-2a6c5be41d90";
/// The flow that the first stage's `configure_flow` refers to; it has a row.
pub const CONFIGURE_FLOW: &str = "a1b2c3d4-e5f6-4789-8abc-def012345678";
/// A flow that no stage refers to; it has a row.
pub const RECOVERY_FLOW: &str = "ffeeddcc-bbaa-4998-8776-655443322110";
/// The fixture's only mapping.
pub const MAPPING: &str = "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9";
/// A UUID that does not exist in the fixture.
pub const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";
/// A token that may view and change every stage.
pub const GOOD: &str = "good-token";
/// A token with every permission.
pub const MANAGER: &str = "manager-token";
/// A token that may only view.
pub const VIEWER: &str = "viewer-token";

/// The fixture's first stage, with these fields changed.
pub fn stage_with(changes: Value) -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    with(fixture["stages"][0].clone(), changes)
}

/// The whole document of the fixture's first stage, as a client sends it back.
pub fn whole_document() -> Value {
    stage_with(json!({}))
}

/// The same without `flow_set`: the fields of authentik's own form.
pub fn form() -> Value {
    let mut form = whole_document();
    form.as_object_mut().unwrap().shift_remove("flow_set");
    form
}

/// An object with these members changed.
pub fn with(mut body: Value, changes: Value) -> Value {
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

/// A flow with exactly the fields that a client must send.
pub fn flow(slug: &str) -> Value {
    json!({"name": format!("Flow {slug}"), "slug": slug, "title": "T", "designation": "recovery"})
}

/// The flow at this position of the first stage's `flow_set`, as the API shows it.
pub fn own_flow(place: usize) -> Value {
    whole_document()["flow_set"][place].clone()
}

/// The UUID of [`new_stage`].
pub const NEW_STAGE: &str = "11111111-2222-4333-8444-555555555555";

/// A stage that is not in the fixture, as authentik shows it, with these fields changed.
pub fn new_stage(changes: Value) -> Value {
    let stage = json!({"pk": NEW_STAGE, "name": "brand-new", "configure_flow": null});
    with(stage_with(stage), changes)
}
