//! Files with authentik's own answers: which documents are accepted, and which are refused.

use serde_json::{Value, json};

use crate::harness::{
    GOOD, Request, STAGE, TestApp,
    library::{CHANGE, Documents, GivenSecrets, MASK, OnConflict, VIEW, load_documents, put_token},
    stage_with,
};

/// The problems for which a file with this text is refused.
fn problems(text: &str) -> Vec<String> {
    Documents::parse(text.as_bytes()).unwrap_err().lines()
}

/// The fixture's first stage with its first flow changed.
fn stage_with_flow(changes: &Value) -> Value {
    let mut stage = stage_with(json!({}));
    for (field, value) in changes.as_object().unwrap() {
        stage["flow_set"][0][field] = value.clone();
    }
    stage
}

/// The fixture's first stage without these fields.
fn stage_without(fields: &[&str]) -> Value {
    let mut stage = stage_with(json!({}));
    for field in fields {
        stage.as_object_mut().unwrap().shift_remove(*field).unwrap();
    }
    stage
}

/// The stage that the API shows after a document was loaded into an empty table.
async fn shown_after_load(document: &Value) -> Value {
    let app = TestApp::empty().await;
    put_token(&app.table, GOOD, "editor", &[VIEW, CHANGE], None).await;
    let mut document = document.clone();
    for reference in ["configure_flow", "mapping"] {
        document[reference] = Value::Null;
    }
    let parsed = Documents::parse(document.to_string().as_bytes());
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}"));
    let report = load_documents(&app.table, &[parsed], OnConflict::Skip).await;
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    app.send(&Request::get()).await.body
}

#[tokio::test]
async fn answers_of_every_release_are_accepted() {
    let shown = shown_after_load(&stage_without(&["friendly_name"])).await;
    assert_eq!(shown["friendly_name"], Value::Null, "the oldest releases have no such field");
    for none in [json!(""), Value::Null] {
        let shown = shown_after_load(&stage_with(json!({"friendly_name": none}))).await;
        assert_eq!(shown["friendly_name"], Value::Null);
    }
    for layout in ["sidebar_left_frame_background", "sidebar_right_frame_background"] {
        let shown = shown_after_load(&stage_with_flow(&json!({"layout": layout}))).await;
        assert_eq!(shown["flow_set"][0]["layout"], layout);
    }
    let slug = "x".repeat(51);
    let shown = shown_after_load(&stage_with_flow(&json!({"slug": slug}))).await;
    assert_eq!(shown["flow_set"][0]["slug"], slug);
    let mut newer = stage_with_flow(&json!({"background_url": "/files/media/x.png"}));
    for background in [json!("x.png"), json!(""), Value::Null] {
        newer["flow_set"][0]["background"] = background;
        let shown = shown_after_load(&newer).await;
        assert_eq!(shown["flow_set"][0]["background"], "/files/media/x.png");
    }
    newer["flow_set"][0].as_object_mut().unwrap().shift_remove("background").unwrap();
    let shown = shown_after_load(&newer).await;
    assert_eq!(shown["flow_set"][0]["background"], "/files/media/x.png");
    // The list of flows has more keys than a stage's flows.
    let mut flow = newer["flow_set"][0].clone();
    for (key, value) in [("background_themed_urls", Value::Null), ("stages", json!([STAGE]))] {
        flow[key] = value;
    }
    let page = json!({"pagination": {"next": 0}, "results": [flow], "autocomplete": {}});
    assert_eq!(Documents::parse(page.to_string().as_bytes()).unwrap().len(), 1);
}

