//! The permissions that docs/deploy.md lists for each operators' command, compared with its calls.

use std::collections::{BTreeMap, BTreeSet};

use authenticator_sms_stage::store::check;
use serde_json::{Value, json};

use crate::harness::{
    FIXTURE, GOOD, Kind, MAPPING, OTHER_STAGE, STAGE, TestApp, key,
    library::{self, OnConflict, TokenKey, VIEW},
    policy::{Action, needed},
    stage_with,
};

const DOCUMENT: &str = include_str!("../../docs/deploy.md");

/// The actions in the section's table, by command.
fn documented() -> BTreeMap<String, BTreeSet<Action>> {
    let section = DOCUMENT.split("\n## Operators' permissions\n").nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let mut commands = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let command = cells[0].trim_matches('`').to_owned();
        let needs = cells[1].replace("all five", "`STAGE` `NAME` `FLOW` `MAPPING` `TOKEN`");
        let actions = actions(&needs, &commands);
        commands.insert(command, actions);
    }
    commands
}

/// Reads "`PutItem` and `DeleteItem` on `NAME`; …": kinds apply to the actions before them, and
/// another command's name stands for all of its actions.
fn actions(needs: &str, commands: &BTreeMap<String, BTreeSet<Action>>) -> BTreeSet<Action> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<&str> = Vec::new();
    let mut has_kind = false;
    for word in needs.split('`').skip(1).step_by(2).filter(|word| !word.starts_with("--")) {
        if let Some(kind) = Kind::parse(word) {
            found.extend(pending.iter().map(|action| ((*action).to_owned(), kind)));
            has_kind = true;
        } else if let Some(other) = commands.get(word) {
            found.extend(other.iter().cloned());
        } else {
            if has_kind {
                pending.clear();
            }
            pending.push(word);
            has_kind = false;
        }
    }
    found
}

fn used(app: &TestApp) -> BTreeSet<Action> {
    app.dynamodb.calls().iter().flat_map(needed).collect()
}

/// The fixture, with its first stage renamed and given every reference.
fn changed_fixture() -> String {
    let mut fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    fixture["stages"][0] = stage_with(json!({"name": "renamed", "mapping": MAPPING}));
    fixture.to_string()
}

#[tokio::test]
async fn each_command_needs_exactly_what_the_documentation_says() {
    let documented = documented();
    let app = TestApp::new().await;
    let session = app.table.session();
    let stage = STAGE.parse().unwrap();
    let hash = TokenKey::new(GOOD.to_owned()).hash();
    app.dynamodb.calls();

    let assert_needs = |command: &str| assert_eq!(used(&app), documented[command], "{command}");
    session.stages(|_| {}).await.unwrap();
    assert_needs("list");
    session.inspect(stage).await.unwrap();
    assert_needs("get");
    for on_conflict in [OnConflict::Skip, OnConflict::Overwrite] {
        library::load_files(&app.table, &[&changed_fixture()], on_conflict).await;
    }
    assert_needs("load");
    session.tokens().await.unwrap();
    assert_needs("token list");
    library::put_token(&app.table, "new-key", "user", &[VIEW], None).await;
    session.inspect(stage).await.unwrap();
    assert_needs("token create");
    session.find_tokens(&hash.as_str()[..8]).await.unwrap();
    let _ = session.revoke_token(&hash).await.unwrap();
    assert_needs("token revoke");
    let _ = session.remove(OTHER_STAGE.parse().unwrap()).await.unwrap();
    let _ = app.table.session().remove_by_force(stage).await.unwrap();
    assert_needs("delete");
}

#[tokio::test]
async fn a_check_of_a_broken_table_needs_no_more_than_the_documentation_says() {
    let documented = documented();
    let app = TestApp::new().await;
    for lost in [key::Key::name("sms-setup"), key::Key::flow(crate::harness::CONFIGURE_FLOW)] {
        let delete = app.client.delete_item().table_name(&app.table_name);
        delete.set_key(Some(lost.attributes())).send().await.unwrap();
    }
    app.dynamodb.calls();
    let checked = check::check(&app.table, |_, _| {}).await.unwrap();
    assert!(!checked.findings.is_empty(), "the lost lock is found");
    let needed_to_check = used(&app);
    let queries: BTreeSet<_> =
        Kind::ALL.into_iter().map(|kind| ("Query".to_owned(), kind)).collect();
    assert!(needed_to_check.is_superset(&queries), "every kind is read");
    assert!(needed_to_check.is_subset(&documented["check"]), "{needed_to_check:?}");
}
