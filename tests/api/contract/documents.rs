//! The keys of an answer in each release, and their order.

use authenticator_sms_stage::{
    contract::{
        Contract,
        document::{
            CommonStageDocument, FlowDocument, ListDocument, StageDocument, UsedByDocument,
        },
    },
    stage::{field::Field, flow::Flow, paging::Page, stage::Stage, value::Value},
};
use serde::Serialize;
use serde_json::{Value as Json, json, to_value};
use uuid::Uuid;

const STAGE: &str = "pk name component verbose_name verbose_name_plural meta_model_name flow_set \
    configure_flow friendly_name provider from_number account_sid auth auth_password auth_type \
    verify_only mapping";
const FLOW: &str = "pk policybindingmodel_ptr_id name slug title designation background \
    policy_engine_mode compatibility_mode export_url layout denied_action";
const LISTED_FLOW: &str = "pk policybindingmodel_ptr_id name slug title designation background \
    stages policies cache_count policy_engine_mode compatibility_mode export_url layout \
    denied_action authentication";

/// The contract of a release, or of every release if the name is empty.
fn contract(release: &str) -> Contract {
    if release.is_empty() { Contract::default() } else { Contract::parse(release).unwrap() }
}

fn keys(document: impl Serialize) -> String {
    let document = to_value(document).unwrap();
    let keys: Vec<_> = document.as_object().unwrap().keys().cloned().collect();
    keys.join(" ")
}

fn flow() -> Flow {
    Flow { pk: Uuid::from_u128(7), background: "/f.jpg".to_owned(), ..Flow::new() }
}

fn stage() -> Stage {
    let mut stage = Stage::new(Uuid::from_u128(1));
    for (field, value) in [
        ("name", Value::Text("sms-setup".to_owned())),
        ("auth", Value::secret("s3cr3t".to_owned())),
        ("auth_password", Value::secret("hunter2".to_owned())),
        ("verify_only", Value::Boolean(true)),
        ("mapping", Value::Key(Uuid::from_u128(2))),
        ("flow_set", Value::Flows(vec![flow()])),
    ] {
        stage.set(Field::from_name(field).unwrap(), Some(value));
    }
    stage
}

fn document(release: &str, shows_secrets: bool) -> Json {
    let stage = stage();
    to_value(StageDocument { contract: contract(release), stage: &stage, shows_secrets }).unwrap()
}

#[test]
fn a_stage_has_the_keys_of_its_release() {
    let without_secrets = STAGE.replace("auth auth_password ", "");
    for (releases, expected) in [
        (["", "2024.2", "2025.6", "2025.8"], STAGE),
        (["2025.10", "2025.12", "2026.2.6", "2026.8.1"], STAGE),
        (["2026.2.7", "2026.5.7", "2026.8.2", "2026.8"], without_secrets.as_str()),
    ] {
        for release in releases {
            assert_eq!(keys(document(release, true)), expected, "{release}");
            assert_eq!(keys(document(release, false)), expected, "{release}");
        }
    }
}

#[test]
fn a_secret_is_shown_in_full_or_empty() {
    for release in ["", "2025.8", "2026.8.1"] {
        let shown = document(release, true);
        assert_eq!(
            (&shown["auth"], &shown["auth_password"]),
            (&json!("s3cr3t"), &json!("hunter2"))
        );
        let hidden = document(release, false);
        assert_eq!((&hidden["auth"], &hidden["auth_password"]), (&json!(""), &json!("")));
    }
    assert!(!document("2026.8", true).to_string().contains("s3cr3t"));
}