#[test]
fn hidden_secrets_are_required_and_can_be_given_separately() {
    let absent = stage_without(&["auth", "auth_password"]);
    let blank = stage_with(json!({"auth": "", "auth_password": ""}));
    let masked = stage_with(json!({"auth": MASK, "auth_password": MASK}));
    for hidden in [&absent, &blank, &masked] {
        let lines = problems(&hidden.to_string());
        assert_eq!(lines.len(), 1, "{lines:?}");
        for words in ["auth: ", "auth_password: ", "--secrets"] {
            assert!(lines[0].contains(words), "{words:?} is not in {lines:?}");
        }
        assert!(!lines[0].contains("  "), "one line without gaps: {lines:?}");
        for key in [STAGE, "sms-setup"] {
            let given = json!({ (key): {"auth": "a-secret", "auth_password": ""} }).to_string();
            let mut secrets = GivenSecrets::parse(given.as_bytes()).unwrap();
            let text = hidden.to_string();
            let documents = Documents::parse_with(text.as_bytes(), &mut secrets).unwrap();
            assert_eq!((documents.len(), secrets.unused().count()), (1, 0), "{key}");
            let only = json!({ (key): {"auth": "a-secret"} }).to_string();
            let mut secrets = GivenSecrets::parse(only.as_bytes()).unwrap();
            let refused = Documents::parse_with(text.as_bytes(), &mut secrets).unwrap_err();
            assert!(refused.to_string().contains("auth_password: "), "{refused}");
            assert!(!refused.to_string().contains("a-secret"), "{refused}");
        }
    }
    let mut secrets = GivenSecrets::parse(br#"{"other": {"auth": "x"}}"#).unwrap();
    Documents::parse_with(stage_with(json!({})).to_string().as_bytes(), &mut secrets).unwrap();
    assert_eq!(secrets.unused().collect::<Vec<_>>(), ["other"]);
    // A UUID counts more than a name, and its first form more than the others.
    let (upper, name) = (STAGE.to_uppercase(), "sms-setup");
    let given = json!({(name): {"auth": "n"}, (upper): {"auth": "u"}, (STAGE): {"auth": "l"}});
    let mut secrets = GivenSecrets::parse(given.to_string().as_bytes()).unwrap();
    Documents::parse_with(stage_with(json!({})).to_string().as_bytes(), &mut secrets).unwrap();
    assert_eq!(secrets.unused().collect::<Vec<_>>(), [name, STAGE]);
    for wrong in ["[]", "{", r#"{"s": 1}"#, r#"{"s": {"key": "x"}}"#, r#"{"s": {"auth": 7}}"#] {
        assert!(GivenSecrets::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn every_missing_field_is_reported() {
    let missing = stage_without(&["auth", "auth_password", "flow_set", "mapping"]);
    let page = json!({"results": [stage_with(json!({})), missing]}).to_string();
    let lines = problems(&page);
    assert_eq!(lines.len(), 1, "the other document is valid: {lines:?}");
    for words in [
        "results[1] (\"sms-setup\"): ",
        "auth: This field is required. (this answer hides secrets",
        "auth_password: This field is required. (this answer hides secrets",
        "flow_set: This field is required. (add it; [] if",
        "mapping: This field is required. (a complete answer",
    ] {
        assert!(lines[0].contains(words), "{words:?} is not in {lines:?}");
    }
}

#[test]
fn a_stage_that_the_api_would_refuse_is_refused() {
    let flow = |changes: Value| stage_with_flow(&changes)["flow_set"].clone();
    for (changes, expected) in [
        (json!({"name": " "}), "name: This field may not be blank."),
        (json!({"provider": "sns"}), "provider: \"sns\" is not a valid choice."),
        (json!({"auth_type": null}), "auth_type: This field may not be null."),
        (json!({"verify_only": "perhaps"}), "verify_only: Must be a valid boolean."),
        (json!({"mapping": "x"}), "mapping: “x” is not a valid UUID."),
        (json!({"configure_flow": true}), "configure_flow: Incorrect type. Expected pk value"),
        (json!({"auth": {"s3cr3t": 1}}), "auth: Not a valid string."),
        (json!({"from_number": "a\0b"}), "from_number: Null characters are not allowed."),
        (json!({"auth": MASK}), "auth: is masked"),
        (json!({"pk": "x"}), "pk: “x” is not a valid UUID."),
        (json!({"pk": null}), "pk: This field may not be null."),
        (json!({"_etag": "new"}), "_etag: is not an ETag"),
        (json!({"flow_set": {}}), "flow_set: Expected a list of items but got type \"dict\"."),
        (
            json!({"flow_set": [3]}),
            "flow_set[0]: Invalid data. Expected a dictionary, but got int.",
        ),
        (json!({"flow_set": flow(json!({"slug": "ä"}))}), "flow_set[0].slug: Enter a valid"),
        (json!({"flow_set": flow(json!({"pk": 7}))}), "flow_set[0].pk: “7” is not a valid UUID."),
        (json!({"flow_set": flow(json!({"layout": "odd"}))}), "flow_set[0].layout: \"odd\" is not"),
    ] {
        let lines = problems(&stage_with(changes.clone()).to_string());
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains(expected), "{changes}: {lines:?}");
        assert!(!lines[0].contains("s3cr3t") && !lines[0].contains("hunter2"), "{lines:?}");
    }
    let mut no_background = stage_with(json!({}));
    no_background["flow_set"][1].as_object_mut().unwrap().remove("background");
    no_background["flow_set"][0]["pk"] = no_background["flow_set"][1]["pk"].clone();
    let lines = problems(&no_background.to_string());
    assert!(lines[0].contains("flow_set[1].background: This field is required."), "{lines:?}");
    let both = stage_with(json!({"name": null, "provider": 7})).to_string();
    assert!(problems(&both)[0].contains("null. provider: \"7\" is not"), "all at once");
}

#[test]
fn a_file_that_cannot_be_loaded_is_refused_with_a_reason() {
    let other = json!([{"pk": STAGE, "meta_model_name": "authentik_stages_dummy.dummystage"}]);
    let of_all_stages = stage_without(&["provider", "account_sid"]);
    let token = |changes: Value| {
        let mut token = json!({"key": "s3cr3t", "user": "u", "permissions": ["view"]});
        for (field, value) in changes.as_object().unwrap() {
            token[field] = value.clone();
        }
        json!({"tokens": [token]}).to_string()
    };
    for (text, expected) in [
        ("{\"stages\": [", "not valid JSON: "),
        ("7", "expected an object or a list"),
        ("{}", "no document found"),
        (r#"{"detail": "Token invalid/expired", "code": "x"}"#, "error response of authentik"),
        (r#"{"stages": {}}"#, "stages: expected a list."),
        (r#"["x"]"#, "[0]: expected an object."),
        (r#"[{"pk": "x"}]"#, "[0]: neither a stage nor a flow nor a mapping."),
        (&other.to_string(), "a \"authentik_stages_dummy.dummystage\""),
        (&of_all_stages.to_string(), "not to /stages/all/."),
        (r#"{"tokens": [{"key": "s3cr3t"}]}"#, "user: This field is required."),
        (&token(json!({"expires": "soon"})), "expires: expected null or a time"),
        (&token(json!({"permissions": ["write"]})), "\"write\" is not a permission"),
        (&token(json!({"permissions": ["view:x"]})), "has no valid stage UUID"),
        (&token(json!({"permissions": "view"})), "expected a list of permissions"),
        (r#"{"flows": [{"pk": "x"}]}"#, "designation: This field is required."),
        (r#"{"mappings": [{"pk": null}]}"#, "pk: This field may not be null. name: This field is"),
    ] {
        let lines = problems(text).join("\n");
        assert!(lines.contains(expected), "{text}: {lines}");
        assert!(!lines.contains("s3cr3t"), "{lines}");
    }
}

#[test]
fn long_texts_are_not_printed_in_full() {
    let long = "\u{1}".repeat(100_000);
    let permitted = |held: &str| {
        json!({"tokens": [{"key": "k", "user": long, "permissions": [held]}]}).to_string()
    };
    for (text, words) in [
        (stage_with(json!({"name": long, "provider": null})).to_string(), "provider: This"),
        (json!([{"meta_model_name": long}]).to_string(), "is neither an SMS stage"),
        (permitted(&long), "is not a permission"),
        (permitted(&format!("view:{long}")), "has no valid stage UUID"),
    ] {
        let lines = problems(&text).join("\n");
        assert!(lines.contains(words) && lines.len() < 500, "{words}: {lines:.1000}");
    }
    let secrets = json!({&long: null}).to_string();
    let problem = GivenSecrets::parse(secrets.as_bytes()).unwrap_err().to_string();
    assert!(problem.contains("expected an object") && problem.len() < 500, "{problem:.1000}");
}

#[test]
fn encodings_are_recognised() {
    let text = stage_with(json!({})).to_string();
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    assert_eq!(Documents::parse(&with_mark).unwrap().len(), 1, "a byte order mark is allowed");
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for (bytes, words) in [
        ([b"\xff\xfe", little.as_slice()].concat(), "UTF-16"),
        ([b"\xfe\xff", big.as_slice()].concat(), "UTF-16"),
        (little, "UTF-16"),
        (big, "UTF-16"),
        (b"\x1f\x8b\x08\x00".to_vec(), "gzip"),
        (b"PK\x03\x04".to_vec(), "ZIP"),
        (b"{\"pk\": \"\xe4\"}".to_vec(), "not UTF-8 text"),
    ] {
        let line = Documents::parse(&bytes).unwrap_err().to_string();
        assert!(line.contains(words), "{line}");
    }
}
