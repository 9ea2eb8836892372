//! The caller's identity, in the form of each kind of authorizer.

use authenticator_sms_stage::http::{authorizer::Identity, trigger::Trigger};
use serde_json::{Value, json};

use super::{bare_event, request};

const VIEW: &str = "authentik_stages_authenticator_sms.view_authenticatorsmsstage";
const CHANGE: &str = "authentik_stages_authenticator_sms.change_authenticatorsmsstage";

fn identity(trigger: Trigger, authorizer: &Value) -> Option<Identity> {
    let mut event = bare_event(trigger);
    event["requestContext"]["authorizer"] = authorizer.clone();
    request(&event).identity().cloned()
}

fn known(user: &str, permissions: &[&str]) -> Option<Identity> {
    let user = Some(user.to_owned()).filter(|user| !user.is_empty());
    Some(Identity { user, permissions: permissions.iter().map(ToString::to_string).collect() })
}

#[test]
fn permissions_are_found_where_each_issuer_puts_them() {
    let one = format!("{VIEW}:5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9");
    for (claims, expected, why) in [
        (json!({"scope": format!("{VIEW} {CHANGE}")}), vec![VIEW, CHANGE], "a text"),
        (
            json!({"scope": format!("sms-api/{VIEW} sms-api/{CHANGE}")}),
            vec![VIEW, CHANGE],
            "Cognito",
        ),
        (json!({"scope": format!("https://api.example/a/{VIEW}")}), vec![VIEW], "a URL as prefix"),
        (json!({"scp": format!("{VIEW}  {CHANGE} ")}), vec![VIEW, CHANGE], "Entra"),
        (json!({"scp": [VIEW, CHANGE]}), vec![VIEW, CHANGE], "Okta"),
        (json!({"scp": format!("[{VIEW} {CHANGE}]")}), vec![VIEW, CHANGE], "Okta via API Gateway"),
        (json!({"permissions": [VIEW]}), vec![VIEW], "Auth0"),
        (json!({"permissions": format!("[{VIEW}]")}), vec![VIEW], "Auth0 via API Gateway"),
        (json!({"scopes": [VIEW]}), vec![VIEW], "scopes, a list"),
        (json!({"scopes": VIEW}), vec![VIEW], "scopes, a string"),
        (
            json!({"permissions": [VIEW], "scope": "openid", "scp": null}),
            vec![VIEW, "openid"],
            "two",
        ),
        (json!({"scope": one}), vec![&*one], "for one stage"),
        (json!({"scope": format!("sms-api/{one}")}), vec![&*one], "for one stage, Cognito"),
        (json!({"scope": "", "permissions": "[]"}), vec![], "none"),
        (
            json!({"scope": "sms-api/", "permissions": ["", "/"]}),
            vec![],
            "nothing follows the slash",
        ),
        (json!({"scope": 7, "permissions": {"a": VIEW}, "scp": [7, null, {}]}), vec![], "no text"),
        (json!({"Scope": VIEW, "roles": [VIEW]}), vec![], "other names"),
    ] {
        for (trigger, authorizer) in [
            (Trigger::HttpApi, json!({"jwt": {"claims": claims, "scopes": null}})),
            (Trigger::HttpApi, json!({"lambda": claims})),
            (Trigger::RestApi, json!({"claims": claims, "scopes": null})),
        ] {
            assert_eq!(identity(trigger, &authorizer), known("", &expected), "{why}: {authorizer}");
        }
    }
}

