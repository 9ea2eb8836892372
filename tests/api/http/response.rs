//! The form of a response for each trigger, and its maximum size.

use authenticator_sms_stage::http::{response::Response, trigger::Trigger};
use lambda_http::http::{HeaderValue, StatusCode, header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::TRIGGERS;

fn response(body: &str) -> Response {
    Response::new(StatusCode::OK)
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with_header(header::ETAG, HeaderValue::from_static("\"1-0123abcd\""))
        .with_body(body.to_owned())
}

fn json_of(trigger: Trigger, response: Response) -> String {
    serde_json::to_string(&trigger.shape(response)).unwrap()
}

#[test]
fn a_response_has_the_form_of_its_trigger() {
    let single = json!({"cache-control": "no-store", "etag": "\"1-0123abcd\""});
    let multi = json!({"cache-control": ["no-store"], "etag": ["\"1-0123abcd\""]});
    for (trigger, expected) in [
        (
            Trigger::RestApi,
            json!({
                "statusCode": 200, "headers": {}, "multiValueHeaders": multi, "body": "{}",
                "isBase64Encoded": false,
            }),
        ),
        (
            Trigger::HttpApi,
            json!({
                "statusCode": 200, "headers": single, "multiValueHeaders": {}, "body": "{}",
                "isBase64Encoded": false, "cookies": [],
            }),
        ),
        (
            Trigger::LoadBalancer,
            json!({
                "statusCode": 200, "statusDescription": "200 OK", "headers": single,
                "multiValueHeaders": multi, "body": "{}", "isBase64Encoded": false,
            }),
        ),
    ] {
        let shaped: Value = serde_json::from_str(&json_of(trigger, response("{}"))).unwrap();
        assert_eq!(shaped, expected, "{trigger:?}");
        let shaped = json_of(trigger, response("{}").without_body());
        assert!(!shaped.contains("\"body\""), "{trigger:?}: {shaped}");
    }
}

#[test]
fn an_answer_is_sent_up_to_the_limit_of_its_trigger() {
    for trigger in TRIGGERS {
        let max = trigger.answer_bytes_max();
        for (character, bytes) in [("\"", 2), ("\u{1}", 6), ("😀", 4)] {
            let large = response(&character.repeat((max - 1024) / bytes));
            assert!(trigger.can_carry(&large), "{trigger:?} {character:?}");
            let bytes_sent = json_of(trigger, large).len();
            assert!((max - 1024..=max).contains(&bytes_sent), "{trigger:?}: {bytes_sent}");
            let too_large = response(&character.repeat(max / bytes));
            assert!(!trigger.can_carry(&too_large), "{trigger:?} {character:?}");
        }
    }
    assert_eq!(Trigger::RestApi.answer_bytes_max(), 6_291_456);
    assert_eq!(Trigger::HttpApi.answer_bytes_max(), 6_291_456);
    assert_eq!(Trigger::LoadBalancer.answer_bytes_max(), 1_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_answer_that_is_sent_is_too_large(
        unit in "\\PC{0,8}[\"\\\\\u{0}-\u{1f}a]{0,8}",
        count in 0_usize..100_000,
        header in "[ -~]{0,4000}",
    ) {
        let value = HeaderValue::try_from(header).unwrap();
        let answer = || response(&unit.repeat(count)).with_header(header::LOCATION, value.clone());
        for trigger in TRIGGERS {
            if trigger.can_carry(&answer()) {
                prop_assert!(json_of(trigger, answer()).len() <= trigger.answer_bytes_max());
            }
        }
    }
}
