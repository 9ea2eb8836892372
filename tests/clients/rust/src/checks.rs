// The checks of one release. `main.rs` includes this file once per release, with that release's
// `client`, `Provider` and `GENERIC`.

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

use client::{
    apis::{Error, configuration::Configuration, flows_api, root_api, stages_api as api},
    models,
};
use serde_json::{Value, json};

use crate::server::{OTHER, STAGE, Server};

type Check = for<'a> fn(&'a mut Server) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";
const GOOD: Option<&str> = Some("good-token");
const VIEWER: Option<&str> = Some("viewer-token");

macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        /// Every check, in order, by name.
        pub const CHECKS: &[(&str, Check)] =
            &[$((stringify!($name), |server| Box::pin(bounded($name(server))))),*];
    };
}

checks![
    lists_all_stages,
    lists_a_page_in_an_order,
    filters_a_list,
    lists_for_a_token_that_may_only_view,
    reads_the_errors_of_a_list,
    looks_up_flows_stages_and_the_configuration,
    retrieves_a_stage,
    retrieves_with_a_token_that_may_only_view,
    shows_what_uses_a_stage,
    changes_only_the_fields_that_are_sent,
    changes_a_stage_without_flows,
    changes_where_messages_go,
    sets_and_removes_references,
    removes_a_display_name,
    changes_nothing_with_an_empty_request,
    reads_a_400_without_a_request,
    replaces_the_flows,
    sends_the_whole_stage_back,
    updates_in_full,
    creates_a_stage_from_the_required_fields,
    creates_a_stage_from_all_fields,
    reads_the_errors_of_a_create,
    destroys_a_stage,
    reads_a_400_about_several_fields,
    reads_a_403_for_each_reason,
    reads_a_404,
];

async fn bounded(check: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(20), check).await.expect("ended in time");
}

fn to(server: &Server, token: Option<&str>) -> Configuration {
    Configuration {
        base_path: server.base_url.clone(),
        bearer_access_token: token.map(str::to_owned),
        ..Configuration::default()
    }
}

/// A request in the client's type: fields that the client does not know are not sent.
fn patched(fields: &Value) -> Option<models::PatchedAuthenticatorSmsStageRequest> {
    Some(serde_json::from_value(fields.clone()).unwrap())
}

/// The same for a whole stage: the required fields and these.
fn whole(fields: &Value) -> models::AuthenticatorSmsStageRequest {
    let mut whole = required();
    whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn required() -> Value {
    json!({
        "name": "made-by-rust",
        "provider": "generic",
        "from_number": "+15005550009",
        "account_sid": "https://sms.example.com/send",
        "auth": "another",
    })
}

/// The filters that the checks use, of the sixteen that the client accepts.
#[derive(Default)]
struct Query<'a> {
    mapping: Option<&'a str>,
    name: Option<&'a str>,
    ordering: Option<&'a str>,
    page: Option<i32>,
    page_size: Option<i32>,
    provider: Option<Provider>,
    search: Option<&'a str>,
    stage_uuid: Option<&'a str>,
    verify_only: Option<bool>,
}

async fn list(
    server: &Server,
    token: Option<&str>,
    query: Query<'_>,
) -> Result<models::PaginatedAuthenticatorSmsStageList, Error<api::StagesAuthenticatorSmsListError>>
{
    api::stages_authenticator_sms_list(
        &to(server, token),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        query.mapping,
        query.name,
        query.ordering,
        query.page,
        query.page_size,
        query.provider,
        query.search,
        query.stage_uuid,
        query.verify_only,
    )
    .await
}

async fn patch(
    server: &Server,
    stage: usize,
    fields: &Value,
) -> Result<models::AuthenticatorSmsStage, Error<api::StagesAuthenticatorSmsPartialUpdateError>> {
    let pk = server.pk(stage);
    api::stages_authenticator_sms_partial_update(&to(server, GOOD), pk, patched(fields)).await
}

