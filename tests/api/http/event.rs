//! Events of every trigger become requests; others are recognised or refused with a reason.

use authenticator_sms_stage::http::{
    error::NotBase64, event::Event, media_type::is_json, request::Authorization, trigger::Trigger,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TRIGGERS, bare_event, event_with, event_with_headers, read, request, with_method};

#[test]
fn methods_are_case_insensitive() {
    for trigger in TRIGGERS {
        for (sent, method, is_head) in [
            ("PATCH", "PATCH", false),
            ("patch", "PATCH", false),
            ("PaTcH", "PATCH", false),
            ("head", "HEAD", true),
            ("brew", "BREW", false),
            ("", "", false),
        ] {
            let request = request(&with_method(bare_event(trigger), sent));
            assert_eq!((request.method(), request.is_head()), (method, is_head), "{trigger:?}");
            assert_eq!(request.path(), "/p/", "{trigger:?}");
        }
    }
}

#[test]
fn a_header_is_found_in_any_letter_case_on_every_trigger() {
    for trigger in TRIGGERS {
        let event = event_with_headers(
            trigger,
            &[("CONTENT-type", "a/b"), ("user-Agent", "curl/8"), ("origin", "https://x")],
        );
        let request = request(&event);
        assert_eq!(request.content_type(), Some("a/b"), "{trigger:?}");
        assert_eq!(request.user_agent(), Some("curl/8"), "{trigger:?}");
        assert_eq!(request.origin(), Some("https://x"), "{trigger:?}");
        assert_eq!(request.header("accept"), None, "{trigger:?}");
    }
}

#[test]
fn several_authorizations_are_distinguished_from_one() {
    let single = |value: &str| json!({"headers": {"Authorization": value}});
    for (members, expected) in [
        (json!({}), "missing"),
        (json!({"headers": null, "multiValueHeaders": null}), "missing"),
        (json!({"headers": {"Authorization": null}}), "missing"),
        (json!({"multiValueHeaders": {"Authorization": [null]}}), "missing"),
        (single("Bearer a"), "Bearer a"),
        (json!({"headers": {"authorization": "a", "Authorization": "b"}}), "several"),
        (json!({"multiValueHeaders": {"Authorization": ["a", "a"]}}), "several"),
        (json!({"multiValueHeaders": {"A": ["x"]}, "headers": {"Authorization": "a"}}), "a"),
        (
            json!({"multiValueHeaders": {"Authorization": ["a"]}, "headers": {"authorization": "a"}}),
            "a",
        ),
        (
            json!({"multiValueHeaders": {"Authorization": ["a"]}, "headers": {"authorization": "b"}}),
            "several",
        ),
    ] {
        for trigger in TRIGGERS {
            let request = request(&event_with(trigger, &members));
            let found = match request.authorization() {
                Authorization::Missing => "missing",
                Authorization::One(value) => value,
                Authorization::Several => "several",
            };
            assert_eq!(found, expected, "{trigger:?}: {members}");
        }
    }
}

#[test]
fn a_body_is_decoded_to_its_bytes() {
    let cases: [(Value, Result<&[u8], NotBase64>); 9] = [
        (json!({}), Ok(b"")),
        (json!({"body": null, "isBase64Encoded": null}), Ok(b"")),
        (json!({"body": "{\"é\": 1}"}), Ok("{\"é\": 1}".as_bytes())),
        (json!({"body": "e30=", "isBase64Encoded": false}), Ok(b"e30=")),
        (json!({"body": "e30=", "isBase64Encoded": true}), Ok(b"{}")),
        (json!({"body": "/w==", "isBase64Encoded": true}), Ok(b"\xff")),
        (json!({"body": "", "isBase64Encoded": true}), Ok(b"")),
        (json!({"body": "e30", "isBase64Encoded": true}), Err(NotBase64)),
        (json!({"body": "{}", "isBase64Encoded": true}), Err(NotBase64)),
    ];
    for (members, expected) in cases {
        for trigger in TRIGGERS {
            let request = request(&event_with(trigger, &members));
            let body = request.body();
            assert_eq!(body.as_deref().map_err(|error| *error), expected, "{trigger:?}: {members}");
        }
    }
}

#[test]
fn an_event_that_cannot_be_read_is_still_an_http_event() {
    for (members, why) in [
        (json!({"headers": [1]}), "headers are an object"),
        (json!({"headers": {"a": {}}}), "a header is a text"),
        (json!({"headers": {"a": 7}}), "a header is a text"),
        (json!({"multiValueHeaders": {"a": [["b"]]}}), "a header is a text"),
        (json!({"body": {"auth": "CANARY"}}), "a body is a text"),
        (json!({"isBase64Encoded": "yes"}), "a flag is a boolean"),
        (json!({"path": 7, "rawPath": 7}), "a path is a text"),
        (json!({"multiValueQueryStringParameters": "a=b"}), "parameters are an object"),
    ] {
        for trigger in TRIGGERS {
            match read(&event_with(trigger, &members)) {
                Ok(Event::Http { trigger: found, request: None }) => assert_eq!(found, trigger),
                other => panic!("{why}: {other:?}"),
            }
        }
    }
}

