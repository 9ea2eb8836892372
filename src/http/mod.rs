//! The syntax of Lambda events and of HTTP: from an event to a request, from a response to the JSON
//! that the trigger expects. Knows nothing of stages.

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
