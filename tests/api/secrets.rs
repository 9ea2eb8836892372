//! `SECRETS=write-only`: answers never show credentials, and they are not sent to a new address.

use serde_json::{Value, json};

use crate::harness::{Key, Request, STAGE, TestApp, TestSettings, library::Secrets, stage_with};

async fn write_only() -> TestApp {
    TestApp::with_settings(TestSettings { secrets: Secrets::WriteOnly, ..TestSettings::default() })
        .await
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
async fn no_answer_has_a_credential_and_the_table_has_all_of_them() {
    let app = write_only().await;
    let body = json!({"auth": "n3w-auth-secret", "auth_password": "n3w-password"});
    for request in [
        Request::get(),
        Request::patch("{}"),
        Request::patch(body.to_string()),
        Request::patch(json!({"flow_set": []}).to_string()),
    ] {
        let answer = app.send(&request).await;
        assert_eq!(answer.status, 200);
        let members: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        assert!(members.iter().all(|name| *name != "auth" && *name != "auth_password"));
        assert_eq!(members.len(), 15);
    }
    let stored = &app.snapshot().await[&Key::stage(STAGE)];
    assert_eq!(stored["auth"].as_s().unwrap(), "n3w-auth-secret");
    assert_eq!(stored["auth_password"].as_s().unwrap(), "n3w-password");
}

#[tokio::test]
async fn the_address_changes_only_together_with_the_secret() {
    let app = write_only().await;
    let before = app.snapshot().await;
    let address = "https://elsewhere.example.com";
    for (body, field, why) in [
        (json!({"provider": "generic"}), "provider", "alone"),
        (json!({"account_sid": address}), "account_sid", "alone"),
        (
            json!({"provider": "generic", "account_sid": address}),
            "provider",
            "the first field is named",
        ),
        (
            json!({"account_sid": address, "auth_password": "x"}),
            "account_sid",
            "auth_password is not enough",
        ),
        (json!({"account_sid": address, "flow_set": []}), "account_sid", "with a read before it"),
        (json!({"account_sid": address, "name": "n"}), "account_sid", "after a failed condition"),
    ] {
        let answer = app.send(&Request::patch(body.to_string())).await;
        assert_eq!(answer.status_and_body(), (400, not_sent(field)), "{why}: {body}");
    }
    assert_eq!(app.snapshot().await, before);

    let body = json!({"provider": "generic", "account_sid": address, "auth": "n3w-auth-secret"});
    let answer = app.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.status_and_body(), (200, shown_with(body)));
}

#[tokio::test]
async fn an_address_that_stays_is_not_a_change_and_takes_one_call() {
    let app = write_only().await;
    let body = json!({
        "provider": "twilio", "account_sid": "AC00000000000000000000000000000001",
        "from_number": "1",
    });
    app.dynamodb.calls();
    let answer = app.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.status_and_body(), (200, shown_with(body)));
    assert_eq!(app.dynamodb.operations(), ["GetItem", "UpdateItem"], "the token, the stage");
}

#[tokio::test]
async fn where_secrets_are_shown_the_address_may_change_alone() {
    let app = TestApp::new().await;
    let body = json!({"provider": "generic", "account_sid": "https://elsewhere.example.com"});
    let answer = app.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.status_and_body(), (200, stage_with(body)));
}
