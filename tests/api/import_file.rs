//! Files with authentik's own answers: which documents are read, and which are refused.

use serde_json::{Value, json};

use crate::harness::{
    STAGE,
    library::{Documents, MASK},
    stage_with,
};

/// The problems that a file's text is refused with.
fn problems(text: &str) -> Vec<String> {
    Documents::parse(text).unwrap_err().lines()
}

#[test]
fn every_problem_with_an_answer_of_a_newer_authentik_is_named() {
    let mut newer = stage_with(json!({"friendly_name": ""}));
    for removed in ["auth", "auth_password", "flow_set"] {
        newer.as_object_mut().unwrap().remove(removed);
    }
    let page = json!({"results": [stage_with(json!({})), newer]}).to_string();
    let lines = problems(&page);
    assert_eq!(lines.len(), 1, "the other document is valid: {lines:?}");
    for words in [
        "results[1] (\"sms-setup\"): ",
        "auth: This field is required. (newer authentik keeps it to itself",
        "auth_password: This field is required.",
        "flow_set: This field is required.",
        "friendly_name: This field may not be blank. (newer authentik has no null here: write null",
    ] {
        assert!(lines[0].contains(words), "{words:?} is not in {lines:?}");
    }
    newer.as_object_mut().unwrap().remove("friendly_name");
    let lines = problems(&newer.to_string());
    assert!(lines[0].contains("friendly_name: This field is required."), "{lines:?}");
}

#[test]
fn a_stage_that_the_api_would_refuse_is_refused() {
    let flow = |changes: Value| {
        let mut flow = stage_with(json!({}))["flow_set"][0].clone();
        for (field, value) in changes.as_object().unwrap() {
            flow[field] = value.clone();
        }
        json!([flow])
    };
    for (changes, expected) in [
        (json!({"name": " "}), "name: This field may not be blank."),
        (json!({"provider": "sns"}), "provider: \"sns\" is not a valid choice."),
        (json!({"auth_type": null}), "auth_type: This field may not be null."),
        (json!({"verify_only": "perhaps"}), "verify_only: Must be a valid boolean."),
        (json!({"mapping": "x"}), "mapping: “x” is not a valid UUID."),
        (json!({"configure_flow": true}), "configure_flow: Incorrect type. Expected pk value"),
        (json!({"auth": ""}), "auth: This field may not be blank."),
        (json!({"auth": {"s3cr3t": 1}}), "auth: Not a valid string."),
        (json!({"from_number": "a\0b"}), "from_number: Null characters are not allowed."),
        (json!({"auth": MASK}), "auth: is masked"),
        (json!({"pk": "x"}), "pk: “x” is not a valid UUID."),
        (json!({"pk": null}), "pk: This field may not be null."),
        (json!({"flow_set": {}}), "flow_set: Expected a list of items but got type \"dict\"."),
        (
            json!({"flow_set": [3]}),
            "flow_set[0]: Invalid data. Expected a dictionary, but got int.",
        ),
        (json!({"flow_set": flow(json!({"slug": "ä"}))}), "flow_set[0].slug: Enter a valid"),
        (json!({"flow_set": flow(json!({"slug": "x".repeat(51)}))}), "flow_set[0].slug: Ensure"),
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
fn a_file_without_a_stage_is_described() {
    let other = json!([{"pk": STAGE, "meta_model_name": "authentik_stages_dummy.dummystage"}]);
    let mut of_all_stages = stage_with(json!({}));
    for own in ["provider", "account_sid"] {
        of_all_stages.as_object_mut().unwrap().remove(own);
    }
    for (text, expected) in [
        ("{\"stages\": [", "line 1 column"),
        ("7", "no object and no list"),
        ("{}", "no document"),
        (r#"{"detail": "Token invalid/expired", "code": "x"}"#, "error that authentik answered"),
        (r#"{"stages": {}}"#, "stages: is no list."),
        (r#"["x"]"#, "[0]: is no object."),
        (r#"[{"pk": "x"}]"#, "[0]: is neither a stage nor a flow nor a mapping."),
        (&other.to_string(), "is a authentik_stages_dummy.dummystage"),
        (&of_all_stages.to_string(), "not to /stages/all/."),
        (r#"{"tokens": [{"key": "s3cr3t"}]}"#, "user: This field is required."),
        (
            r#"{"tokens": [{"key": "s3cr3t", "user": "u", "permissions": [], "expires": "soon"}]}"#,
            "expires: is no time",
        ),
        (r#"{"flows": [{"pk": "x"}]}"#, "designation: This field is required."),
        (r#"{"mappings": [{"pk": null}]}"#, "pk: This field may not be null. name: This field is"),
    ] {
        let lines = problems(text).join("\n");
        assert!(lines.contains(expected), "{text}: {lines}");
        assert!(!lines.contains("s3cr3t"), "{lines}");
    }
    assert!(Documents::parse("\u{feff}[]").unwrap().is_empty(), "a byte order mark is allowed");
}
