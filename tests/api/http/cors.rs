//! Which origins may read answers, and the headers for browsers.

use authenticator_sms_stage::http::cors::AllowedOrigins;
use lambda_http::http::HeaderValue;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TRIGGERS, event_with_headers, request, with_method};

const ORIGIN: &str = "https://admin.example.net";

/// The CORS headers of the answer to a request, as an object.
fn headers(origins: &AllowedOrigins, event: &Value) -> Value {
    let methods = HeaderValue::from_static("GET, PATCH");
    let headers = origins.headers_for(&request(event), &methods);
    headers.iter().map(|(name, value)| (name.as_str(), json!(value.to_str().unwrap()))).collect()
}

#[test]
fn a_setting_allows_listed_origins_any_origin_or_none() {
    for (setting, listed) in [
        (ORIGIN, &[ORIGIN][..]),
        (
            " https://a.example , http://localhost:3000 ",
            &["https://a.example", "http://localhost:3000"],
        ),
        ("HTTPS://Admin.Example.NET:443", &[ORIGIN]),
        ("http://127.0.0.1:80", &["http://127.0.0.1"]),
        ("https://a:80,http://a:443", &["https://a:80", "http://a:443"]),
        ("http://[::1]:8000,http://[::1]", &["http://[::1]:8000", "http://[::1]"]),
    ] {
        let listed = listed.iter().map(|origin| HeaderValue::from_static(origin)).collect();
        assert_eq!(AllowedOrigins::parse(setting), Ok(AllowedOrigins::Listed(listed)), "{setting}");
    }
    for (setting, expected) in [
        ("", AllowedOrigins::None),
        (" \t", AllowedOrigins::None),
        ("*", AllowedOrigins::Any),
        (" * ", AllowedOrigins::Any),
    ] {
        assert_eq!(AllowedOrigins::parse(setting), Ok(expected), "{setting:?}");
    }
    assert_eq!(AllowedOrigins::default(), AllowedOrigins::None);
}

#[test]
fn an_invalid_setting_is_refused_with_a_reason() {
    for (setting, words) in [
        ("https://a/", "without a slash"),
        ("https://a/admin", "without a slash"),
        ("https://a?x", "without a slash"),
        ("a.example", "must begin with https:// or http://"),
        ("ftp://a", "must begin with https:// or http://"),
        ("null", "must begin with https:// or http://"),
        ("https://", "host"),
        ("https:// a", "host"),
        ("https://user@a", "host"),
        ("https://*.example.net", "host"),
        ("https://münchen.example", "host"),
        ("https://[::1", "host"),
        ("https://a:", "port"),
        ("https://a:0", "port"),
        ("https://a:65536", "port"),
        ("https://a:+80", "port"),
        ("https://a,*", "\"*\" cannot be part of a list"),
        ("*,*", "\"*\" cannot be part of a list"),
        ("https://a,", "an empty entry"),
        ("https://a https://b", "slash"),
        ("https://a\r\nx: y", "host"),
    ] {
        let error = AllowedOrigins::parse(setting).unwrap_err();
        assert!(error.to_string().contains(words), "{setting:?}: {error}");
        assert!(error.to_string().contains(" is not an origin: "), "{setting:?}: {error}");
    }
}

#[test]
fn an_allowed_origin_may_read_the_answer() {
    let listed = AllowedOrigins::parse("https://other.example,https://admin.example.net").unwrap();
    for trigger in TRIGGERS {
        let event = event_with_headers(trigger, &[("Origin", ORIGIN)]);
        let expected = json!({
            "vary": "Origin",
            "access-control-allow-origin": ORIGIN,
            "access-control-expose-headers": "ETag, Retry-After",
        });
        assert_eq!(headers(&listed, &event), expected, "{trigger:?}");
        let expected = json!({
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "ETag, Retry-After",
        });
        assert_eq!(headers(&AllowedOrigins::Any, &event), expected, "{trigger:?}");
        assert_eq!(headers(&AllowedOrigins::None, &event), json!({}), "{trigger:?}");
    }
}

#[test]
fn other_origins_and_requests_without_one_are_not_allowed() {
    let listed = AllowedOrigins::parse(ORIGIN).unwrap();
    for trigger in TRIGGERS {
        for origin in [
            "https://admin.example.net.evil.example",
            "https://admin.example.net:8443",
            "http://admin.example.net",
            "https://ADMIN.example.net",
            "null",
            "",
        ] {
            let event = event_with_headers(trigger, &[("Origin", origin)]);
            assert_eq!(headers(&listed, &event), json!({"vary": "Origin"}), "{origin}");
        }
        let event = event_with_headers(trigger, &[]);
        assert_eq!(headers(&listed, &event), json!({"vary": "Origin"}));
        assert_eq!(headers(&AllowedOrigins::Any, &event), json!({}));
    }
}

#[test]
fn a_preflight_gets_the_allowed_methods_and_headers() {
    let listed = AllowedOrigins::parse(ORIGIN).unwrap();
    let preflight = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "PATCH"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    for trigger in TRIGGERS {
        let event = event_with_headers(trigger, &preflight);
        let told = headers(&listed, &with_method(event.clone(), "OPTIONS"));
        let expected = json!({
            "vary": "Origin",
            "access-control-allow-origin": ORIGIN,
            "access-control-expose-headers": "ETag, Retry-After",
            "access-control-allow-methods": "GET, PATCH",
            "access-control-allow-headers": "Authorization, Content-Type, If-Match, If-None-Match",
            "access-control-max-age": "3600",
        });
        assert_eq!(told, expected, "{trigger:?}");
        for (event, why) in [
            (
                with_method(event_with_headers(trigger, &preflight[..1]), "OPTIONS"),
                "no method requested",
            ),
            (event, "not OPTIONS"),
        ] {
            let told = headers(&listed, &event);
            assert_eq!(told["access-control-allow-methods"], Value::Null, "{why}");
            assert_eq!(told["access-control-allow-origin"], ORIGIN, "{why}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_valid_setting_or_is_refused(setting in "(https?://)?[a-z:/.,*\\[\\]\\PC]*") {
        if let Ok(AllowedOrigins::Listed(origins)) = AllowedOrigins::parse(&setting) {
            for origin in origins {
                let again = AllowedOrigins::parse(origin.to_str().unwrap());
                prop_assert_eq!(again, Ok(AllowedOrigins::Listed(vec![origin])));
            }
        }
    }
}
