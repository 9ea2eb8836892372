//! authentik's resource *SMS Authenticator Setup Stage* as one AWS Lambda function over one
//! DynamoDB table.
//!
//! The modules, from the top down. Each uses only those below it, and the files within a module do
//! not depend on each other in a cycle:
//!
//! | module | contents |
//! |---|---|
//! | `main.rs`, `bin/sms-stage` | the function's binary; the command-line tool |
//! | [`import`] | loads responses of authentik's API into the table |
//! | [`api`] | the operations, one file each; the routes and the errors, as one table each |
//! | [`contract`] | authentik's releases: what a request may contain, and how an answer shows it |
//! | [`store`] | the table: conditional writes, one module for transactions |
//! | [`access`] | callers, tokens, permissions |
//! | [`stage`] | what a stage is: the table of fields, patches, filters |
//! | [`http`] | the syntax of Lambda events and of HTTP |
//! | [`telemetry`] | one log line and one metrics line for each request |
//!
//! What holds at every instant:
//!
//! * A stage owns exactly one lock, for its own name, and no other stage has that name.
//! * When a stage gets a reference, the row or the flow that it refers to exists at that moment.
//! * A change is made in full or not at all, and only once however often it is sent, unless four
//!   others come between. Only a later change of the same fields can overwrite it.
//! * No stage is read or written for a caller without a permission, which only [`access`] creates.
//! * A credential cannot be printed: [`stage::value::Secret`] and [`access::token::TokenKey`] hide
//!   it.

pub mod access;
pub mod api;
pub mod contract;
pub mod http;
#[cfg(feature = "local")]
pub mod import;
pub mod stage;
pub mod store;
pub mod telemetry;
