//! The function that the document describes, with the contract for clients of every release.

use super::document::Described;
use crate::harness::{
    Request, STAGE, TestApp, TestSettings,
    library::{self, ADD, CHANGE, Contract, DELETE, Secrets, VIEW, VIEW_FLOW},
};

/// A token with all permissions.
pub const OPERATOR: &str = "operator-token";
/// A token without permissions.
pub const POWERLESS: &str = "powerless-token";

/// A function with the default settings except this one.
pub async fn app(secrets: Option<Secrets>) -> TestApp {
    let settings =
        TestSettings { contract: Contract::default(), secrets, ..TestSettings::default() };
    let app = TestApp::with_settings(settings).await;
    let all = [VIEW, ADD, CHANGE, DELETE, VIEW_FLOW];
    library::put_token(&app.table, OPERATOR, "operator", &all, None).await;
    library::put_token(&app.table, POWERLESS, "powerless", &[], None).await;
    app
}

/// A request for an operation, on the fixture's first stage, by a caller with all permissions.
pub fn request(operation: &Described<'_>, body: &str) -> Request {
    let path = format!("/api/v3{}", operation.path.replace("{stage_uuid}", STAGE));
    let method = operation.method.to_uppercase();
    Request::patch(body).method(&method).path(&path).token(OPERATOR)
}
