//! `SECRETS=write-only`: credentials are in no answer, and are not sent to a new address.

use authenticator_sms_stage::store::Secrets;
use serde_json::{Value, json};

use crate::harness::{House, Plan, Request, STAGE, stage_with};

async fn write_only() -> House {
    House::build(Plan { secrets: Secrets::WriteOnly, ..Plan::default() }).await
}

/// The stage with these changes, as it is shown.
fn shown_with(changes: Value) -> Value {
    let mut stage = stage_with(changes);
    for secret in ["auth", "auth_password"] {
        stage.as_object_mut().unwrap().shift_remove(secret).unwrap();
    }
    stage
}

fn not_sent(field: &str) -> Value {
    let text = "Changing this field needs auth to be sent as well, so that the stored secret is \
                not sent to a new address.";
    json!({field: [text], "code": "invalid"})
}

#[tokio::test]
async fn no_answer_has_a_credential_and_the_table_has_them_all() {
    let house = write_only().await;
    let body = json!({"auth": "n3w-auth-secret", "auth_password": "n3w-password"});
    for request in [
        Request::get(),
        Request::patch("{}"),
        Request::patch(body.to_string()),
        Request::patch(json!({"flow_set": []}).to_string()),
    ] {
        let answer = house.send(&request).await;
        assert_eq!(answer.status, 200);
        let members: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        assert!(members.iter().all(|name| *name != "auth" && *name != "auth_password"));
        assert_eq!(members.len(), 15);
    }
    let stored = &house.snapshot().await[&format!("STAGE#{STAGE}")];
    assert_eq!(stored["auth"].as_s().unwrap(), "n3w-auth-secret");
    assert_eq!(stored["auth_password"].as_s().unwrap(), "n3w-password");
}

#[tokio::test]
async fn the_address_changes_only_together_with_the_secret() {
    let house = write_only().await;
    let before = house.snapshot().await;
    let address = "https://elsewhere.example.com";
    for (body, field, why) in [
        (json!({"provider": "generic"}), "provider", "alone"),
        (json!({"account_sid": address}), "account_sid", "alone"),
        (json!({"provider": "generic", "account_sid": address}), "provider", "the first is named"),
        (json!({"account_sid": address, "auth_password": "x"}), "account_sid", "not the secret"),
        (json!({"account_sid": address, "flow_set": []}), "account_sid", "by way of a read"),
        (json!({"account_sid": address, "name": "n"}), "account_sid", "by way of a refusal"),
    ] {
        let answer = house.send(&Request::patch(body.to_string())).await;
        assert_eq!(answer.whole(), (400, not_sent(field)), "{why}: {body}");
    }
    assert_eq!(house.snapshot().await, before);

    let body = json!({"provider": "generic", "account_sid": address, "auth": "n3w-auth-secret"});
    let answer = house.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.whole(), (200, shown_with(body)));
}

#[tokio::test]
async fn an_address_that_stays_is_no_change_and_costs_one_call() {
    let house = write_only().await;
    let body = json!({
        "provider": "twilio", "account_sid": "AC00000000000000000000000000000001",
        "from_number": "1",
    });
    house.tap.calls();
    let answer = house.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.whole(), (200, shown_with(body)));
    assert_eq!(house.tap.operations(), ["GetItem", "UpdateItem"], "the token, the stage");
}

#[tokio::test]
async fn where_secrets_are_shown_the_address_may_change_alone() {
    let house = House::new().await;
    let body = json!({"provider": "generic", "account_sid": "https://elsewhere.example.com"});
    let answer = house.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.whole(), (200, stage_with(body)));
}
