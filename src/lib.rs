//! authentik's resource *SMS Authenticator Setup Stage* as one AWS Lambda function over one DynamoDB
//! table.
//!
//! The rooms, from the top down; each knows only those below it, and none of its own files knows
//! another in a circle:
//!
//! | room | what it is |
//! |---|---|
//! | `main.rs`, `bin/sms-stage` | the function's binary; the command for people |
//! | [`import`] | authentik's own answers into the table |
//! | [`api`] | what can be asked: one file an operation, the API and the errors as one table each |
//! | [`contract`] | the releases of authentik: what a request may say, how an answer says it |
//! | [`store`] | the table: conditional writes, one module for transactions |
//! | [`access`] | callers, tokens, permissions |
//! | [`stage`] | what a stage is: the table of fields, patches, filters |
//! | [`http`] | the syntax of Lambda events and of HTTP |
//! | [`telemetry`] | one line of the log and one of metrics for each request |
//!
//! What holds at every instant:
//!
//! * A stage owns exactly its own name's lock; no other stage has that name.
//! * A reference that a stage takes on has its row, or its flow, at that moment.
//! * A change is whole or not there, is there once however often it was sent, and is lost to nothing
//!   but a later change of the same fields.
//! * The store does nothing without a permission, which only [`access`] makes.
//! * A credential cannot be printed: [`stage::value::Secret`] and [`access::token::TokenKey`] hide it.

pub mod access;
pub mod api;
pub mod contract;
pub mod http;
#[cfg(feature = "local")]
pub mod import;
pub mod stage;
pub mod store;
pub mod telemetry;
