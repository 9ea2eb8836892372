//! The input of every operation: the request, its caller, the table, the contract.

use std::sync::OnceLock;

use uuid::Uuid;

use super::error::Error;
use crate::{
    access::caller::Caller,
    contract::{Contract, Secrets},
    http::{media_type, precondition::Preconditions, request::Request},
    stage::{
        body::{Body, BodyError},
        echo::Echo,
        patch::{Completeness, Patch, Rejected},
    },
    store::Session,
};

/// Maximum size of a body in bytes.
///
/// DynamoDB refuses items above 400 KB (409,600 bytes), but a body may spell a character with six
/// bytes (`\u00e9`) that is stored in two. So this limit is well above that, and the item's own
/// size is checked later.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The input of every operation.
pub struct Context<'c> {
    /// The request.
    pub request: &'c Request,
    /// The authenticated caller.
    pub caller: &'c Caller,
    /// The request's session with the table.
    pub session: &'c Session<'c>,
    /// The contract that the function follows.
    pub contract: Contract,
    /// Which callers are shown secrets.
    pub secrets: Secrets,
    /// The fields in an accepted body, for the log.
    pub fields: &'c OnceLock<String>,
}

impl Context<'_> {
    /// The body as JSON. An empty body is an empty object, whatever its content type.
    ///
    /// # Errors
    ///
    /// [`Error::BodyTooLarge`], [`Error::UnsupportedMediaType`], [`Error::NotJson`], in this order.
    pub fn body(&self) -> Result<Body, Error> {
        let not_base64 = |_| Error::NotJson("the event's body is not base64".to_owned());
        let bytes = self.request.body().map_err(not_base64)?;
        if bytes.len() > BODY_BYTES_MAX {
            return Err(Error::BodyTooLarge);
        }
        if bytes.is_empty() {
            return Ok(Body::empty());
        }
        let content_type = self.request.content_type().unwrap_or_default();
        if !media_type::is_json(content_type) {
            return Err(Error::UnsupportedMediaType(Echo::of(content_type)));
        }
        Body::from_json(&bytes).map_err(|error| match error {
            BodyError::NotJson(reason) => Error::NotJson(reason),
            BodyError::TooManyValues => Error::TooManyValues,
        })
    }

    /// `If-Match` and `If-None-Match`.
    ///
    /// # Errors
    ///
    /// [`Error::BadEntityTags`] for a header that is not a list of entity tags.
    pub fn preconditions(&self) -> Result<Preconditions, Error> {
        self.request.preconditions().map_err(|_| Error::BadEntityTags)
    }

    /// Reads the changes that a body asks for, under the contract's rules.
    ///
    /// # Errors
    ///
    /// [`Rejected`], which also contains the valid part of the body.
    pub fn patch(&self, body: Body, needs: Completeness) -> Result<Patch, Box<Rejected>> {
        let patch = Patch::parse(body, &self.contract.rules(self.secrets), needs)?;
        let names: Vec<_> = patch.fields().map(|field| field.as_str()).collect();
        // Set once: a request has one body.
        let _ = self.fields.set(names.join(","));
        Ok(patch)
    }

    /// Whether the caller is shown the secrets of this stage.
    #[must_use]
    pub fn shows_secrets(&self, stage: Uuid) -> bool {
        self.secrets.shown(self.caller.can_change(stage))
    }

    /// The same for each of many stages.
    pub fn shows_secrets_of_each(&self) -> impl Fn(Uuid) -> bool {
        let changeable = self.caller.changeable();
        move |stage| self.secrets.shown(changeable.contains(stage))
    }

    /// The error that this caller may see. For callers who may view single stages, a stage that
    /// does not exist is 404, or 403 if none of theirs exists, before most other errors. Which ones
    /// exist is looked up only where it can make a difference: after a refusal.
    pub async fn as_visible(&self, stage: Uuid, error: Error) -> Error {
        let Some(may) = self.caller.views_one_by_one().filter(|_| error.yields_to_visibility())
        else {
            return error;
        };
        match self.session.existing(&may).await {
            Ok(there) if there.contains(&stage) => error,
            Ok(there) if there.is_empty() => Error::Denied,
            Ok(_) => Error::NotFound,
            Err(error) => Error::Store(error),
        }
    }
}
