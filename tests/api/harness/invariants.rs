//! What must be true of the table's items at every instant.

use std::collections::BTreeSet;

use super::{Item, Key, Kind, Snapshot, document, revision, write_ids};

/// The number of write ids that a stage keeps.
const WRITE_IDS_KEPT: usize = 4;

/// Fails with the first invariant that is violated.
pub fn check_invariants(snapshot: &Snapshot) -> Result<(), String> {
    violations(snapshot).into_iter().next().map_or(Ok(()), Err)
}

/// Every invariant that is violated.
pub fn violations(snapshot: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    let mut owned = BTreeSet::new();
    for (key, stage) in snapshot.iter().filter(|(key, _)| key.kind == Kind::Stage) {
        let lock = Key::name(stage["name"].as_s().unwrap());
        let owner = snapshot.get(&lock).map(|lock| lock["stage_uuid"].as_s().unwrap());
        if owner != Some(&key.id) {
            found.push(format!("the lock of {key}'s name belongs to {owner:?}"));
        }
        owned.insert(lock);
        found.extend(unknown_references(snapshot, key, stage));
        found.extend(wrong_write_ids(key, stage));
    }
    for lock in snapshot.keys().filter(|key| key.kind == Kind::Name && !owned.contains(*key)) {
        found.push(format!("{lock} does not lock the name of any stage"));
    }
    found
}

fn unknown_references(snapshot: &Snapshot, key: &Key, stage: &Item) -> Vec<String> {
    let mut found = Vec::new();
    let document = document(stage);
    let mut own_flows = document["flow_set"].as_array().unwrap().iter();
    if let Some(flow) = document["configure_flow"].as_str()
        && !snapshot.contains_key(&Key::flow(flow))
        && !own_flows.any(|own| own["pk"] == flow)
    {
        found.push(format!("{key} refers to flow {flow}, which does not exist"));
    }
    if let Some(mapping) = document["mapping"].as_str()
        && !snapshot.contains_key(&Key::mapping(mapping))
    {
        found.push(format!("{key} refers to mapping {mapping}, which does not exist"));
    }
    found
}

fn wrong_write_ids(key: &Key, stage: &Item) -> Option<String> {
    let ids = write_ids(stage);
    let distinct = ids.iter().collect::<BTreeSet<_>>().len();
    let writes = usize::try_from(revision(stage)).unwrap();
    let is_right = ids.len() == WRITE_IDS_KEPT && distinct == writes.min(WRITE_IDS_KEPT);
    (!is_right).then(|| format!("{key} has {} write ids, {distinct} different", ids.len()))
}