async fn retrieve(
    server: &Server,
    pk: &str,
) -> Result<models::AuthenticatorSmsStage, Error<api::StagesAuthenticatorSmsRetrieveError>> {
    api::stages_authenticator_sms_retrieve(&to(server, GOOD), pk).await
}

fn stage_from(document: Value) -> models::AuthenticatorSmsStage {
    serde_json::from_value(document).unwrap()
}

/// Asserts that the answer, and the stage that is then stored, are as expected.
async fn is_stage<E: Debug>(
    server: &Server,
    answer: Result<models::AuthenticatorSmsStage, Error<E>>,
    stage: usize,
) {
    let expected = stage_from(server.shown(&server.stages[stage], true));
    assert_eq!(answer.unwrap(), expected);
    assert_eq!(retrieve(server, server.pk(stage)).await.unwrap(), expected);
}

/// Asserts that the call fails with this status and this body.
fn refused<T: Debug, E: Debug>(result: Result<T, Error<E>>, status: u16, body: &Value) {
    match result.unwrap_err() {
        Error::ResponseError(answer) => {
            assert_eq!(answer.status.as_u16(), status, "{}", answer.content);
            assert_eq!(serde_json::from_str::<Value>(&answer.content).unwrap(), *body);
            assert!(answer.entity.is_some(), "the client cannot read {}", answer.content);
        }
        other => panic!("not refused by the server: {other:?}"),
    }
}

fn permission_denied() -> Value {
    json!({
        "detail": "You do not have permission to perform this action.",
        "code": "permission_denied",
    })
}

fn not_found() -> Value {
    json!({
        "detail": "No AuthenticatorSMSStage matches the given query.",
        "code": "not_found",
    })
}

fn is_page<E: Debug>(
    answer: Result<models::PaginatedAuthenticatorSmsStageList, Error<E>>,
    expected: Value,
) {
    let expected: models::PaginatedAuthenticatorSmsStageList =
        serde_json::from_value(expected).unwrap();
    assert_eq!(answer.unwrap(), expected);
}

async fn lists_all_stages(server: &mut Server) {
    let stages = server.by_name();
    let size = server.page_size();
    let pages = stages.len().div_ceil(size);
    for page in 1..=pages {
        let first = (page - 1) * size;
        let on_page = &stages[first..stages.len().min(first + size)];
        let query = Query { page: Some(i32::try_from(page).unwrap()), ..Query::default() };
        let pagination = json!({
            "count": stages.len(),
            "total_pages": pages,
            "current": page,
            "previous": page - 1,
            "next": if page < pages { page + 1 } else { 0 },
            "start_index": first + 1,
            "end_index": first + on_page.len(),
        });
        is_page(list(server, GOOD, query).await, server.page(on_page, true, &pagination));
    }
}

async fn lists_a_page_in_an_order(server: &mut Server) {
    let mut stages = server.by_name();
    stages.reverse();
    let query =
        Query { ordering: Some("-name"), page: Some(2), page_size: Some(3), ..Query::default() };
    let pagination = json!({
        "count": stages.len(),
        "total_pages": stages.len().div_ceil(3),
        "current": 2,
        "previous": 1,
        "next": 3,
        "start_index": 4,
        "end_index": 6,
    });
    is_page(list(server, GOOD, query).await, server.page(&stages[3..6], true, &pagination));
}