#[test]
fn the_user_is_found_where_each_kind_of_authorizer_puts_it() {
    let arn = "arn:aws:iam::123456789012:user/ops";
    for (trigger, authorizer, expected) in [
        (Trigger::HttpApi, json!({"jwt": {"claims": {"sub": "s"}}}), known("s", &[])),
        (
            Trigger::HttpApi,
            json!({"lambda": {"user": "u", "permissions": [VIEW]}}),
            known("u", &[VIEW]),
        ),
        (Trigger::HttpApi, json!({"lambda": {"principalId": "p", "user": "u"}}), known("p", &[])),
        (Trigger::HttpApi, json!({"lambda": {"sub": null, "user": "u"}}), known("u", &[])),
        (Trigger::HttpApi, json!({"lambda": {"sub": "", "user": "u"}}), known("u", &[])),
        (Trigger::HttpApi, json!({"lambda": {"sub": 7}}), known("", &[])),
        (Trigger::HttpApi, json!({"iam": {"userArn": arn, "scope": VIEW}}), known(arn, &[])),
        (Trigger::HttpApi, json!({"iam": {"userArn": null}}), known("", &[])),
        (Trigger::RestApi, json!({"claims": {"sub": "s"}}), known("s", &[])),
        (
            Trigger::RestApi,
            json!({"principalId": "p", "integrationLatency": 3, "scope": VIEW}),
            known("p", &[VIEW]),
        ),
        (Trigger::RestApi, json!({"claims": null, "principalId": "p"}), known("p", &[])),
        (Trigger::RestApi, json!({"claims": {"sub": "s"}, "permissions": VIEW}), known("s", &[])),
    ] {
        assert_eq!(identity(trigger, &authorizer), expected, "{authorizer}");
    }
}

#[test]
fn null_members_are_absent_and_an_empty_object_is_not_an_authorizer() {
    for (trigger, authorizer, is_one) in [
        (Trigger::RestApi, json!(null), false),
        (Trigger::RestApi, json!({}), false),
        (Trigger::RestApi, json!({"claims": null, "scopes": null}), false),
        (Trigger::RestApi, json!({"principalId": null, "permissions": null}), false),
        (Trigger::RestApi, json!({"claims": {}, "scopes": null}), true),
        (Trigger::RestApi, json!({"claims": "none"}), true),
        (Trigger::RestApi, json!({"principalId": ""}), true),
        (Trigger::HttpApi, json!(null), false),
        (Trigger::HttpApi, json!({}), false),
        (Trigger::HttpApi, json!({"lambda": null}), false),
        (Trigger::HttpApi, json!({"jwt": null, "iam": null, "lambda": null}), false),
        (Trigger::HttpApi, json!({"lambda": {}}), true),
        (Trigger::HttpApi, json!({"jwt": {"claims": null, "scopes": null}}), true),
        (Trigger::HttpApi, json!({"jwt": "none"}), true),
        (Trigger::HttpApi, json!({"unknown": {"scope": VIEW}}), true),
    ] {
        let expected = if is_one { known("", &[]) } else { None };
        assert_eq!(identity(trigger, &authorizer), expected, "{trigger:?}: {authorizer}");
    }
}

#[test]
fn the_scopes_of_a_route_are_used_only_if_the_claims_have_none() {
    for (claims, expected) in [
        (json!({"sub": "s"}), vec![VIEW, CHANGE]),
        (json!(null), vec![VIEW, CHANGE]),
        (json!({"sub": "s", "scope": VIEW}), vec![VIEW]),
        (json!({"sub": "s", "scp": ["openid"]}), vec!["openid"]),
    ] {
        let user = claims["sub"].as_str().unwrap_or_default();
        for scopes in
            [json!([VIEW, format!("sms-api/{CHANGE}")]), json!(format!("{VIEW} {CHANGE}"))]
        {
            let members = json!({"claims": claims, "scopes": scopes});
            let jwt = json!({"jwt": members});
            assert_eq!(identity(Trigger::HttpApi, &jwt), known(user, &expected), "{jwt}");
        }
    }
    let payload_1 = json!({"claims": {"sub": "s"}, "scopes": [VIEW]});
    assert_eq!(identity(Trigger::RestApi, &payload_1), known("s", &[VIEW]));
}

#[test]
fn an_authorizer_in_a_load_balancers_event_is_ignored() {
    for authorizer in [
        json!({"claims": {"sub": "s", "scope": VIEW}}),
        json!({"lambda": {"permissions": [VIEW]}}),
        json!({"principalId": "p", "permissions": VIEW}),
    ] {
        assert_eq!(identity(Trigger::LoadBalancer, &authorizer), None, "{authorizer}");
    }
}
