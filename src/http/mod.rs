//! The syntax of Lambda events and of HTTP: turns an event into a request, and a response into the
//! JSON that the trigger expects. Independent of stages.

pub mod cors;
pub mod deadline;
pub mod endpoint;
pub mod event;

pub mod authorizer;
pub mod media_type;
pub mod precondition;
pub mod query;
pub mod request;
pub mod response;
pub mod trigger;

pub mod error;
mod headers;
mod pairs;
