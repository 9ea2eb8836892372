//! The order in which stages are listed.

use std::collections::BTreeSet;

use authenticator_sms_stage::stage::{order::Order, rules::ListRules, stage::Stage, value::Value};
use proptest::prelude::*;
use uuid::Uuid;

use super::{RULES, stage, stage_with, text};

fn sorted<'s>(stages: &'s [Stage], ordering: Option<&str>, rules: &ListRules) -> Vec<&'s str> {
    let order = Order::parse(ordering, rules);
    let mut keyed: Vec<_> = stages.iter().map(|stage| (order.key(stage, true), stage)).collect();
    keyed.sort_by(|one, other| one.0.cmp(&other.0));
    keyed.iter().map(|(_, stage)| stage.name()).collect()
}

#[test]
fn names_are_ordered_by_their_bytes() {
    let names = ["", "10", "2", "Z", "a", "z", "Ä", "ａ", "😀"];
    let stages: Vec<_> = names.iter().rev().map(|name| stage(1, name)).collect();
    for ordering in [None, Some(""), Some(" , ,"), Some("name"), Some(" name ,-name")] {
        assert_eq!(sorted(&stages, ordering, &RULES), names, "{ordering:?}");
    }
    let reversed: Vec<_> = names.iter().rev().copied().collect();
    assert_eq!(sorted(&stages, Some("-name,name"), &RULES), reversed);
}

/// The sort keys of a list stay small, although a name can have nearly 400 KB.
#[test]
fn texts_are_compared_by_their_first_kilobyte() {
    let beginning = "é".repeat(512);
    let long = |end: &str| format!("{beginning}{}{end}", "x".repeat(300_000));
    let names = [long("b"), long("a"), format!("{beginning}a"), "f".to_owned()];
    let stages: Vec<_> = (1..).zip(&names).map(|(key, name)| stage(key, name)).collect();
    let expected = ["f", &names[0], &names[1], &names[2]];
    assert_eq!(
        sorted(&stages, None, &RULES),
        expected,
        "equal beginnings are in the order of keys"
    );
    // The first kilobyte ends within the character.
    let names = ["é", "a"].map(|end| format!("{}{end}", "x".repeat(1023)));
    let stages: Vec<_> = (1..).zip(&names).map(|(key, name)| stage(key, name)).collect();
    assert_eq!(sorted(&stages, None, &RULES), [&names[1], &names[0]]);
}

#[test]
fn unknown_terms_are_ignored() {
    let stages = [stage(2, "a"), stage(1, "b")];
    for ordering in [
        "stage_uuid",
        "component",
        "Name",
        "--name",
        "- pk",
        "-",
        "?",
        "pk\0",
        "flow_set",
        "-flow_set",
        "name__in",
    ] {
        assert_eq!(sorted(&stages, Some(ordering), &RULES), ["a", "b"], "{ordering}");
        let with_known = format!("{ordering}, -name");
        assert_eq!(sorted(&stages, Some(&with_known), &RULES), ["b", "a"], "{ordering}");
    }
}

#[test]
fn each_kind_of_value_has_its_order() {
    let no = Some(Value::Boolean(false));
    let yes = Some(Value::Boolean(true));
    let key = |number| Some(Value::Key(Uuid::from_u128(number)));
    let secret = |text: &str| Some(Value::secret(text.to_owned()));
    for (field, less, more) in [
        ("verify_only", no, yes),
        ("mapping", key(1), key(2)),
        ("configure_flow", key(1), key(1 << 100)),
        ("provider", Some(Value::Word("generic")), Some(Value::Word("twilio"))),
        ("auth", secret("A"), secret("a")),
        ("friendly_name", text(""), text("a")),
        ("friendly_name", text("zzz"), None),
        ("mapping", key(u128::MAX), None),
    ] {
        let stages = [stage_with(1, "b", field, less), stage_with(2, "a", field, more)];
        let descending = format!("-{field}");
        assert_eq!(sorted(&stages, Some(field), &RULES), ["b", "a"], "{field}");
        assert_eq!(sorted(&stages, Some(&descending), &RULES), ["a", "b"], "{field}");
    }
}

