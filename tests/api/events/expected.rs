//! The expected answers to the events of `events/`.

use serde_json::{Map, Value, json};

use crate::harness::{FIXTURE, detail, stage_with, with};

/// The stage after a PUT event, and after most PATCH events.
fn changed_stage() -> Value {
    stage_with(json!({
        "friendly_name": "Work phone", "from_number": "+15005550009", "verify_only": true,
    }))
}

fn bad_fields() -> Value {
    let slug = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
    json!({
        "name": ["stage with this name already exists."],
        "flow_set": [{"slug": [slug]}],
        "provider": ["\"carrier-pigeon\" is not a valid choice."],
        "from_number": ["This field may not be blank."],
        "auth_type": ["\"digest\" is not a valid choice."],
        "code": "invalid",
    })
}

fn denied() -> Value {
    detail("permission_denied", "You do not have permission to perform this action.")
}

fn bad_token() -> Value {
    detail("authentication_failed", "Token invalid/expired")
}

fn not_authenticated() -> Value {
    detail("not_authenticated", "Authentication credentials were not provided.")
}

fn missing() -> Value {
    detail("not_found", "No AuthenticatorSMSStage matches the given query.")
}

/// The expected answer to the event in the file `name`. UUIDs that the server generates are null.
pub fn answer_to(name: &str) -> Value {
    let base = name.trim_end_matches(".json");
    match base {
        "http-api-get-200" => stage_with(json!({})),
        _ if base.ends_with("-list-200") => first_page(),
        _ if base.ends_with("-list-filter-400") => json!({
            "provider": ["Select a valid choice. carrier-pigeon is not one of the available choices."],
            "code": "invalid",
        }),
        _ if base.ends_with("-create-201") => with(new_stage_shown(), json!({"pk": null})),
        _ if base.ends_with("-create-400") || base.ends_with("-put-400") => {
            let required = json!(["This field is required."]);
            json!({
                "name": required, "provider": required, "from_number": required,
                "account_sid": required, "auth": required, "code": "invalid",
            })
        }
        _ if base.ends_with("-retrieve-200") => stage_with(json!({})),
        _ if base.ends_with("-used-by-200") => users(),
        _ if base.ends_with("-destroy-204") => Value::Null,
        _ if base.ends_with("-flows-200") => json!({
            "pagination": page(1), "results": [listed_flow()], "autocomplete": {},
        }),
        _ if base.ends_with("-stages-all-200") => json!({
            "pagination": page(1), "results": [common_stage()], "autocomplete": {},
        }),
        _ if base.ends_with("-root-config-200") => root_config(),
        _ if base.ends_with("-not-implemented-501") => {
            detail("not_implemented", "This path of authentik's API is not served here.")
        }
        "http-api-patch-rename-200" => stage_with(json!({
            "name": "sms-setup-2026",
            "configure_flow": "ffeeddcc-bbaa-4998-8776-655443322110",
            "mapping": "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9",
        })),
        "http-api-patch-secret-200" => stage_with(json!({
            "provider": "generic", "account_sid": "https://sms.example.com/send",
            "auth": "n3w-auth-secret", "auth_type": "bearer",
        })),
        "http-api-patch-415" => detail(
            "unsupported_media_type",
            "Unsupported media type \"application/x-www-form-urlencoded\" in request.",
        ),
        "http-api-patch-bad-uuid-400" => {
            json!({"stage_uuid": ["“not-a-uuid” is not a valid UUID."], "code": "invalid"})
        }
        "http-api-patch-expired-token-403" => bad_token(),
        _ if base.ends_with("-used-by-403") || base.ends_with("-stages-all-403") => bad_token(),
        "http-api-patch-no-token-403" | "http-api-patch-forged-headers-403" => not_authenticated(),
        _ if base.ends_with("-retrieve-403") || base.ends_with("-flows-403") => not_authenticated(),
        "http-api-patch-if-match-412" => {
            let text = "The stage has changed since the version in If-Match, or If-None-Match \
                        excludes its version.";
            detail("precondition_failed", text)
        }
        "http-api-patch-no-route-501" => {
            detail("not_implemented", "This path of authentik's API is not served here.")
        }
        "http-api-patch-parse-error-400" => detail(
            "parse_error",
            "JSON parse error - EOF while parsing an object at line 1 column 20",
        ),
        "http-api-post-405" => detail("method_not_allowed", "Method \"POST\" not allowed."),
        _ if base.ends_with("flow-set-200") => flow_set(),
        _ if base.ends_with("-200") => changed_stage(),
        _ if base.ends_with("-400") => bad_fields(),
        _ if base.ends_with("-403") => denied(),
        _ if base.ends_with("-404") => missing(),
        other => panic!("no expected answer to the event {other}"),
    }
}

