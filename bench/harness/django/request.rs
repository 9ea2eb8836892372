//! The requests that are sent to every system, and their answers.

use serde_json::{Value, json};

use crate::{Failure, PATCH, failure};

/// The key of a token of the fixture, and a key that no token has.
const TOKEN: &str = "good-token";
const UNKNOWN_TOKEN: &str = "b2f0c4d67e8a4915a3c1";

/// One request, in both of its forms.
pub struct Request {
    /// The status of its answer.
    pub status: u16,
    /// The event of an HTTP API, for a function.
    pub event: String,
    /// The HTTP message, for a server.
    pub message: String,
}

impl Request {
    /// A PATCH of three fields.
    pub fn accepted() -> Result<Self, Failure> {
        let event: Value = serde_json::from_str(PATCH)?;
        let body = event.get("body").and_then(Value::as_str).unwrap_or_default();
        Self::new(200, TOKEN, body)
    }

    /// A PATCH with the whole document of an answer, as web forms and Terraform send it.
    pub fn whole_document(answer: &Answer) -> Result<Self, Failure> {
        let Value::Object(mut document) = answer.body.clone() else {
            return failure("the answer is not a document");
        };
        document.remove("flow_set");
        Self::new(200, TOKEN, &Value::Object(document).to_string())
    }

    /// A PATCH with errors that are found without reading the table.
    pub fn invalid() -> Result<Self, Failure> {
        let body = json!({
            "name": "",
            "configure_flow": "not-a-uuid",
            "provider": "carrier-pigeon",
            "from_number": null,
            "auth_type": "digest",
            "verify_only": "perhaps",
        });
        Self::new(400, TOKEN, &body.to_string())
    }

    /// A PATCH with an unknown token.
    pub fn forbidden() -> Result<Self, Failure> {
        let accepted: Value = serde_json::from_str(&Self::accepted()?.event)?;
        let body = accepted.get("body").and_then(Value::as_str).unwrap_or_default();
        Self::new(403, UNKNOWN_TOKEN, body)
    }

    fn new(status: u16, token: &str, body: &str) -> Result<Self, Failure> {
        let mut event: Value = serde_json::from_str(PATCH)?;
        let path = event.get("rawPath").and_then(Value::as_str).unwrap_or_default().to_owned();
        let authorization = format!("Bearer {token}");
        let length = body.len();
        let message = format!(
            "PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: curl/8.7.1\r\n\
             Authorization: {authorization}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        event["body"] = body.into();
        event["headers"]["authorization"] = authorization.into();
        event["headers"]["content-length"] = length.to_string().into();
        Ok(Self { status, event: event.to_string(), message })
    }
}

/// The status and the body of an answer.
#[derive(PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// Reads a function's answer.
    pub fn from_function(answer: &str) -> Result<Self, Failure> {
        let answer: Value = serde_json::from_str(answer)?;
        let status = answer.get("statusCode").and_then(Value::as_u64);
        let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            status: status.ok_or("the answer has no status")?.try_into()?,
            body: serde_json::from_str(body)?,
        })
    }

    /// Reads a server's answer.
    pub fn from_server(answer: &str) -> Result<Self, Failure> {
        let (head, body) =
            answer.split_once("\r\n\r\n").ok_or("the answer is not a complete HTTP message")?;
        let status = head.split(' ').nth(1).ok_or("the answer has no status")?;
        // An error page is not JSON; it is shown as text.
        let body = serde_json::from_str(body).unwrap_or_else(|_| body.into());
        Ok(Self { status: status.parse()?, body })
    }

    /// Every difference from another answer.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.status != other.status {
            found.push(format!("status: {} and {}", self.status, other.status));
        }
        compare("body", &self.body, &other.body, &mut found);
        found
    }
}

fn compare(place: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys {
                let place = format!("{place}.{key}");
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => compare(&place, one, other, found),
                    (Some(one), None) => found.push(format!("{place}: {one} and none")),
                    (None, Some(other)) => found.push(format!("{place}: none and {other}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{place}[{index}]"), one, other, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{place}: {one} and {other}")),
    }
}