async fn filters_a_list(server: &mut Server) {
    let all = || Query { page_size: Some(100), ..Query::default() };
    let name = server.stages[STAGE]["name"].as_str().unwrap();
    let pk = server.pk(STAGE);
    let cases: [(Query<'_>, &dyn Fn(&Value) -> bool); 6] = [
        (Query { name: Some(name), ..all() }, &|stage| stage["name"] == name),
        (Query { stage_uuid: Some(pk), ..all() }, &|stage| stage["pk"] == pk),
        (Query { provider: Some(GENERIC), ..all() }, &|stage| stage["provider"] == "generic"),
        (Query { verify_only: Some(true), ..all() }, &|stage| stage["verify_only"] == true),
        (Query { search: Some("SMS"), ..all() }, &|stage| {
            stage["name"].as_str().unwrap().to_lowercase().contains("sms")
        }),
        (Query { name: Some("no such name"), ..all() }, &|_| false),
    ];
    for (query, fits) in cases {
        let mut found = server.by_name();
        found.retain(|stage| fits(stage));
        is_page(list(server, GOOD, query).await, server.page(&found, true, &json!({})));
    }
}

async fn lists_for_a_token_that_may_only_view(server: &mut Server) {
    let stages = server.by_name();
    let query = Query { page_size: Some(5), ..Query::default() };
    let pagination = json!({
        "count": stages.len(),
        "total_pages": stages.len().div_ceil(5),
        "next": 2,
        "end_index": 5,
    });
    is_page(list(server, VIEWER, query).await, server.page(&stages[..5], false, &pagination));
}

async fn reads_the_errors_of_a_list(server: &mut Server) {
    let query = Query { mapping: Some(UNKNOWN), ..Query::default() };
    let message = "Select a valid choice. That choice is not one of the available choices.";
    refused(
        list(server, GOOD, query).await,
        400,
        &json!({ "mapping": [message], "code": "invalid" }),
    );
    let query = Query { page: Some(1000), ..Query::default() };
    let body = json!({ "detail": "Invalid page.", "code": "not_found" });
    refused(list(server, GOOD, query).await, 404, &body);
    let answer = list(server, Some("nothing-token"), Query::default()).await;
    refused(answer, 403, &permission_denied());
}

async fn looks_up_flows_stages_and_the_configuration(server: &mut Server) {
    let good = to(server, GOOD);
    let name = server.stages[STAGE]["name"].as_str();
    let found = api::stages_all_list(&good, name, None, None, None, None).await.unwrap().results;
    let found: Vec<_> = found.iter().map(|stage| stage.pk.to_string()).collect();
    assert_eq!(found, [server.pk(STAGE)]);

    for (slug, expected) in [("recovery", server.flow.as_str()), ("no-such-flow", None)] {
        let slug = Some(slug);
        let found = flows_api::flows_instances_list(
            &good, None, None, None, None, None, None, None, None, slug,
        );
        let found = found.await.unwrap().results;
        let found: Vec<_> = found.iter().map(|flow| flow.pk.to_string()).collect();
        assert_eq!(found, Vec::from_iter(expected));
    }

    let config = root_api::root_config_retrieve(&to(server, None)).await.unwrap();
    assert!(!config.error_reporting.enabled);
}

async fn retrieves_a_stage(server: &mut Server) {
    is_stage(server, retrieve(server, server.pk(STAGE)).await, STAGE).await;
}

async fn retrieves_with_a_token_that_may_only_view(server: &mut Server) {
    for stage in [STAGE, OTHER] {
        let pk = server.pk(stage);
        let answer = api::stages_authenticator_sms_retrieve(&to(server, VIEWER), pk).await;
        let expected = stage_from(server.shown(&server.stages[stage], false));
        assert_eq!(answer.unwrap(), expected);
    }
}

async fn shows_what_uses_a_stage(server: &mut Server) {
    let mut flows = server.stages[STAGE]["flow_set"].as_array().unwrap().clone();
    flows.sort_by_key(|flow| flow["pk"].as_str().unwrap().to_owned());
    let expected: Vec<models::UsedBy> = flows
        .iter()
        .map(|flow| {
            let (name, slug) = (flow["name"].as_str().unwrap(), flow["slug"].as_str().unwrap());
            let used = json!({
                "app": "authentik_flows",
                "model_name": "flow",
                "pk": flow["pk"],
                "name": format!("Flow {name} ({slug})"),
                "action": "cascade_many",
            });
            serde_json::from_value(used).unwrap()
        })
        .collect();
    let (good, viewer) = (to(server, GOOD), to(server, VIEWER));
    let pk = server.pk(STAGE);
    assert_eq!(api::stages_authenticator_sms_used_by_list(&good, pk).await.unwrap(), expected);
    assert_eq!(api::stages_authenticator_sms_used_by_list(&viewer, pk).await.unwrap(), []);
    let none = api::stages_authenticator_sms_used_by_list(&good, server.pk(OTHER)).await;
    assert_eq!(none.unwrap(), []);
    let missing = api::stages_authenticator_sms_used_by_list(&good, UNKNOWN).await;
    refused(missing, 404, &not_found());
}

async fn changes_only_the_fields_that_are_sent(server: &mut Server) {
    let fields = json!({ "name": "renamed", "verify_only": true, "auth_type": "bearer" });
    let answer = patch(server, STAGE, &fields).await;
    server.expect(STAGE, &fields);
    is_stage(server, answer, STAGE).await;
}

async fn changes_a_stage_without_flows(server: &mut Server) {
    let fields = json!({ "verify_only": true });
    let answer = patch(server, OTHER, &fields).await;
    server.expect(OTHER, &fields);
    is_stage(server, answer, OTHER).await;
}

async fn changes_where_messages_go(server: &mut Server) {
    let mut fields = json!({ "provider": "generic", "account_sid": "https://sms.example.com/a" });
    if server.hides_secrets() {
        let error = patch(server, STAGE, &fields).await.unwrap_err();
        let Error::ResponseError(answer) = error else { panic!("{error:?}") };
        assert_eq!(answer.status.as_u16(), 400);
        let body: Value = serde_json::from_str(&answer.content).unwrap();
        let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["auth", "auth_password", "code"]);
    }
    fields["auth"] = json!("new-auth");
    fields["auth_password"] = json!("new-password");
    let answer = patch(server, STAGE, &fields).await;
    server.expect(STAGE, &fields);
    is_stage(server, answer, STAGE).await;
}