#[test]
fn warm_up_and_scheduled_events_are_recognised() {
    for (event, expected) in [
        (json!({"source": "serverless-plugin-warmup"}), "serverless-plugin-warmup"),
        (
            json!({
                "version": "0", "id": "d1", "detail-type": "Scheduled Event",
                "source": "aws.events", "account": "210987654321",
                "time": "2026-11-27T10:00:00Z", "region": "eu-north-1",
                "resources": ["arn:aws:events:eu-north-1:210987654321:rule/warm"], "detail": {},
            }),
            "aws.events",
        ),
        (
            json!({"source": "aws.scheduler", "detail": "{}", "requestContext": null}),
            "aws.scheduler",
        ),
        (json!({"source": "aws.s3", "headers": [], "body": 7}), "aws.s3"),
    ] {
        match read(&event) {
            Ok(Event::Scheduled { source }) => assert_eq!(source, expected),
            other => panic!("{other:?} of {event}"),
        }
    }
    for trigger in TRIGGERS {
        request(&event_with(trigger, &json!({"source": "aws.events"})));
    }
}

#[test]
fn any_other_event_is_refused_with_a_reason() {
    for event in [
        json!(null),
        json!([]),
        json!("x"),
        json!(7),
        json!({}),
        json!({"source": null}),
        json!({"source": {"user": "x"}}),
        json!({"source": "x", "requestContext": {}}),
        json!({"source": "x", "requestContext": "y"}),
        json!({"requestContext": null, "httpMethod": "PATCH", "path": "/p/"}),
        json!({"requestContext": {"connectionId": "c"}, "body": "{}"}),
        json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}),
    ] {
        let words = read(&event).map(|event| format!("{event:?}")).unwrap_err();
        assert!(words.starts_with("this function answers events from"), "{event}: {words}");
    }
}

#[test]
fn json_content_types_are_recognised() {
    for (content_type, expected) in [
        ("application/json", true),
        ("Application/JSON", true),
        ("application/json; charset=utf-8", true),
        ("application/json;charset=\"UTF-8\"", true),
        ("application/json; charset = utf8; x=y", true),
        ("*/*", true),
        ("application/*", true),
        ("*/json", true),
        ("application/json; charset=latin-1", false),
        ("application/json; charset=utf-8; charset=utf-16", false),
        ("application/jsonp", false),
        ("application/vnd.api+json", false),
        ("text/json", false),
        ("application/x-www-form-urlencoded", false),
        ("json", false),
        ("", false),
    ] {
        assert_eq!(is_json(content_type), expected, "{content_type:?}");
    }
}

#[test]
fn the_debug_output_of_an_event_shows_nothing_of_the_request() {
    for trigger in TRIGGERS {
        let mut event = event_with_headers(trigger, &[("authorization", "Bearer CANARY")]);
        event["body"] = json!("CANARY");
        event["rawQueryString"] = json!("CANARY");
        event["queryStringParameters"] = json!({"search": "CANARY"});
        event["requestContext"]["authorizer"] = json!({"principalId": "CANARY"});
        let event = read(&with_method(event, "CANARY")).unwrap();
        assert!(!format!("{event:?}").contains("CANARY"), "{event:?}");
    }
}

/// Any JSON value that is not deeply nested.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof!["[a-zA-Z-]{0,12}", Just("authorization".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Members of an event that the function reads, and some that it does not.
fn member() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "httpMethod",
        "path",
        "rawPath",
        "rawQueryString",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "headers",
        "multiValueHeaders",
        "body",
        "isBase64Encoded",
        "source",
        "version",
    ])
}

proptest! {
    #[test]
    fn odd_members_never_panic(
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        members in prop::collection::vec((member(), any_json()), 0..5),
        authorizer in any_json(),
    ) {
        let mut event = bare_event(trigger);
        for (name, value) in members {
            event[name] = value;
        }
        event["requestContext"]["authorizer"] = authorizer;
        if let Ok(Event::Http { request: Some(request), .. }) = read(&event) {
            let _ = request.body();
            let _ = request.preconditions();
            let _ = (request.authorization(), request.identity(), request.is_preflight());
            let query = request.query();
            prop_assert_eq!(query.last("no such key"), None);
            prop_assert_eq!(request.method(), request.method().to_ascii_uppercase());
        }
    }
}

#[test]
fn a_trigger_is_recognised_by_the_request_context() {
    let context = |context: Value| json!({"httpMethod": "GET", "requestContext": context});
    for (event, expected) in [
        (context(json!({})), Trigger::RestApi),
        (context(json!({"http": {"method": "GET"}})), Trigger::HttpApi),
        (context(json!({"elb": {"targetGroupArn": "a"}})), Trigger::LoadBalancer),
        (context(json!({"elb": null})), Trigger::RestApi),
        (json!({"httpMethod": null, "requestContext": {}}), Trigger::RestApi),
        (json!({"requestContext": {"http": null}}), Trigger::HttpApi),
    ] {
        match read(&event) {
            Ok(Event::Http { trigger, request: Some(_) }) => {
                assert_eq!(trigger, expected, "{event}")
            }
            other => panic!("{other:?} of {event}"),
        }
    }
}
