//! authentik's `PATCH /stages/authenticator/sms/{stage_uuid}/` as one AWS Lambda function over one
//! DynamoDB table.
//!
//! The modules, in the order in which a request goes through them; each knows only those below it:
//!
//! | module | turns | into |
//! |---|---|---|
//! | [`handler`] | an event | an answer, always: the story on one screen |
//! | [`request`] | an event | method, route, stage, credentials, preconditions, JSON |
//! | [`authentication`] | credentials | a caller |
//! | [`permission`] | a caller | proof of what they may do to which stage |
//! | [`patch`] | JSON | typed changes, or everything that is wrong with them |
//! | [`store`] | proof and changes | one conditional write, or the reason why not |
//! | [`response`] | a stage or an error | status and JSON |
//! | [`door`] | status and JSON | the shape that the event's sender expects |
//! | [`record`], [`log`] | all of it | one line in the log |
//! | [`stage`], [`flow`], [`choice`], [`validation`], [`precondition`], [`error`] | | the domain's own types |
//!
//! What holds at every instant:
//!
//! * A stage owns exactly its own name's lock; no other stage has that name.
//! * A reference that a stage takes on has its row, or its flow, at that moment.
//! * A change is whole or not there, is there once however often it was sent, and is lost to nothing
//!   but a later change of the same fields.
//! * The store does nothing without [`permission::MayChange`] or [`permission::MayView`], which only
//!   [`permission::Caller`] makes.
//! * A credential cannot be printed: [`stage::Secret`] and [`permission::TokenKey`] hide it.

pub mod authentication;
pub mod choice;
pub mod door;
pub mod error;
pub mod flow;
pub mod handler;
pub mod log;
pub mod patch;
pub mod permission;
pub mod precondition;
pub mod record;
pub mod request;
pub mod response;
pub mod stage;
pub mod store;
pub mod validation;