async fn sets_and_removes_references(server: &mut Server) {
    for fields in [
        json!({ "configure_flow": server.flow, "mapping": server.mapping }),
        json!({ "configure_flow": null, "mapping": null }),
    ] {
        let answer = patch(server, STAGE, &fields).await;
        server.expect(STAGE, &fields);
        is_stage(server, answer, STAGE).await;
    }
}

async fn removes_a_display_name(server: &mut Server) {
    let fields = json!({ "friendly_name": "Mobile" });
    let answer = patch(server, STAGE, &fields).await;
    server.expect(STAGE, &fields);
    is_stage(server, answer, STAGE).await;
    // Each client has one way to remove it. A server without a release accepts both.
    let none = json!({ "friendly_name": server.client["no_friendly_name"] });
    let answer = patch(server, STAGE, &none).await;
    server.expect(STAGE, &json!({ "friendly_name": null }));
    is_stage(server, answer, STAGE).await;
}

async fn changes_nothing_with_an_empty_request(server: &mut Server) {
    is_stage(server, patch(server, STAGE, &json!({})).await, STAGE).await;
}

async fn reads_a_400_without_a_request(server: &mut Server) {
    // Without a request, this client sends `null`.
    let pk = server.pk(STAGE);
    let answer = api::stages_authenticator_sms_partial_update(&to(server, GOOD), pk, None).await;
    let body = json!({ "non_field_errors": ["No data provided"], "code": "invalid" });
    refused(answer, 400, &body);
    is_stage(server, retrieve(server, pk).await, STAGE).await;
}

