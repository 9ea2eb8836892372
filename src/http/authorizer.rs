//! The caller's identity according to API Gateway's authorizer.

use serde_json::{Map, Value};

use super::trigger::Trigger;

/// The caller according to an authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The caller's name: `sub`, `principalId` or `user`, or an IAM principal's ARN.
    pub user: Option<String>,
    /// The permissions, with the resource server removed from scopes.
    pub permissions: Vec<String>,
}

/// The members that may contain the caller's name, in order of precedence.
const USER: [&str; 3] = ["sub", "principalId", "user"];
/// The members that may contain permissions: `permissions` (Auth0), `scope` (Cognito), `scp` (Entra
/// and Okta), `scopes` (contexts of Lambda authorizers). All of them count.
const PERMISSIONS: [&str; 4] = ["permissions", "scope", "scopes", "scp"];

/// Reads `requestContext.authorizer`. If there is no authorizer, returns `None`, and other
/// credentials count.
///
/// A null member counts as missing, and an object without members as no authorizer: payload format
/// 1.0 has `{"claims": null, "scopes": null}` if a route has no authorizer. If an authorizer does
/// not mention permissions, the caller has none.
pub(super) fn identity(trigger: Trigger, mut authorizer: Map<String, Value>) -> Option<Identity> {
    authorizer.retain(|_, member| !member.is_null());
    if authorizer.is_empty() {
        return None;
    }
    match trigger {
        Trigger::RestApi => Some(rest_api(&authorizer)),
        Trigger::HttpApi => Some(http_api(&authorizer)),
        // Its authentication comes in headers, which any client that reaches the function can set.
        Trigger::LoadBalancer => None,
    }
}

/// Reads a Cognito or JWT authorizer's claims, or a Lambda authorizer's principal and context,
/// which are direct members of the authorizer object.
fn rest_api(authorizer: &Map<String, Value>) -> Identity {
    match authorizer.get("claims") {
        Some(claims) => from_claims(claims, authorizer.get("scopes")),
        None => from_members(authorizer),
    }
}

/// Reads a JWT authorizer's claims, an IAM principal (who can have no permissions here), or a
/// Lambda authorizer's context.
fn http_api(authorizer: &Map<String, Value>) -> Identity {
    if let Some(jwt) = authorizer.get("jwt") {
        return from_claims(&jwt["claims"], jwt.get("scopes"));
    }
    if let Some(iam) = authorizer.get("iam") {
        return Identity { user: text(&iam["userArn"]), permissions: Vec::new() };
    }
    from_object(authorizer.get("lambda"))
}

/// Reads claims, or, if they contain no permissions, the scopes that API Gateway found for the
/// route. These are never added to the claims: it is not documented that the token has all of them.
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

/// Reads a list of permissions, or a string of permissions separated by spaces.
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

/// Removes the resource server: Cognito can issue scopes only as `resource-server/scope`.
fn without_resource_server(scope: &str) -> Option<String> {
    let name = scope.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some(name.to_owned())
}