#[test]
fn the_rules_determine_where_null_is_listed() {
    let named = stage_with(1, "named", "friendly_name", text("a"));
    let unnamed = stage_with(2, "unnamed", "friendly_name", None);
    let stages = [named, unnamed];
    for (nulls_first, null_display_name, first) in
        [(false, true, "named"), (true, true, "unnamed"), (false, false, "unnamed")]
    {
        let rules = ListRules { nulls_first, null_display_name, ..RULES };
        assert_eq!(sorted(&stages, Some("friendly_name"), &rules)[0], first);
        assert_eq!(sorted(&stages, Some("-friendly_name"), &rules)[1], first);
    }
}

#[test]
fn equal_stages_are_ordered_by_name_and_then_by_key() {
    let stages = [stage(1, "b"), stage(2, "a"), stage(3, "c")];
    for ordering in ["provider", "-provider", "-verify_only,-mapping"] {
        assert_eq!(sorted(&stages, Some(ordering), &RULES), ["a", "b", "c"], "{ordering}");
    }
    assert_eq!(sorted(&stages, Some("pk"), &RULES), ["b", "a", "c"]);
    let twins = [stage(2, "a"), stage(1, "a")];
    let order = Order::parse(Some("-name"), &RULES);
    assert!(order.key(&twins[1], true) < order.key(&twins[0], true));
}

#[test]
fn a_hidden_secret_does_not_affect_the_order() {
    let secret = |text: &str| Some(Value::secret(text.to_owned()));
    let stages = [stage_with(1, "b", "auth", secret("1")), stage_with(2, "a", "auth", secret("2"))];
    let order = Order::parse(Some("auth"), &RULES);
    assert!(order.key(&stages[0], true) < order.key(&stages[1], true));
    assert!(order.key(&stages[0], false) > order.key(&stages[1], false));
    let rules = ListRules { secrets: false, ..RULES };
    assert_eq!(Order::parse(Some("auth"), &rules), Order::parse(None, &rules));
}

#[test]
fn stages_of_any_kind_are_ordered_only_by_key_and_name() {
    let parse = |ordering| Order::parse_for_any_kind(Some(ordering), &RULES);
    assert_eq!(parse("provider,-auth"), parse("name"));
    assert_eq!(parse("provider,-pk"), Order::parse(Some("-pk"), &RULES));
}

prop_compose! {
    fn any_stage()(
        number in 0..4_u128,
        name in "[ab]?",
        display_name in prop::option::of("[ab]?"),
        mapping in prop::option::of(0..2_u128),
        verify_only: bool,
    ) -> Stage {
        let mut stage = stage(number, &name);
        for (field, value) in [
            ("friendly_name", display_name.map(Value::Text)),
            ("mapping", mapping.map(|key| Value::Key(Uuid::from_u128(key)))),
            ("verify_only", Some(Value::Boolean(verify_only))),
        ] {
            let field = authenticator_sms_stage::stage::field::Field::from_name(field);
            stage.set(field.unwrap(), value);
        }
        stage
    }
}

proptest! {
    #[test]
    fn every_order_is_total(
        stages in prop::collection::vec(any_stage(), 3),
        ordering in "(-?(pk|name|friendly_name|mapping|verify_only|auth|x),?){0,4}",
        nulls_first: bool,
        null_display_name: bool,
    ) {
        let rules = ListRules { nulls_first, null_display_name, ..RULES };
        let order = Order::parse(Some(&ordering), &rules);
        let keys: Vec<_> = stages.iter().map(|stage| order.key(stage, true)).collect();
        let (one, two, three) = (&keys[0], &keys[1], &keys[2]);
        prop_assert_eq!(one.cmp(two), two.cmp(one).reverse());
        prop_assert!(!(one <= two && two <= three) || one <= three);
        // Two stages compare as equal only if they are the same.
        prop_assert!(one.cmp(two).is_ne() || stages[0].uuid == stages[1].uuid);
    }

    #[test]
    fn any_text_is_an_ordering(ordering in any::<String>(), names in prop::collection::vec("[a-c]{0,2}", 0..6)) {
        let order = Order::parse(Some(&ordering), &RULES);
        let stages = (0..).zip(&names).map(|(number, name)| stage(number, name));
        let keys: BTreeSet<_> = stages.map(|stage| order.key(&stage, false)).collect();
        prop_assert_eq!(keys.len(), names.len());
        prop_assert!(keys.iter().all(|key| key.uuid().as_u128() < 6));
    }
}
