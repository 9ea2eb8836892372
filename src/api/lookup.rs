//! Related objects that clients look up: flows, stages of every kind, the server's settings.
//!
//! authentik's Terraform provider takes a 404 from any path to mean that an object is gone, and
//! then writes null instead of the object's key. So its lookups must be answered.

use serde_json::json;

use super::{
    answer::Answer,
    context::Context,
    error::Error,
    list::{Listing, one_page, search, select},
};
use crate::{
    contract::document::{CommonStageDocument, FlowDocument, ListDocument},
    stage::{
        echo::Echo,
        field::{FLOW_DESIGNATION, FLOW_FIELDS, Field, Kind},
        flow::Flow,
        order::Order,
        paging::Paging,
        problem::Problem,
        stage::Stage,
    },
};

/// GET of `/stages/all/`: the stages, in the form that is common to stages of every kind.
///
/// # Errors
///
/// See the status beside each line.
pub async fn all_stages(cx: &Context<'_>) -> Result<Answer, Error> {
    let query = cx.request.query();
    let rules = cx.contract.list_rules(cx.secrets);
    let search = search(&query)?; // 400
    let may = cx.caller.may_list()?; // 403
    let name = query.last("name").map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.contains('\0')) {
        return Err(Error::BadParameters(vec![("name", Problem::NullCharacter)])); // 400
    }
    let order = Order::parse_for_any_kind(query.last("ordering"), &rules);
    let listing = Listing {
        search: &search,
        is_wanted: |stage: &Stage| name.is_none_or(|name| name == stage.name()),
        sort_key: |stage: &Stage| order.key(stage, false),
        is_shown: |field| [Field::NAME, Field::FLOW_SET].contains(&field),
    };
    let selection = select(cx, &may, &rules, &listing).await?; // 403
    let (page, stages) = one_page(cx, &query, &rules, selection, &listing).await?; // 404, 400
    let contract = cx.contract;
    let documents =
        stages.iter().map(|stored| CommonStageDocument { contract, stage: &stored.stage });
    let results: Vec<_> = documents.collect();
    Answer::body(&ListDocument { contract, page, results: &results })
}

/// GET of `/flows/instances/`: the flows that a stage may refer to. Callers who may view a stage,
/// or flows, may look them up: they appear in stages anyway.
///
/// # Errors
///
/// See the status beside each line.
pub async fn flows(cx: &Context<'_>) -> Result<Answer, Error> {
    let query = cx.request.query();
    let rules = cx.contract.list_rules(cx.secrets);
    let search = search(&query)?; // 400
    if !cx.caller.can_view_flows() {
        cx.caller.may_list()?; // 403
    }
    let designation = designation(query.last("designation"))?; // 400
    let slug = query.last("slug").map(str::trim).filter(|slug| !slug.is_empty());
    let mut flows = cx.session.flows().await?;
    flows.retain(|flow| {
        let designated = flow.text(FLOW_DESIGNATION);
        slug.is_none_or(|slug| slug == flow.slug())
            && designation.is_none_or(|designation| designation == designated)
            && search.matches(&[flow.name(), flow.slug(), designated, flow.title()])
    });
    sort(&mut flows, query.last("ordering"));
    let paging = Paging::parse(query.last("page"), query.last("page_size"), &rules);
    let page = paging.page(flows.len()).map_err(|_| Error::InvalidPage)?; // 404
    let contract = cx.contract;
    let shown = flows.get(page.range()).unwrap_or_default();
    let results: Vec<_> =
        shown.iter().map(|flow| FlowDocument { contract, flow, is_listed: true }).collect();
    Answer::body(&ListDocument { contract, page, results: &results })
}

/// Reads the parameter `designation`.
fn designation(sent: Option<&str>) -> Result<Option<&str>, Error> {
    let Kind::Choice(words) = FLOW_FIELDS[FLOW_DESIGNATION].kind else {
        return Ok(None);
    };
    match sent.filter(|sent| !sent.is_empty()) {
        Some(sent) if !words.contains(&sent) => {
            Err(Error::BadParameters(vec![("designation", Problem::NotAnOption(Echo::of(sent)))]))
        }
        other => Ok(other),
    }
}

/// Sorts by the first known term; by slug if there is none.
fn sort(flows: &mut [Flow], ordering: Option<&str>) {
    let mut terms = ordering.unwrap_or_default().split(',').map(str::trim);
    let is_known = |term: &&str| ["name", "-name", "slug", "-slug"].contains(term);
    match terms.find(is_known) {
        Some("name") => flows.sort_by(|one, other| one.name().cmp(other.name())),
        Some("-name") => flows.sort_by(|one, other| other.name().cmp(one.name())),
        Some("-slug") => flows.sort_by(|one, other| other.slug().cmp(one.slug())),
        _ => flows.sort_by(|one, other| one.slug().cmp(other.slug())),
    }
}

/// GET of `/root/config/`, without credentials: the minimum that clients decode before they do
/// anything else. Error reporting to authentik's developers is off.
///
/// # Errors
///
/// None.
pub fn root_config() -> Result<Answer, Error> {
    Answer::body(&json!({
        "error_reporting": {
            "enabled": false,
            "sentry_dsn": "",
            "environment": "",
            "send_pii": false,
            "traces_sample_rate": 0.0,
        },
        "capabilities": [],
        "cache_timeout": 300,
        "cache_timeout_flows": 300,
        "cache_timeout_policies": 300,
        "cache_timeout_reputation": 300,
    }))
}
