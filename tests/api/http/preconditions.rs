//! Entity tags, and what `If-Match` and `If-None-Match` allow.

use authenticator_sms_stage::http::{
    error::MalformedTags,
    precondition::{EntityTag, Preconditions, ReadOutcome, Tags},
};
use proptest::prelude::*;

use super::{TRIGGERS, event_with_headers, request};

const CURRENT: &str = "\"3-0123abcd\"";
const WEAK: &str = "W/\"3-0123abcd\"";
const OTHER: &str = "\"2-0123abcd\"";
const FOREIGN: &str = "\"abc\"";

fn current() -> EntityTag {
    EntityTag::new(3, "0123abcd456789ef0123abcd456789ef")
}

fn parse(value: &str) -> Result<Tags, MalformedTags> {
    Tags::parse([value].into_iter())
}

fn preconditions(if_match: Option<&str>, if_none_match: Option<&str>) -> Preconditions {
    Preconditions {
        if_match: Tags::parse(if_match.into_iter()).unwrap(),
        if_none_match: Tags::parse(if_none_match.into_iter()).unwrap(),
    }
}

#[test]
fn a_version_is_read_only_in_its_canonical_form() {
    assert_eq!(current().to_string(), CURRENT);
    for (tag, is_read) in [
        (CURRENT, true),
        ("\"0-0123abcd\"", true),
        ("\"18446744073709551615-0123abcd\"", true),
        ("\"18446744073709551616-0123abcd\"", false),
        ("\"03-0123abcd\"", false),
        ("\"+3-0123abcd\"", false),
        ("\"00-0123abcd\"", false),
        ("\"-0123abcd\"", false),
        ("\"3-0123abc\"", false),
        ("\"3-0123abcde\"", false),
        ("\"3_0123abcd\"", false),
        ("\"\"", false),
    ] {
        let tags = parse(tag).unwrap();
        let read: Vec<_> = tags.versions().map(ToString::to_string).collect();
        assert_eq!(read, if is_read { vec![tag] } else { vec![] }, "{tag}");
        assert!(matches!(tags, Tags::OneOf(_)), "{tag}");
    }
}

#[test]
fn a_list_of_tags_is_read_by_the_rules_of_http() {
    for (value, strong, all) in [
        (CURRENT.to_owned(), 1, 1),
        (WEAK.to_owned(), 0, 1),
        (format!("{CURRENT},{WEAK} ,\t{OTHER}"), 2, 3),
        (format!(" ,, {CURRENT}\t,, "), 1, 1),
        (format!("{FOREIGN}, \"a,b\", \"é\""), 0, 0),
    ] {
        let tags = parse(&value).unwrap();
        assert_eq!(
            (tags.strong_versions().count(), tags.versions().count()),
            (strong, all),
            "{value}"
        );
    }
    for value in [
        "",
        " , ",
        "3-0123abcd",
        "\"abc",
        "\"a\" \"b\"",
        "\"a\"b",
        "\"a b\"",
        "w/\"a\"",
        "W/ \"a\"",
        "W/",
        "*, \"a\"",
        "**",
        "\"*\", *",
        "\"a\", b",
        "\"a\u{7f}\"",
    ] {
        assert_eq!(parse(value), Err(MalformedTags), "{value:?}");
    }
}

#[test]
fn several_headers_with_one_name_are_one_list() {
    let parse = |values: &[&str]| Tags::parse(values.iter().copied());
    assert_eq!(parse(&[]), Ok(Tags::Absent));
    assert_eq!(parse(&[" * "]), Ok(Tags::Any));
    assert_eq!(parse(&[CURRENT, OTHER]), parse(&[&format!("{CURRENT}, {OTHER}")]));
    for values in [&["*", "*"][..], &["*", CURRENT], &[CURRENT, "*"], &[CURRENT, ""]] {
        assert_eq!(parse(values), Err(MalformedTags), "{values:?}");
    }
}

#[test]
fn if_match_compares_strongly_and_if_none_match_weakly() {
    use ReadOutcome::{Failed, NotModified, Proceed};
    for (if_match, if_none_match, may_change, on_read) in [
        (None, None, true, Proceed),
        (Some(CURRENT), None, true, Proceed),
        (Some("*"), None, true, Proceed),
        (Some(WEAK), None, false, Failed),
        (Some(OTHER), None, false, Failed),
        (Some(FOREIGN), None, false, Failed),
        (None, Some(CURRENT), false, NotModified),
        (None, Some(WEAK), false, NotModified),
        (None, Some("*"), false, NotModified),
        (None, Some(OTHER), true, Proceed),
        (None, Some(FOREIGN), true, Proceed),
        (Some(CURRENT), Some(OTHER), true, Proceed),
        (Some(CURRENT), Some(CURRENT), false, NotModified),
        (Some("*"), Some("*"), false, NotModified),
        // If-Match is evaluated first.
        (Some(OTHER), Some(CURRENT), false, Failed),
        (Some(OTHER), Some("*"), false, Failed),
    ] {
        let conditions = preconditions(if_match, if_none_match);
        let why = format!("{if_match:?} {if_none_match:?}");
        assert_eq!(conditions.allow_change(Some(&current())), may_change, "{why}");
        assert_eq!(conditions.on_read(Some(&current())), on_read, "{why}");
    }
}

#[test]
fn without_a_stage_if_match_never_holds_and_if_none_match_always_does() {
    for (if_match, if_none_match, holds) in [
        (None, None, true),
        (Some("*"), None, false),
        (Some(CURRENT), None, false),
        (None, Some("*"), true),
        (None, Some(CURRENT), true),
        (Some("*"), Some("*"), false),
    ] {
        let conditions = preconditions(if_match, if_none_match);
        assert_eq!(conditions.allow_change(None), holds, "{if_match:?} {if_none_match:?}");
        let on_read = if holds { ReadOutcome::Proceed } else { ReadOutcome::Failed };
        assert_eq!(conditions.on_read(None), on_read, "{if_match:?} {if_none_match:?}");
    }
}

#[test]
fn a_request_has_the_conditions_of_its_headers_on_every_trigger() {
    for trigger in TRIGGERS {
        let headers = [("IF-MATCH", CURRENT), ("if-none-match", WEAK)];
        let found = request(&event_with_headers(trigger, &headers)).preconditions();
        assert_eq!(found, Ok(preconditions(Some(CURRENT), Some(WEAK))), "{trigger:?}");
        let bare = request(&event_with_headers(trigger, &[])).preconditions();
        assert_eq!(bare, Ok(Preconditions::default()), "{trigger:?}");
        for name in ["If-Match", "If-None-Match"] {
            let found = request(&event_with_headers(trigger, &[(name, "3")])).preconditions();
            assert_eq!(found, Err(MalformedTags), "{trigger:?} {name}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(values in prop::collection::vec("[*,W/\"a \\PC-]*", 0..4)) {
        let tags = Tags::parse(values.iter().map(String::as_str));
        prop_assert_eq!(values.is_empty(), tags == Ok(Tags::Absent));
    }

    #[test]
    fn every_version_is_read_as_it_was_written(revision: u64, write_id in "[0-9a-f]{32}") {
        let version = EntityTag::new(revision, &write_id);
        let tags = parse(&version.to_string()).unwrap();
        prop_assert_eq!(tags.strong_versions().collect::<Vec<_>>(), vec![&version]);
    }
}