/// The pagination of the first of `count` pages with one entry each.
fn page(count: usize) -> Value {
    json!({
        "next": if count > 1 { 2 } else { 0 }, "previous": 0, "count": count, "current": 1,
        "total_pages": count, "start_index": 1, "end_index": 1,
    })
}

/// The first page of the stages whose names contain `sms`.
fn first_page() -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let name = |stage: &Value| stage["name"].as_str().unwrap().to_owned();
    let mut stages = fixture["stages"].as_array().unwrap().clone();
    stages.retain(|stage| name(stage).contains("sms"));
    stages.sort_by_key(name);
    json!({"pagination": page(stages.len()), "results": [stages[0]], "autocomplete": {}})
}

/// The stage that the events create.
fn new_stage_shown() -> Value {
    stage_with(json!({
        "name": "sms-by-webhook", "flow_set": [], "configure_flow": null, "friendly_name": null,
        "provider": "generic", "from_number": "+15005550010",
        "account_sid": "https://sms.example.com/send", "auth": "n3w-auth-secret",
        "auth_password": "", "auth_type": "bearer", "verify_only": false, "mapping": null,
    }))
}

/// The flows that use the first stage, ordered by key.
fn users() -> Value {
    let stage = stage_with(json!({}));
    let mut flows = stage["flow_set"].as_array().unwrap().clone();
    flows.sort_by_key(|flow| flow["pk"].as_str().unwrap().to_owned());
    let user = |flow: &Value| {
        let (name, slug) = (flow["name"].as_str().unwrap(), flow["slug"].as_str().unwrap());
        json!({
            "app": "authentik_flows", "model_name": "flow", "pk": flow["pk"],
            "name": format!("Flow {name} ({slug})"), "action": "cascade_many",
        })
    };
    flows.iter().map(user).collect()
}

/// The flow that the events look up, as shown in a list of flows.
fn listed_flow() -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let flows = fixture["flows"].as_array().unwrap();
    let flow = flows.iter().find(|flow| flow["slug"] == "configure-sms").unwrap();
    let more = json!({"stages": [], "policies": [], "cache_count": 0, "authentication": "none"});
    with(flow.clone(), more)
}

/// The first stage, with only the keys that stages of all kinds have.
fn common_stage() -> Value {
    let stage = stage_with(json!({}));
    let names = [
        "pk",
        "name",
        "component",
        "verbose_name",
        "verbose_name_plural",
        "meta_model_name",
        "flow_set",
    ];
    names
        .iter()
        .map(|name| ((*name).to_owned(), stage[*name].clone()))
        .collect::<Map<_, _>>()
        .into()
}

fn root_config() -> Value {
    json!({
        "error_reporting": {
            "enabled": false, "sentry_dsn": "", "environment": "", "send_pii": false,
            "traces_sample_rate": 0.0,
        },
        "capabilities": [],
        "cache_timeout": 300, "cache_timeout_flows": 300, "cache_timeout_policies": 300,
        "cache_timeout_reputation": 300,
    })
}

/// The stage with the events' `flow_set`: the first flow, changed, and a new one.
fn flow_set() -> Value {
    let mut stage = stage_with(json!({}));
    let mut first = stage["flow_set"][0].clone();
    first["title"] = json!("Add your phone");
    stage["flow_set"] = json!([first, {
        "pk": null,
        "policybindingmodel_ptr_id": null,
        "name": "Recovery by SMS",
        "slug": "sms-recovery",
        "title": "Recover your account",
        "designation": "recovery",
        "background": "/static/dist/assets/images/flow_background.jpg",
        "policy_engine_mode": "any",
        "compatibility_mode": false,
        "export_url": "/api/v3/flows/instances/sms-recovery/export/",
        "layout": "sidebar_left",
        "denied_action": "message",
    }]);
    stage
}