async fn replaces_the_flows(server: &mut Server) {
    // If the client has no field for flows, nothing is sent, and nothing changes.
    let kept = server.stages[STAGE]["flow_set"][1].clone();
    let renamed = json!({
        "name": "Kept",
        "slug": kept["slug"],
        "title": "Kept",
        "designation": "enrollment",
    });
    let answer = patch(server, STAGE, &json!({ "flow_set": [renamed] })).await;
    if server.client["flow_set_writable"] == true {
        let mut flow = kept;
        flow.as_object_mut().unwrap().extend(renamed.as_object().unwrap().clone());
        server.expect(STAGE, &json!({ "flow_set": [flow] }));
    }
    is_stage(server, answer, STAGE).await;
}

async fn sends_the_whole_stage_back(server: &mut Server) {
    let got = retrieve(server, server.pk(STAGE)).await.unwrap();
    let mut fields = serde_json::to_value(got).unwrap();
    fields["auth"] = server.stages[STAGE]["auth"].clone();
    let (good, pk) = (to(server, GOOD), server.pk(STAGE));
    let answer = api::stages_authenticator_sms_update(&good, pk, whole(&fields)).await;
    is_stage(server, answer, STAGE).await;
}

async fn updates_in_full(server: &mut Server) {
    let mut fields = json!({ "name": "sms-setup" });
    if server.hides_secrets() {
        fields["auth_password"] = json!("kept");
    }
    let good = to(server, GOOD);
    let answer =
        api::stages_authenticator_sms_update(&good, server.pk(STAGE), whole(&fields)).await;
    server.expect(STAGE, &required());
    server.expect(STAGE, &fields); // optional fields that are absent are unchanged
    is_stage(server, answer, STAGE).await;

    let fields = json!({
        "name": "sms-setup",
        "configure_flow": server.flow,
        "friendly_name": "Mobile",
        "auth_password": "",
        "auth_type": "bearer",
        "verify_only": false,
        "mapping": server.mapping,
    });
    let answer =
        api::stages_authenticator_sms_update(&good, server.pk(STAGE), whole(&fields)).await;
    server.expect(STAGE, &fields);
    is_stage(server, answer, STAGE).await;
}

async fn create(
    server: &Server,
    token: Option<&str>,
    fields: &Value,
) -> Result<models::AuthenticatorSmsStage, Error<api::StagesAuthenticatorSmsCreateError>> {
    api::stages_authenticator_sms_create(&to(server, token), whole(fields)).await
}

/// Asserts that the stage with these fields and defaults was created and is the answer.
async fn is_made(
    server: &mut Server,
    answer: Result<models::AuthenticatorSmsStage, Error<api::StagesAuthenticatorSmsCreateError>>,
    fields: &Value,
) {
    let answer = answer.unwrap();
    server.stages.push(server.stages[OTHER].clone());
    let made = server.stages.len() - 1;
    server.expect(
        made,
        &json!({
            "pk": answer.pk.to_string(),
            "flow_set": [],
            "configure_flow": null,
            "friendly_name": null,
            "auth_password": "",
            "auth_type": "basic",
            "verify_only": false,
            "mapping": null,
        }),
    );
    server.expect(made, &required());
    server.expect(made, fields);
    is_stage::<()>(server, Ok(answer), made).await;
    let stage = &server.stages[made];
    let query = Query { name: stage["name"].as_str(), ..Query::default() };
    is_page(list(server, GOOD, query).await, server.page(&[stage], true, &json!({})));
}

async fn creates_a_stage_from_the_required_fields(server: &mut Server) {
    let answer = create(server, GOOD, &json!({})).await;
    is_made(server, answer, &json!({})).await;
}

async fn creates_a_stage_from_all_fields(server: &mut Server) {
    let fields = json!({
        "name": "made-in-full",
        "configure_flow": server.flow,
        "friendly_name": "Mobile",
        "auth_password": "secret",
        "auth_type": "bearer",
        "verify_only": true,
        "mapping": server.mapping,
    });
    let answer = create(server, GOOD, &fields).await;
    is_made(server, answer, &fields).await;
}

