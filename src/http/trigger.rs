//! The trigger that sent an event, and the JSON that it expects as an answer.

use lambda_http::{
    Body,
    aws_lambda_events::{
        alb::AlbTargetGroupResponse,
        apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    },
};
use serde::Serialize;

use super::response::Response;

/// The kind of trigger that sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// API Gateway's REST API, or its HTTP API with payload format 1.0.
    RestApi,
    /// API Gateway's HTTP API with payload format 2.0, or a function URL.
    HttpApi,
    /// An application load balancer.
    LoadBalancer,
}

/// A response as the JSON that its trigger expects. It cannot be printed, since a body may hold
/// secrets.
#[derive(Serialize)]
#[serde(untagged)]
pub enum LambdaResponse {
    /// For [`Trigger::RestApi`].
    RestApi(ApiGatewayProxyResponse),
    /// For [`Trigger::HttpApi`].
    HttpApi(ApiGatewayV2httpResponse),
    /// For [`Trigger::LoadBalancer`].
    LoadBalancer(AlbTargetGroupResponse),
}

/// Upper bound in bytes for the JSON without headers and body.
const ENVELOPE_BYTES: usize = 256;
/// Upper bound in bytes for one header's JSON, besides its name and its quoted value.
const HEADER_ENVELOPE_BYTES: usize = 8;
/// Maximum number of bytes that one byte of a text takes in a JSON string (`\u0001`).
const ESCAPED_BYTES_MAX: usize = 6;

impl Trigger {
    /// Maximum size of a whole response's JSON in bytes. If it is larger, the client gets a 502.
    ///
    /// For API Gateway and function URLs, Lambda's own limit applies: 6 MB (AWS Lambda Developer
    /// Guide, *Lambda quotas*, synchronous invocation payload; Lambda's error message says
    /// 6,291,556 bytes). A load balancer accepts 1 MB (Application Load Balancers, *Use Lambda
    /// functions as targets*, limits). That page does not define the megabyte, so the smaller one
    /// is used.
    #[must_use]
    pub fn answer_bytes_max(self) -> usize {
        match self {
            Self::RestApi | Self::HttpApi => 6 * 1024 * 1024,
            Self::LoadBalancer => 1_000_000,
        }
    }

    /// Whether a response is small enough to reach the client. Cheap for all but large bodies.
    #[must_use]
    pub fn can_carry(self, response: &Response) -> bool {
        let max = self.answer_bytes_max();
        let body = response.body.as_deref().unwrap_or_default();
        let headers = self.header_bytes(response);
        body.len() * ESCAPED_BYTES_MAX + headers + ENVELOPE_BYTES <= max
            || json_string_bytes(body.as_bytes()) + headers + ENVELOPE_BYTES <= max
    }

    /// Upper bound in bytes for the headers in the response's JSON.
    fn header_bytes(self, response: &Response) -> usize {
        let bytes: usize = response
            .headers
            .iter()
            .map(|(name, value)| {
                let value = json_string_bytes(value.as_bytes());
                name.as_str().len() + value + HEADER_ENVELOPE_BYTES
            })
            .sum();
        match self {
            Self::RestApi | Self::HttpApi => bytes,
            // Its response has them twice.
            Self::LoadBalancer => 2 * bytes,
        }
    }

    /// Shapes a response for this trigger.
    #[must_use]
    pub fn shape(self, response: Response) -> LambdaResponse {
        match self {
            Self::RestApi => LambdaResponse::RestApi(for_rest_api(response)),
            Self::HttpApi => LambdaResponse::HttpApi(for_http_api(response)),
            Self::LoadBalancer => LambdaResponse::LoadBalancer(for_load_balancer(response)),
        }
    }
}

fn for_rest_api(response: Response) -> ApiGatewayProxyResponse {
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = response.status.as_u16().into();
    // Not in `headers` as well: API Gateway would send both.
    answer.multi_value_headers = response.headers;
    answer.body = response.body.map(Body::Text);
    answer
}

fn for_http_api(response: Response) -> ApiGatewayV2httpResponse {
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = response.status.as_u16().into();
    answer.headers = response.headers;
    answer.body = response.body.map(Body::Text);
    answer
}

fn for_load_balancer(response: Response) -> AlbTargetGroupResponse {
    let mut answer = AlbTargetGroupResponse::default();
    answer.status_code = response.status.as_u16().into();
    answer.status_description = Some(response.status.to_string());
    // It reads one of the two, depending on a setting of its target group.
    answer.multi_value_headers = response.headers.clone();
    answer.headers = response.headers;
    answer.body = response.body.map(Body::Text);
    answer
}

/// The size in bytes of a text as a JSON string, as `serde_json` writes it (RFC 8259, section 7).
fn json_string_bytes(text: &[u8]) -> usize {
    let escaped = |byte: &u8| match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
        ..0x20 => ESCAPED_BYTES_MAX,
        _ => 1,
    };
    text.iter().map(escaped).sum::<usize>() + "\"\"".len()
}