#[test]
fn values_are_shown_by_their_kind() {
    let shown = document("2025.8", true);
    assert_eq!(shown["pk"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(shown["component"], "ak-stage-authenticator-sms-form");
    assert_eq!(shown["verify_only"], true);
    assert_eq!(shown["mapping"], "00000000-0000-0000-0000-000000000002");
    assert_eq!(shown["configure_flow"], Json::Null);
    assert_eq!(shown["flow_set"][0]["export_url"], "/api/v3/flows/instances//export/");
}

#[test]
fn a_missing_display_name_is_null_or_empty_depending_on_the_release() {
    for (release, expected) in [
        ("", Json::Null),
        ("2024.2", Json::Null),
        ("2025.8", Json::Null),
        ("2025.10", json!("")),
        ("2026.8", json!("")),
    ] {
        assert_eq!(document(release, true)["friendly_name"], expected, "{release}");
    }
}

#[test]
fn a_flow_has_the_background_keys_of_its_release() {
    let flow = flow();
    for (release, in_stage, listed) in [
        ("", "background background_url", "background background_url background_themed_urls"),
        ("2024.2", "background", "background"),
        ("2025.10", "background", "background"),
        ("2025.12.1", "background_url", "background background_url"),
        ("2025.12.2", "background_url", "background background_url background_themed_urls"),
        ("2026.2.0", "background_url", "background background_url background_themed_urls"),
        ("2026.8", "background_url", "background background_url background_themed_urls"),
    ] {
        let contract = contract(release);
        for (is_listed, frame, backgrounds) in
            [(false, FLOW, in_stage), (true, LISTED_FLOW, listed)]
        {
            let document = FlowDocument { contract, flow: &flow, is_listed };
            let expected = frame.replace("background", backgrounds);
            assert_eq!(keys(document), expected, "{release} {is_listed}");
        }
        let shown = &document(release, true)["flow_set"][0];
        assert_eq!(keys(shown), FLOW.replace("background", in_stage), "{release}");
        let first = in_stage.split(' ').next().unwrap();
        assert_eq!(shown[first], "/f.jpg", "{release}");
    }
}

#[test]
fn a_list_has_its_pagination_and_its_entries() {
    let page = Page {
        next: 3,
        previous: 1,
        count: 5,
        current: 2,
        total_pages: 3,
        start_index: 3,
        end_index: 4,
    };
    for (release, expected) in [
        ("", "pagination results autocomplete"),
        ("2025.6", "pagination results"),
        ("2025.8", "pagination results autocomplete"),
        ("2026.8", "pagination results autocomplete"),
    ] {
        let list = ListDocument { contract: contract(release), page, results: &["a", "b"] };
        assert_eq!(keys(list), expected, "{release}");
        let list = to_value(list).unwrap();
        assert_eq!(list["results"], json!(["a", "b"]));
        let pagination = "next previous count current total_pages start_index end_index";
        assert_eq!(keys(&list["pagination"]), pagination);
        assert_eq!(list["pagination"]["total_pages"], 3);
        assert!(list.get("autocomplete").is_none_or(|object| *object == json!({})));
    }
}

#[test]
fn a_stage_in_a_list_of_all_kinds_has_only_the_common_keys() {
    let stage = stage();
    let document = CommonStageDocument { contract: contract("2026.8"), stage: &stage };
    let expected = "pk name component verbose_name verbose_name_plural meta_model_name flow_set";
    assert_eq!(keys(document), expected);
    let flow = &to_value(document).unwrap()["flow_set"][0];
    assert_eq!(keys(flow), FLOW.replace("background", "background_url"));
}

#[test]
fn a_flow_is_shown_as_a_user_of_its_stages() {
    let mut flow = flow();
    flow.values[0] = Value::Text("Setup SMS".to_owned());
    flow.values[1] = Value::Text("sms".to_owned());
    let document = to_value(UsedByDocument(&flow)).unwrap();
    let expected = json!({
        "app": "authentik_flows",
        "model_name": "flow",
        "pk": "00000000-0000-0000-0000-000000000007",
        "name": "Flow Setup SMS (sms)",
        "action": "cascade_many",
    });
    assert_eq!(document, expected);
    assert_eq!(keys(document), keys(expected));
}
