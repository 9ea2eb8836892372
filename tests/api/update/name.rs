//! Renames: the lock on a stage's name moves with the name.

use serde_json::{Value, json};

use crate::harness::{
    Key, Kind, MAPPING, NAME_TAKEN, OTHER_STAGE, Request, STAGE, THIRD_STAGE, TestApp,
    assert_refused, assert_updated, check_invariants, invalid, key, plain_item, stage_with,
};

#[tokio::test]
async fn a_rename_moves_the_lock() {
    let app = TestApp::new().await;
    let body = json!({"name": "renamed", "from_number": "+15005550001"});
    assert_updated(&app, &Request::patch_json(&body), stage_with(body), "renamed").await;
    let after = app.snapshot().await;
    let lock = |hash: &str| Key { kind: Kind::Name, id: hash.to_owned() };
    let old = lock("f0a54619e046c2500f8cbf34b51b820b0196ee5c82e663f4f321ff4bf7aae141");
    let new = lock("017e9e217af8bbb732e91d3f534e0702b9f492edd2c3a9994383aa9bfa700f77");
    assert!(!after.contains_key(&old), "sms-setup is free");
    let mut lock = plain_item(&after[&new]);
    lock.retain(|name, _| !key::ATTRIBUTES.contains(&&**name));
    assert_eq!(Value::from(lock), json!({"name": "renamed", "schema": 1, "stage_uuid": STAGE}));

    let other = Request::patch_json(&json!({"name": "sms-setup"})).stage(OTHER_STAGE);
    assert_eq!(app.send(&other).await.status, 200, "another stage may take it");
    let back = Request::patch_json(&json!({"name": "sms-setup"}));
    assert_refused(&app, &back, invalid(json!({"name": [NAME_TAKEN]})), "now it is taken").await;
    let back = json!({"name": "backup-sms"});
    let expected = stage_with(json!({"name": "backup-sms", "from_number": "+15005550001"}));
    assert_updated(
        &app,
        &Request::patch_json(&back),
        expected,
        "the other stage's former name is free",
    )
    .await;
}

#[tokio::test]
async fn a_taken_name_is_refused_and_nothing_changes() {
    let expected = invalid(json!({"name": [NAME_TAKEN]}));
    let app = TestApp::new().await;
    for (body, why) in [
        (json!({"name": "backup-sms"}), "alone"),
        (json!({"name": 4242, "from_number": "+15005550001"}), "a number is read as text"),
        (json!({"name": "backup-sms", "flow_set": []}), "with a flow_set"),
        (json!({"name": "backup-sms", "mapping": MAPPING}), "with a valid reference"),
    ] {
        assert_refused(&app, &Request::patch_json(&body), expected.clone(), why).await;
    }
}

#[tokio::test]
async fn setting_a_stages_own_name_is_not_a_rename() {
    let app = TestApp::new().await;
    app.dynamodb.operations();
    let body = json!({"name": "sms-setup", "verify_only": true});
    assert_updated(
        &app,
        &Request::patch_json(&body),
        stage_with(json!({"verify_only": true})),
        "own name",
    )
    .await;
    assert_eq!(app.dynamodb.operations(), ["GetItem", "UpdateItem"]);
    for name in ["SMS-setup", "sms-setup\u{301}"] {
        let body = json!({"name": name});
        let expected = stage_with(json!({"name": name, "verify_only": true}));
        assert_updated(
            &app,
            &Request::patch_json(&body),
            expected,
            "names are compared byte by byte",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_concurrent_renames_to_the_same_name_succeeds() {
    let app = TestApp::new().await;
    for round in 0..20 {
        let body = json!({"name": format!("wanted {round}")});
        let rename = |stage| Request::patch_json(&body).stage(stage);
        let (first, second, third) = (rename(STAGE), rename(OTHER_STAGE), rename(THIRD_STAGE));
        let (first, second, third) =
            tokio::join!(app.send(&first), app.send(&second), app.send(&third));
        let answers = [first, second, third];
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        let lost = answers
            .iter()
            .filter(|answer| answer.status_and_body() == invalid(json!({"name": [NAME_TAKEN]})))
            .count();
        assert_eq!((won, lost), (1, 2), "round {round}");
        assert_eq!(check_invariants(&app.snapshot().await), Ok(()), "round {round}");
    }
}
