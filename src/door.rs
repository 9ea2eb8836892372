//! What an event came through, and the shape of the answer that is expected there.

use lambda_http::{
    Body, Response,
    aws_lambda_events::{
        alb::AlbTargetGroupResponse,
        apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    },
    http::response::Parts,
};
use serde::Serialize;

/// What the event came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// API Gateway's REST API, or its HTTP API with payload format 1.0.
    RestApi,
    /// API Gateway's HTTP API with payload format 2.0, or a function URL.
    HttpApi,
    /// An application load balancer.
    LoadBalancer,
}

/// An answer in the shape that its door expects.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shaped {
    /// For [`Door::RestApi`].
    RestApi(ApiGatewayProxyResponse),
    /// For [`Door::HttpApi`].
    HttpApi(ApiGatewayV2httpResponse),
    /// For [`Door::LoadBalancer`].
    LoadBalancer(AlbTargetGroupResponse),
}

impl Door {
    /// Shapes an answer, whose body is text or nothing, and no header of which has two values.
    #[must_use]
    pub fn shape(self, response: Response<Body>) -> Shaped {
        let (Parts { status, headers, .. }, body) = response.into_parts();
        let status_code = status.as_u16().into();
        let body = Some(body).filter(|body| !matches!(body, Body::Empty));
        match self {
            Self::RestApi => {
                let mut answer = ApiGatewayProxyResponse::default();
                answer.status_code = status_code;
                // Not in `headers` as well: API Gateway would send both.
                answer.multi_value_headers = headers;
                answer.body = body;
                Shaped::RestApi(answer)
            }
            Self::HttpApi => {
                let mut answer = ApiGatewayV2httpResponse::default();
                answer.status_code = status_code;
                answer.headers = headers;
                answer.body = body;
                Shaped::HttpApi(answer)
            }
            Self::LoadBalancer => {
                let mut answer = AlbTargetGroupResponse::default();
                answer.status_code = status_code;
                answer.status_description = Some(status.to_string());
                // It reads one of the two, by a setting of its target group.
                answer.multi_value_headers = headers.clone();
                answer.headers = headers;
                answer.body = body;
                Shaped::LoadBalancer(answer)
            }
        }
    }
}
