//! Who API Gateway's authorizer says the caller is.

use serde_json::{Map, Value};

use super::trigger::Trigger;

/// What an authorizer says of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The caller's name: `sub`, `principalId` or `user`, or an IAM principal's ARN.
    pub user: Option<String>,
    /// The permissions, without the resource server in front of a scope.
    pub permissions: Vec<String>,
}

/// The names under which authorizers say who the caller is; the first counts.
const USER: [&str; 3] = ["sub", "principalId", "user"];
/// The names under which issuers put permissions: Auth0 `permissions`, Cognito `scope`, Entra and
/// Okta `scp`; `scopes` in contexts of Lambda authorizers. All count.
const PERMISSIONS: [&str; 4] = ["permissions", "scope", "scopes", "scp"];

/// Reads `requestContext.authorizer`. `None` if there is no authorizer, and other credentials count.
///
/// A member that is null is not there, and an object without members is no authorizer: payload
/// format 1.0 has `{"claims": null, "scopes": null}` where a route has none. An authorizer that says
/// nothing of permissions has vouched for a caller without any.
pub(super) fn identity(trigger: Trigger, mut authorizer: Map<String, Value>) -> Option<Identity> {
    authorizer.retain(|_, member| !member.is_null());
    if authorizer.is_empty() {
        return None;
    }
    match trigger {
        Trigger::RestApi => Some(rest_api(&authorizer)),
        Trigger::HttpApi => Some(http_api(&authorizer)),
        // Its authentication comes in headers, which any client that reaches the function can write.
        Trigger::LoadBalancer => None,
    }
}

/// A Cognito or JWT authorizer's claims; or a Lambda authorizer's principal and context, which are
/// the members of the authorizer object themselves.
fn rest_api(authorizer: &Map<String, Value>) -> Identity {
    match authorizer.get("claims") {
        Some(claims) => from_claims(claims, authorizer.get("scopes")),
        None => from_members(authorizer),
    }
}

/// A JWT authorizer's claims; an IAM principal, who can have no permissions here; or a Lambda
/// authorizer's context.
fn http_api(authorizer: &Map<String, Value>) -> Identity {
    if let Some(jwt) = authorizer.get("jwt") {
        return from_claims(&jwt["claims"], jwt.get("scopes"));
    }
    if let Some(iam) = authorizer.get("iam") {
        return Identity { user: text(&iam["userArn"]), permissions: Vec::new() };
    }
    from_object(authorizer.get("lambda"))
}

/// Claims; and the scopes that API Gateway has found for the route, where the claims have none. They
/// never add to the claims: it is not documented that the token has all of them.
fn from_claims(claims: &Value, scopes: Option<&Value>) -> Identity {
    let mut identity = from_object(Some(claims));
    if identity.permissions.is_empty() {
        identity.permissions = scopes.map(permissions).unwrap_or_default();
    }
    identity
}

fn from_object(object: Option<&Value>) -> Identity {
    object
        .and_then(Value::as_object)
        .map_or(Identity { user: None, permissions: Vec::new() }, from_members)
}

fn from_members(members: &Map<String, Value>) -> Identity {
    Identity {
        user: USER.iter().filter_map(|name| members.get(*name)).find_map(text),
        permissions: PERMISSIONS
            .iter()
            .filter_map(|name| members.get(*name))
            .flat_map(permissions)
            .collect(),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A list of permissions, or a text of them with spaces between.
fn permissions(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => {
            list.iter().filter_map(Value::as_str).filter_map(without_resource_server).collect()
        }
        Value::String(text) => words(text).filter_map(without_resource_server).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// Splits at spaces. API Gateway writes a claim that is a list as `[one two]`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inside.unwrap_or(text).split_ascii_whitespace()
}

/// Cognito can issue no other scopes than `resource-server/scope`.
fn without_resource_server(scope: &str) -> Option<String> {
    let name = scope.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some(name.to_owned())
}
