//! Looks whether the table's items fit together, as they must at every instant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use authenticator_sms_stage::store::item;
use aws_sdk_dynamodb::types::AttributeValue;

use super::check::{Rule, Violation, broken};
use crate::harness::Snapshot;

type Item = HashMap<String, AttributeValue>;

/// What does not fit.
pub fn check(items: &Snapshot) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut report = |words: String| violations.push(broken(Rule::Table, words));
    let mut locks = BTreeMap::new();
    for (key, stage) in of_kind(items, "STAGE#") {
        let uuid = key.trim_start_matches("STAGE#");
        let lock = item::name_key(text(stage, "name"));
        let owner = items.get(&lock).map(|lock| text(lock, "stage_uuid"));
        if owner != Some(uuid) {
            report(format!("{key}: its name's lock is of {owner:?}"));
        }
        locks.insert(lock, key);
        let flow = stage["configure_flow"].as_s().ok();
        if flow.is_some_and(|flow| !has_flow(items, stage, flow)) {
            report(format!("{key}: no flow {flow:?}"));
        }
        let mapping = stage["mapping"].as_s().ok();
        if mapping.is_some_and(|mapping| !items.contains_key(&format!("MAPPING#{mapping}"))) {
            report(format!("{key}: no mapping {mapping:?}"));
        }
        let ids: Vec<_> = stage["write_ids"].as_l().unwrap().iter().map(|id| id.as_s()).collect();
        let distinct = ids.iter().map(|id| id.unwrap()).collect::<BTreeSet<_>>().len();
        let revision: usize = stage["revision"].as_n().unwrap().parse().unwrap();
        if ids.len() != item::WRITE_IDS_KEPT || distinct != revision.min(ids.len()) {
            report(format!("{key}: {distinct} of the last {} writes are known", ids.len()));
        }
    }
    for (key, lock) in of_kind(items, "NAME#") {
        if !locks.contains_key(key) {
            report(format!("the name {} is locked and no stage's", text(lock, "name")));
        }
    }
    violations
}

fn of_kind<'s>(
    items: &'s Snapshot,
    prefix: &'static str,
) -> impl Iterator<Item = (&'s String, &'s Item)> {
    items.iter().filter(move |(key, _)| key.starts_with(prefix))
}

fn text<'i>(item: &'i Item, attribute: &str) -> &'i str {
    item[attribute].as_s().unwrap()
}

fn has_flow(items: &Snapshot, stage: &Item, flow: &str) -> bool {
    let flows = stage["flow_set"].as_l().unwrap();
    items.contains_key(&format!("FLOW#{flow}"))
        || flows.iter().any(|own| text(own.as_m().unwrap(), "pk") == flow)
}
