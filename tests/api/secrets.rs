//! `SECRETS`: which callers see credentials. A caller who may not see a credential cannot have it
//! sent to a new address.

use serde_json::{Value, json};

use crate::harness::{
    GOOD, Key, Request, STAGE, TestApp, TestSettings, VIEWER,
    library::{Contract, Secrets},
    stage_with,
};

const NOT_SENT: &str = "A new provider or account_sid needs this field to be sent as well, so that \
                        the stored secret is not sent to a new address.";

async fn app(secrets: Option<Secrets>) -> TestApp {
    TestApp::with_settings(TestSettings { secrets, ..TestSettings::default() }).await
}

fn without_secrets(mut stage: Value) -> Value {
    stage["auth"] = "".into();
    stage["auth_password"] = "".into();
    stage
}

#[tokio::test]
async fn each_setting_shows_secrets_only_to_its_callers() {
    let shown = stage_with(json!({}));
    let hidden = without_secrets(shown.clone());
    for (secrets, editor, viewer, why) in [
        (Some(Secrets::Echo), &shown, &shown, "all callers"),
        (Some(Secrets::Editors), &shown, &hidden, "callers who may change the stage"),
        (None, &shown, &hidden, "editors, if nothing is set"),
        (Some(Secrets::WriteOnly), &hidden, &hidden, "no caller"),
    ] {
        let app = app(secrets).await;
        for (token, expected) in [(GOOD, editor), (VIEWER, viewer)] {
            let answer = app.send(&Request::get().token(token)).await;
            assert_eq!(answer.status_and_body(), (200, expected.clone()), "{why}: {token}");
            let list = app.send(&Request::list().token(token)).await;
            let listed = list.body["results"].as_array().unwrap();
            let stage = listed.iter().find(|stage| stage["pk"] == STAGE).unwrap();
            assert_eq!(stage, expected, "{why}: {token}, in a list");
        }
    }
}

#[tokio::test]
async fn secrets_that_are_not_shown_can_be_neither_filtered_nor_ordered_by() {
    let right = Request::list().query("auth=s3cr3t-token");
    let wrong = Request::list().query("auth=wrong");
    let ordered = Request::list().query("ordering=auth");
    for (secrets, token, why) in [
        (Secrets::Editors, VIEWER, "a caller who may only view"),
        (Secrets::WriteOnly, GOOD, "no caller sees them"),
    ] {
        let app = app(Some(secrets)).await;
        let send = async |request: &Request| {
            let answer = app.send(&request.clone().token(token)).await;
            assert_eq!(answer.status, 200, "{why}: {}", answer.body);
            answer.body
        };
        assert_eq!(send(&right).await, send(&wrong).await, "{why}: a guess is not confirmed");
        assert_eq!(send(&ordered).await, send(&Request::list()).await, "{why}: no order is shown");
    }
    let app = app(Some(Secrets::Editors)).await;
    let found = app.send(&right).await.body;
    assert_eq!(found["results"], json!([stage_with(json!({}))]), "an editor finds the stage");
}

#[tokio::test]
async fn no_answer_has_a_credential_and_the_table_has_all_of_them() {
    let app = app(Some(Secrets::WriteOnly)).await;
    let body = json!({"auth": "n3w-auth-secret", "auth_password": "n3w-password"});
    for request in [
        Request::get(),
        Request::patch("{}"),
        Request::patch(body.to_string()),
        Request::patch(json!({"flow_set": []}).to_string()),
    ] {
        let answer = app.send(&request).await;
        assert_eq!(answer.status, 200);
        assert_eq!((&answer.body["auth"], &answer.body["auth_password"]), (&json!(""), &json!("")));
    }
    let stored = &app.snapshot().await[&Key::stage(STAGE)];
    assert_eq!(stored["auth"].as_s().unwrap(), "n3w-auth-secret");
    assert_eq!(stored["auth_password"].as_s().unwrap(), "n3w-password");
}

#[tokio::test]
async fn a_release_that_hides_secrets_has_no_key_for_them_and_guards_them_unless_set_otherwise() {
    for (secrets, status) in [
        (None, 400),
        (Some(Secrets::WriteOnly), 400),
        (Some(Secrets::Editors), 200),
        (Some(Secrets::Echo), 200),
    ] {
        let contract = Contract::parse("2026.8").unwrap();
        let settings = TestSettings { contract, secrets, ..TestSettings::default() };
        let app = TestApp::with_settings(settings).await;
        let stage = app.send(&Request::get()).await.body;
        assert_eq!((stage.get("auth"), stage.get("auth_password")), (None, None), "{secrets:?}");
        let answer = app.send(&Request::patch(r#"{"account_sid": "AC2"}"#)).await;
        assert_eq!(answer.status, status, "{secrets:?}");
        if status == 400 {
            let expected =
                json!({"auth": [NOT_SENT], "auth_password": [NOT_SENT], "code": "invalid"});
            assert_eq!(answer.body, expected, "{secrets:?}");
        }
    }
}

#[tokio::test]
async fn the_address_changes_only_together_with_every_stored_secret() {
    let app = app(Some(Secrets::WriteOnly)).await;
    let before = app.snapshot().await;
    let address = "https://elsewhere.example.com";
    let both = ["auth", "auth_password"];
    for (body, missing, why) in [
        (json!({"provider": "generic"}), &both[..], "alone"),
        (json!({"account_sid": address}), &both, "alone"),
        (json!({"provider": "generic", "account_sid": address}), &both, "both parts of it"),
        (json!({"account_sid": address, "auth": "x"}), &["auth_password"], "without the password"),
        (json!({"account_sid": address, "auth_password": "x"}), &["auth"], "without the token"),
        (json!({"account_sid": address, "flow_set": []}), &both, "with a read before it"),
        (json!({"account_sid": address, "name": "n"}), &both, "after a failed condition"),
    ] {
        let answer = app.send(&Request::patch(body.to_string())).await;
        let mut expected = json!({"code": "invalid"});
        for field in missing {
            expected[*field] = json!([NOT_SENT]);
        }
        assert_eq!(answer.status_and_body(), (400, expected), "{why}: {body}");
    }
    assert_eq!(app.snapshot().await, before);

    let body = json!({
        "provider": "generic", "account_sid": address, "auth": "n3w-auth-secret", "auth_password": "",
    });
    let answer = app.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.status_and_body(), (200, without_secrets(stage_with(body))));
    let body = json!({"account_sid": "https://third.example.com", "auth": "n3w-auth-secret"});
    let answer = app.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.status, 200, "an empty password need not be sent: {}", answer.body);
}

#[tokio::test]
async fn an_unchanged_address_is_not_a_change_and_takes_one_call() {
    let app = app(Some(Secrets::WriteOnly)).await;
    let body = json!({
        "provider": "twilio", "account_sid": "AC00000000000000000000000000000001",
        "from_number": "1",
    });
    app.dynamodb.calls();
    let answer = app.send(&Request::patch(body.to_string())).await;
    assert_eq!(answer.status_and_body(), (200, without_secrets(stage_with(body))));
    assert_eq!(app.dynamodb.operations(), ["GetItem", "UpdateItem"], "the token, the stage");
}

#[tokio::test]
async fn the_address_may_change_alone_if_secrets_are_shown() {
    for secrets in [Secrets::Echo, Secrets::Editors] {
        let app = app(Some(secrets)).await;
        let body = json!({"provider": "generic", "account_sid": "https://elsewhere.example.com"});
        let answer = app.send(&Request::patch(body.to_string())).await;
        assert_eq!(answer.status_and_body(), (200, stage_with(body)), "{secrets:?}");
    }
}
