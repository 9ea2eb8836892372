//! Query parameters, which are the same for every trigger.

use authenticator_sms_stage::http::{query::Query, trigger::Trigger};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TRIGGERS, event_with, request};

fn pairs(query: &Query<'_>) -> Vec<(String, String)> {
    query.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_query_string_is_read_as_django_reads_it() {
    for (text, expected) in [
        ("", &[][..]),
        ("&&", &[]),
        ("a=1&b=2", &[("a", "1"), ("b", "2")]),
        ("a=1&a=2&a=", &[("a", "1"), ("a", "2"), ("a", "")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=1", &[("", "1")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a=1;b=2", &[("a", "1;b=2")]),
        ("a=x+y%20z%2B", &[("a", "x y z+")]),
        ("a+b%3D=1", &[("a b=", "1")]),
        ("a=%C3%A9", &[("a", "é")]),
        ("a=é", &[("a", "é")]),
        ("a=%c3%a9", &[("a", "é")]),
        ("a=%ff%C3", &[("a", "\u{fffd}\u{fffd}")]),
        ("a=%zz%1%&b=%", &[("a", "%zz%1%"), ("b", "%")]),
        ("a=%2541", &[("a", "%41")]),
        ("a=%26b%3D1", &[("a", "&b=1")]),
        ("a=%00\u{1}", &[("a", "\0\u{1}")]),
        ("?a=1#b", &[("?a", "1#b")]),
    ] {
        assert_eq!(pairs(&Query::parse(text)), owned(expected), "{text:?}");
    }
}

#[test]
fn the_last_value_of_a_key_is_used_and_keys_are_case_sensitive() {
    let query = Query::parse("name=a&Name=b&name=&%6eame=c&page");
    assert_eq!(query.last("name"), Some("c"));
    assert_eq!(query.last("Name"), Some("b"));
    assert_eq!(query.last("page"), Some(""));
    assert_eq!(query.last("pag"), None);
    assert_eq!(Query::parse("name=a&name=").last("name"), Some(""));
}

#[test]
fn every_trigger_gives_the_same_query() {
    let decoded = json!({"ordering": ["-name", "name"], "search": ["a b+c%"], "page": [""]});
    let encoded = json!({"ordering": ["-name", "name"], "search": ["a+b%2Bc%25"], "page": [""]});
    let text = "ordering=-name&ordering=name&search=a+b%2Bc%25&page";
    for (trigger, members) in [
        (Trigger::HttpApi, json!({"rawQueryString": text, "queryStringParameters": {"x": "y"}})),
        (Trigger::RestApi, json!({"multiValueQueryStringParameters": decoded})),
        (
            Trigger::RestApi,
            json!({
                "multiValueQueryStringParameters": decoded,
                "queryStringParameters": {"ordering": "name", "search": "a b+c%", "page": ""},
            }),
        ),
        (Trigger::LoadBalancer, json!({"multiValueQueryStringParameters": encoded})),
    ] {
        let request = request(&event_with(trigger, &members));
        let expected =
            [("ordering", "-name"), ("ordering", "name"), ("search", "a b+c%"), ("page", "")];
        assert_eq!(pairs(&request.query()), owned(&expected), "{members}");
    }
}

#[test]
fn an_event_may_have_single_values_or_no_query() {
    let single = |value: &str| json!({"queryStringParameters": {"search": value}});
    let nothing: Value = json!({
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "rawQueryString": null,
    });
    for (trigger, members, expected) in [
        (Trigger::RestApi, single("a%20+b"), Some("a%20+b")),
        (Trigger::HttpApi, single("a%20+b"), Some("a%20+b")),
        (Trigger::LoadBalancer, single("a%20+b"), Some("a  b")),
        (Trigger::LoadBalancer, json!({"queryStringParameters": {"se%61rch": "x"}}), Some("x")),
        (
            Trigger::RestApi,
            json!({
                "multiValueQueryStringParameters": {}, "queryStringParameters": {"search": "x"},
            }),
            Some("x"),
        ),
        (Trigger::RestApi, json!({"queryStringParameters": {"search": null}}), None),
        (Trigger::HttpApi, json!({"rawQueryString": ""}), None),
    ] {
        let request = request(&event_with(trigger, &members));
        assert_eq!(request.query().last("search"), expected, "{trigger:?}: {members}");
    }
    for trigger in TRIGGERS {
        for members in [&json!({}), &nothing] {
            let request = request(&event_with(trigger, members));
            assert_eq!(pairs(&request.query()), [], "{trigger:?}: {members}");
        }
    }
}

/// Percent-encodes every byte, as a client may.
fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

proptest! {
    #[test]
    fn any_text_is_a_valid_query(text in ".*") {
        let query = Query::parse(&text);
        prop_assert!(query.iter().count() <= text.split('&').count());
        prop_assert_eq!(query.last("\u{0}no such key"), None);
    }

    #[test]
    fn encoded_parameters_are_decoded_unchanged(
        sent in prop::collection::vec((".*", ".*"), 0..5),
    ) {
        let parts = sent.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value)));
        let text = parts.collect::<Vec<_>>().join("&");
        prop_assert_eq!(pairs(&Query::parse(&text)), sent);
    }
}
