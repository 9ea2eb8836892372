//! The module `http`: reading events, and giving answers the form of their trigger.

mod authorizer;
mod cors;
mod deadline;
mod event;
mod preconditions;
mod query;
mod response;

use authenticator_sms_stage::http::{event::Event, request::Request, trigger::Trigger};
use serde_json::{Value, json};

const TRIGGERS: [Trigger; 3] = [Trigger::RestApi, Trigger::HttpApi, Trigger::LoadBalancer];

/// An event with only a method and a path.
fn bare_event(trigger: Trigger) -> Value {
    match trigger {
        Trigger::RestApi => {
            json!({"httpMethod": "PATCH", "path": "/p/", "requestContext": {"stage": "live"}})
        }
        Trigger::HttpApi => {
            json!({"rawPath": "/p/", "requestContext": {"http": {"method": "PATCH"}}})
        }
        Trigger::LoadBalancer => {
            json!({"httpMethod": "PATCH", "path": "/p/", "requestContext": {"elb": {}}})
        }
    }
}

/// A bare event with more members.
fn event_with(trigger: Trigger, members: &Value) -> Value {
    let mut event = bare_event(trigger);
    for (name, member) in members.as_object().unwrap() {
        event[name] = member.clone();
    }
    event
}

/// A bare event with these headers, in its trigger's form.
fn event_with_headers(trigger: Trigger, headers: &[(&str, &str)]) -> Value {
    let single: Value = headers.iter().map(|(name, value)| (*name, json!(value))).collect();
    let multi: Value = headers.iter().map(|(name, value)| (*name, json!([value]))).collect();
    match trigger {
        Trigger::RestApi => {
            event_with(trigger, &json!({"headers": single, "multiValueHeaders": multi}))
        }
        Trigger::HttpApi => event_with(trigger, &json!({"headers": single})),
        Trigger::LoadBalancer => event_with(trigger, &json!({"multiValueHeaders": multi})),
    }
}

fn with_method(mut event: Value, method: &str) -> Value {
    let place = match event.pointer_mut("/requestContext/http/method") {
        Some(place) => place,
        None => &mut event["httpMethod"],
    };
    *place = json!(method);
    event
}

fn read(event: &Value) -> Result<Event, String> {
    serde_json::from_str(&event.to_string()).map_err(|error| error.to_string())
}

/// The request of an event that has one.
fn request(event: &Value) -> Request {
    match read(event) {
        Ok(Event::Http { request: Some(request), .. }) => request,
        other => panic!("{other:?} of {event}"),
    }
}
