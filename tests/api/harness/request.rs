//! A client's request, and the Lambda event that each trigger turns it into.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{GOOD, STAGE, library::Event};

/// The service that invokes the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// API Gateway's REST API, payload 1.0.
    RestApi,
    /// API Gateway's HTTP API, payload 2.0.
    HttpApi,
    /// A function URL, which sends an HTTP API's payload.
    FunctionUrl,
    /// An Application Load Balancer that sends one value for each header.
    LoadBalancer,
}

/// Every trigger.
pub const TRIGGERS: [Trigger; 4] =
    [Trigger::RestApi, Trigger::HttpApi, Trigger::FunctionUrl, Trigger::LoadBalancer];

/// The path of the list of stages.
const STAGES: &str = "/api/v3/stages/authenticator/sms/";

/// A request as a client sends it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The trigger that it is sent through.
    pub trigger: Trigger,
    /// The method.
    pub method: String,
    /// The path, without the query string.
    pub path: String,
    /// The query string, percent-encoded and without the question mark.
    pub query: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A PATCH of the fixture's first stage by a caller with permission, through the HTTP API.
    pub fn patch(body: impl Into<Vec<u8>>) -> Self {
        Self {
            trigger: Trigger::HttpApi,
            method: "PATCH".to_owned(),
            path: format!("/api/v3/stages/authenticator/sms/{STAGE}/"),
            query: String::new(),
            headers: vec![
                ("Authorization".to_owned(), format!("Bearer {GOOD}")),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: body.into(),
        }
    }

    /// The same with a JSON body.
    pub fn patch_json(body: &Value) -> Self {
        Self::patch(body.to_string())
    }

    /// A GET of the fixture's first stage by a caller with permission.
    pub fn get() -> Self {
        Self::patch("").method("GET")
    }

    /// A GET of the list of stages.
    pub fn list() -> Self {
        Self::get().path(STAGES)
    }

    /// A POST of a new stage.
    pub fn post(body: impl Into<Vec<u8>>) -> Self {
        Self::patch(body).method("POST").path(STAGES)
    }

    /// The same with another method.
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// The same for another path.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The same with another query string, percent-encoded and without the question mark.
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// The same for another path, with the query string after its question mark.
    pub fn target(self, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.path(path).query(query)
    }

    /// The same for another stage.
    pub fn stage(self, stage: &str) -> Self {
        self.path(&format!("/api/v3/stages/authenticator/sms/{stage}/"))
    }

    /// The same through another trigger.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// The same with a header set, or removed if there is no value.
    pub fn header<'v>(mut self, name: &str, value: impl Into<Option<&'v str>>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if let Some(value) = value.into() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same with another token.
    pub fn token(self, key: &str) -> Self {
        self.header("Authorization", &*format!("Bearer {key}"))
    }

    /// The path and the query string, as in HTTP's request line.
    pub fn request_target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, self.query)
    }

    /// The Lambda event that the trigger turns it into.
    pub fn event(&self) -> Value {
        match self.trigger {
            Trigger::RestApi => self.rest_api_event(),
            Trigger::HttpApi => self.payload_2_event("123456789012", "execute-api"),
            Trigger::FunctionUrl => self.payload_2_event("anonymous", "lambda-url"),
            Trigger::LoadBalancer => self.load_balancer_event(),
        }
    }

    /// The same event, as parsed by the library.
    pub fn library_event(&self) -> Event {
        serde_json::from_str(&self.event().to_string()).unwrap()
    }

    /// The body as text, and whether that is Base64.
    fn text(&self) -> (String, bool) {
        match std::str::from_utf8(&self.body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(&self.body), true),
        }
    }

    /// The query parameters in order, still encoded.
    fn encoded_parameters(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The query parameters, each with its values in order, as API Gateway decodes them.
    fn decoded_parameters(&self) -> Map<String, Value> {
        let mut parameters = Map::new();
        for (name, value) in self.encoded_parameters() {
            let values = parameters.entry(decode(&name)).or_insert_with(|| json!([]));
            values.as_array_mut().unwrap().push(decode(&value).into());
        }
        parameters
    }

    fn lower_case_headers(&self) -> Map<String, Value> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect()
    }

    fn payload_2_event(&self, account: &str, service: &str) -> Value {
        let (body, is_base64) = self.text();
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": self.lower_case_headers(),
            "requestContext": {
                "accountId": account,
                "apiId": "api-id",
                "domainName": format!("api-id.{service}.eu-central-1.amazonaws.com"),
                "domainPrefix": "api-id",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "test",
                },
                "requestId": "request-id",
                "routeKey": "$default",
                "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1_773_342_238_000_u64,
            },
            "body": body,
            "isBase64Encoded": is_base64,
        });
        if !self.query.is_empty() {
            let joined = self.decoded_parameters().into_iter().map(|(name, values)| {
                let values = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap());
                (name, json!(values.collect::<Vec<_>>().join(",")))
            });
            event["queryStringParameters"] = joined.collect::<Map<_, _>>().into();
        }
        event
    }

    fn rest_api_event(&self) -> Value {
        let (body, is_base64) = self.text();
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let all: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        let all_parameters = self.decoded_parameters();
        let parameters: Map<String, Value> = (all_parameters.iter())
            .map(|(name, values)| (name.clone(), values.as_array().unwrap().last().cloned().into()))
            .collect();
        let or_null =
            |map: Map<String, Value>| if map.is_empty() { Value::Null } else { map.into() };
        json!({
            "resource": "/{proxy+}",
            "path": self.path,
            "httpMethod": self.method,
            "headers": headers,
            "multiValueHeaders": all,
            "queryStringParameters": or_null(parameters),
            "multiValueQueryStringParameters": or_null(all_parameters),
            "pathParameters": {"proxy": self.path.trim_start_matches('/')},
            "stageVariables": null,
            "requestContext": {
                "resourceId": "abc123",
                "resourcePath": "/{proxy+}",
                "httpMethod": self.method,
                "path": format!("/prod{}", self.path),
                "accountId": "123456789012",
                "protocol": "HTTP/1.1",
                "stage": "prod",
                "domainPrefix": "api-id",
                "requestTimeEpoch": 1_773_342_238_000_u64,
                "requestId": "request-id",
                "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
                "domainName": "api-id.execute-api.eu-central-1.amazonaws.com",
                "apiId": "api-id",
            },
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }

    /// A load balancer passes on the last query parameter of each name, without decoding it.
    fn load_balancer_event(&self) -> Value {
        let (body, is_base64) = self.text();
        let parameters: Map<String, Value> = (self.encoded_parameters().into_iter())
            .map(|(name, value)| (name, json!(value)))
            .collect();
        let target_group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/x/1";
        json!({
            "requestContext": {"elb": {"targetGroupArn": target_group}},
            "httpMethod": self.method,
            "path": self.path,
            "queryStringParameters": parameters,
            "headers": self.lower_case_headers(),
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }
}

/// Decodes a name or a value of a query string.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trigger_passes_on_the_query_string_in_its_own_way() {
        let request = Request::get().target("/stages/?name=a+b&tag=%C3%A9&tag=2&flag&empty=");
        let event = |trigger| request.clone().trigger(trigger).event();
        let encoded = "name=a+b&tag=%C3%A9&tag=2&flag&empty=";
        for trigger in [Trigger::HttpApi, Trigger::FunctionUrl] {
            let event = event(trigger);
            assert_eq!(
                (&event["rawPath"], &event["rawQueryString"]),
                (&json!("/stages/"), &json!(encoded))
            );
            let joined = json!({"name": "a b", "tag": "é,2", "flag": "", "empty": ""});
            assert_eq!(event["queryStringParameters"], joined);
        }
        let rest = event(Trigger::RestApi);
        let last = json!({"name": "a b", "tag": "2", "flag": "", "empty": ""});
        assert_eq!(rest["queryStringParameters"], last);
        let all = json!({"name": ["a b"], "tag": ["é", "2"], "flag": [""], "empty": [""]});
        assert_eq!(rest["multiValueQueryStringParameters"], all);
        let balancer = event(Trigger::LoadBalancer);
        let last = json!({"name": "a+b", "tag": "2", "flag": "", "empty": ""});
        assert_eq!(balancer["queryStringParameters"], last);
        assert_eq!(request.request_target(), format!("/stages/?{encoded}"));
    }

    #[test]
    fn each_trigger_has_its_own_form_of_an_empty_query_string() {
        let event = |trigger| Request::get().trigger(trigger).event();
        assert_eq!(event(Trigger::HttpApi)["rawQueryString"], "");
        assert_eq!(event(Trigger::HttpApi).get("queryStringParameters"), None);
        assert_eq!(event(Trigger::RestApi)["multiValueQueryStringParameters"], Value::Null);
        assert_eq!(event(Trigger::LoadBalancer)["queryStringParameters"], json!({}));
    }
}