async fn reads_the_errors_of_a_create(server: &mut Server) {
    let fields = json!({ "name": server.stages[OTHER]["name"] });
    let body = json!({ "name": ["stage with this name already exists."], "code": "invalid" });
    refused(create(server, GOOD, &fields).await, 400, &body);
    let fields = json!({ "name": "bad", "from_number": "", "configure_flow": UNKNOWN });
    let body = json!({
        "configure_flow": [format!("Invalid pk \"{UNKNOWN}\" - object does not exist.")],
        "from_number": ["This field may not be blank."],
        "code": "invalid",
    });
    refused(create(server, GOOD, &fields).await, 400, &body);
    let fields = json!({ "name": "bad" });
    refused(create(server, VIEWER, &fields).await, 403, &permission_denied());
    let query = Query { name: Some("bad"), ..Query::default() };
    is_page(list(server, GOOD, query).await, server.page(&[], true, &json!({})));
}

async fn destroys_a_stage(server: &mut Server) {
    let stage = server.stages.pop().unwrap();
    let (pk, name) = (stage["pk"].as_str().unwrap(), stage["name"].as_str().unwrap());
    assert_eq!(name, "made-in-full");
    let (good, viewer) = (to(server, GOOD), to(server, VIEWER));
    let answer = api::stages_authenticator_sms_destroy(&viewer, pk).await;
    refused(answer, 403, &permission_denied());
    api::stages_authenticator_sms_destroy(&good, pk).await.unwrap();
    refused(api::stages_authenticator_sms_destroy(&good, pk).await, 404, &not_found());
    refused(retrieve(server, pk).await, 404, &not_found());
    // The name is free at once.
    let again = create(server, GOOD, &json!({ "name": name })).await.unwrap().pk.to_string();
    assert_ne!(again, pk);
    api::stages_authenticator_sms_destroy(&good, &again).await.unwrap();
}

async fn reads_a_400_about_several_fields(server: &mut Server) {
    let fields = json!({
        "name": server.stages[OTHER]["name"],
        "configure_flow": UNKNOWN,
        "auth": "",
        "mapping": server.flow,
    });
    let invalid = |pk: &str| json!([format!("Invalid pk \"{pk}\" - object does not exist.")]);
    let body = json!({
        "name": ["stage with this name already exists."],
        "configure_flow": invalid(UNKNOWN),
        "auth": ["This field may not be blank."],
        "mapping": invalid(server.flow.as_str().unwrap()),
        "code": "invalid",
    });
    refused(patch(server, STAGE, &fields).await, 400, &body);
    is_stage(server, retrieve(server, server.pk(STAGE)).await, STAGE).await;
}

async fn reads_a_403_for_each_reason(server: &mut Server) {
    let invalid = json!({ "detail": "Token invalid/expired", "code": "authentication_failed" });
    let detail = "Authentication credentials were not provided.";
    let none = json!({ "detail": detail, "code": "not_authenticated" });
    for (token, body) in [
        (None, none),
        (Some("nobody's"), invalid.clone()),
        (Some("expired-token"), invalid),
        (VIEWER, permission_denied()),
    ] {
        let request = patched(&json!({ "name": "refused" }));
        let (configuration, pk) = (to(server, token), server.pk(STAGE));
        let answer =
            api::stages_authenticator_sms_partial_update(&configuration, pk, request).await;
        refused(answer, 403, &body);
    }
    is_stage(server, retrieve(server, server.pk(STAGE)).await, STAGE).await;
}

async fn reads_a_404(server: &mut Server) {
    let request = patched(&json!({ "name": "nowhere" }));
    let good = to(server, GOOD);
    let answer = api::stages_authenticator_sms_partial_update(&good, UNKNOWN, request).await;
    refused(answer, 404, &not_found());
    refused(retrieve(server, UNKNOWN).await, 404, &not_found());
}
