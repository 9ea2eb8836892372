//! Which stages match a list's filters, and which values the filters refuse.

use authenticator_sms_stage::stage::{
    field::Field, filter::Filters, rules::ListRules, value::Value,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{RULES, stage, stage_with, text};

const MAPPING: &str = "3e7b9c05-d2f1-4a68-b4c7-80e5f6a7b8c9";

fn parse_by(rules: &ListRules, parameters: &[(&str, &str)]) -> Filters {
    let last = |key: &str| {
        parameters.iter().rev().find(|(known, _)| *known == key).map(|(_, value)| *value)
    };
    Filters::parse(last, rules)
}

fn parse(parameters: &[(&str, &str)]) -> Filters {
    parse_by(&RULES, parameters)
}

fn problems(filters: &Filters) -> Vec<(&'static str, String)> {
    filters.problems().map(|(name, problem)| (name, problem.to_string())).collect()
}

#[test]
fn a_value_is_compared_by_the_kind_of_its_field() {
    let twilio = Some(Value::Word("twilio"));
    let yes = Some(Value::Boolean(true));
    let mapping = Some(Value::Key(MAPPING.parse().unwrap()));
    let in_braces = format!("{{{}}}", MAPPING.to_uppercase());
    for (parameter, sent, value, matches) in [
        ("from_number", "+1", text("+1"), true),
        ("from_number", " \t+1\u{3000}", text("+1"), true),
        ("from_number", "+", text("+1"), false),
        ("from_number", "+1", text(" +1"), false),
        ("from_number", "", text("+1"), true),
        ("friendly_name", "phone", text("Phone"), false),
        ("friendly_name", "Phone", None, false),
        ("friendly_name", "", None, true),
        ("auth", "secret", Some(Value::secret("secret".to_owned())), true),
        ("auth", "secre", Some(Value::secret("secret".to_owned())), false),
        ("provider", "twilio", twilio.clone(), true),
        ("provider", "generic", twilio.clone(), false),
        ("provider", "", twilio, true),
        ("verify_only", "TRUE", yes.clone(), true),
        ("verify_only", "1", yes.clone(), true),
        ("verify_only", "0", yes.clone(), false),
        ("verify_only", "yes", yes.clone(), true),
        ("verify_only", " false", yes.clone(), true),
        ("mapping", MAPPING, mapping.clone(), true),
        ("mapping", &in_braces, mapping, true),
        ("mapping", MAPPING, None, false),
    ] {
        let filters = parse(&[(parameter, sent)]);
        let stage = stage_with(1, "one", parameter, value);
        assert_eq!(problems(&filters), [], "{parameter}={sent}");
        assert_eq!(filters.matches(&stage, true), matches, "{parameter}={sent}");
    }
}

#[test]
fn all_filters_must_match() {
    let one = stage_with(1, "one", "from_number", text("+1"));
    let uuid = one.uuid.to_string();
    for (parameters, matches) in [
        (vec![], true),
        (vec![("name", "one"), ("from_number", "+1"), ("stage_uuid", &uuid)], true),
        (vec![("name", "one"), ("from_number", "+2")], false),
        (vec![("name", "two"), ("name", "one")], true),
        (vec![("name", "two"), ("name", "")], true),
        (vec![("stage_uuid", " 00000000000000000000000000000002 ")], false),
        (vec![("pk", "x"), ("flow_set", "x"), ("Name", "x"), ("name__in", "x")], true),
    ] {
        let filters = parse(&parameters);
        assert_eq!(problems(&filters), [], "{parameters:?}");
        assert_eq!(filters.matches(&one, true), matches, "{parameters:?}");
    }
}

#[test]
fn all_problems_are_reported_in_the_order_of_the_model() {
    let mut filters = parse(&[
        ("mapping", MAPPING),
        ("configure_flow", " x"),
        ("auth_type", "Basic"),
        ("provider", "fax"),
        ("auth", "a\0b"),
        ("name", "\0"),
        ("stage_uuid", "x"),
    ]);
    let mapping = Field::MAPPING;
    assert_eq!(filters.references().collect::<Vec<_>>(), [(mapping, MAPPING.parse().unwrap())]);
    filters.refuse_reference(mapping);
    let choice =
        |shown| format!("Select a valid choice. {shown} is not one of the available choices.");
    let null = "Null characters are not allowed.".to_owned();
    let expected = [
        ("stage_uuid", "Enter a valid UUID.".to_owned()),
        ("name", null.clone()),
        ("configure_flow", "“ x” is not a valid UUID.".to_owned()),
        ("provider", choice("fax")),
        ("auth", null),
        ("auth_type", choice("Basic")),
        ("mapping", choice("That choice")),
    ];
    assert_eq!(problems(&filters), expected);
}

#[test]
fn a_secret_is_compared_only_if_it_is_shown() {
    let secret = stage_with(1, "one", "auth", Some(Value::secret("s3cr3t".to_owned())));
    for (rules_secrets, shows_secrets, sent, matches) in [
        (true, true, "s3cr3t", true),
        (true, false, "s3cr3t", false),
        (true, false, "guess", false),
        // Ignored, as any unknown parameter.
        (false, false, "s3cr3t", true),
        (false, false, "guess", true),
        (false, true, "guess", true),
        (false, false, "\0", true),
    ] {
        let rules = ListRules { secrets: rules_secrets, ..RULES };
        let filters = parse_by(&rules, &[("auth", sent)]);
        assert_eq!(problems(&filters), []);
        let found = filters.matches(&secret, shows_secrets);
        assert_eq!(found, matches, "{rules_secrets} {shows_secrets} {sent}");
        assert!(sent == "\0" || !format!("{filters:?}").contains(sent));
    }
}

#[test]
fn the_echo_of_a_value_in_a_problem_is_bounded() {
    let long = "x".repeat(10_000);
    for parameter in ["provider", "mapping"] {
        let reported = problems(&parse(&[(parameter, &long)]));
        let [(field, message)] = &reported[..] else { panic!("{reported:?}") };
        assert_eq!(*field, parameter);
        assert!(message.len() < 3_000, "{parameter}: {} bytes", message.len());
    }
}

proptest! {
    #[test]
    fn any_value_is_read_or_refused(name in "[^\0]*", parameter in "[a-z_]*", odd in any::<String>()) {
        let trimmed = name.trim();
        let filters = parse(&[("name", &name)]);
        prop_assert!(filters.matches(&stage(1, trimmed), false));
        prop_assert_eq!(filters.matches(&stage(1, "\0"), false), trimmed.is_empty());
        // Any value is read or refused.
        let filters = parse(&[(&parameter, &odd), ("stage_uuid", &odd), ("mapping", &odd)]);
        let is_uuid = odd.is_empty() || Uuid::try_parse(&odd).is_ok();
        prop_assert_eq!(is_uuid, filters.problems().all(|(name, _)| name != "mapping"));
    }
}
