//! Turns a request's body into typed changes.
//!
//! Knows authentik's field rules; knows neither HTTP nor DynamoDB.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    flow::FlowChange,
    stage::{AuthType, Provider, Secret},
    validation::{
        self, Blank, ElementError, Field, FieldError, FlowField, Problem, Reference,
        ValidationError,
    },
};

/// What a body asks of a field that may be null. The other fields are an `Option`, so that
/// clearing one of them cannot be written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The body does not name the field.
    #[default]
    Keep,
    /// The body sets it to null.
    Clear,
    /// The body sets it to this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the body names the field.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// The value that the body sets, if it sets one.
    #[must_use]
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl<T> From<Option<T>> for Change<T> {
    fn from(named: Option<T>) -> Self {
        named.map_or(Self::Clear, Self::Set)
    }
}

/// The changes that one body asks for. A field that it does not name stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of `Stage` with its name")]
pub struct StagePatch {
    pub name: Option<String>,
    pub flow_set: Option<Vec<FlowChange>>,
    pub configure_flow: Change<Reference>,
    pub friendly_name: Change<String>,
    pub provider: Option<Provider>,
    pub from_number: Option<String>,
    pub account_sid: Option<String>,
    pub auth: Option<Secret>,
    pub auth_password: Option<Secret>,
    pub auth_type: Option<AuthType>,
    pub verify_only: Option<bool>,
    pub mapping: Change<Reference>,
}

impl StagePatch {
    /// Whether the body names this field.
    #[must_use]
    pub fn names(&self, field: Field) -> bool {
        match field {
            Field::Name => self.name.is_some(),
            Field::FlowSet => self.flow_set.is_some(),
            Field::ConfigureFlow => self.configure_flow.is_named(),
            Field::FriendlyName => self.friendly_name.is_named(),
            Field::Provider => self.provider.is_some(),
            Field::FromNumber => self.from_number.is_some(),
            Field::AccountSid => self.account_sid.is_some(),
            Field::Auth => self.auth.is_some(),
            Field::AuthPassword => self.auth_password.is_some(),
            Field::AuthType => self.auth_type.is_some(),
            Field::VerifyOnly => self.verify_only.is_some(),
            Field::Mapping => self.mapping.is_named(),
        }
    }

    /// The fields that the body names, in the contract's order.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(|field| self.names(*field))
    }

    /// Whether the body asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().next().is_none()
    }
}

/// A body with something wrong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// All that is wrong.
    pub errors: ValidationError,
    /// What was right, since only the table can tell whether all of it is: a name may be taken, a
    /// reference may point nowhere, and the client wants to hear of everything at once.
    pub accepted: StagePatch,
}

/// Which fields a body must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// None: PATCH.
    Partial,
    /// Those without a default in authentik's model: PUT.
    Full,
}

impl Completeness {
    const fn requires(self, field: Field) -> bool {
        match self {
            Self::Partial => false,
            Self::Full => matches!(
                field,
                Field::Name | Field::Provider | Field::FromNumber | Field::AccountSid | Field::Auth
            ),
        }
    }
}

/// Reads the changes that a JSON body asks for. Unknown and read-only keys count for nothing.
///
/// # Errors
///
/// Names every offending field, not only the first: a form marks them all at once.
pub fn parse(body: Value, completeness: Completeness) -> Result<StagePatch, Box<Rejected>> {
    let reject = |problem| {
        let errors = ValidationError::Body(problem);
        Box::new(Rejected { errors, accepted: StagePatch::default() })
    };
    match body {
        Value::Object(fields) => parse_fields(fields, completeness),
        Value::Null => Err(reject(Problem::NoData)),
        other => Err(reject(Problem::NotAnObject(validation::type_name(&other)))),
    }
}

fn parse_fields(
    mut body: Map<String, Value>,
    completeness: Completeness,
) -> Result<StagePatch, Box<Rejected>> {
    let mut patch = StagePatch::default();
    let mut errors = BTreeMap::new();
    for field in Field::ALL {
        let outcome = match body.swap_remove(field.as_str()) {
            Some(value) => read(field, value, &mut patch),
            None if completeness.requires(field) => Err(FieldError::Field(vec![Problem::Required])),
            None => Ok(()),
        };
        if let Err(error) = outcome {
            errors.insert(field, error);
        }
    }
    if errors.is_empty() {
        return Ok(patch);
    }
    Err(Box::new(Rejected { errors: ValidationError::Fields(errors), accepted: patch }))
}

/// Reads one field's value into the patch.
fn read(field: Field, value: Value, patch: &mut StagePatch) -> Result<(), FieldError> {
    let outcome = match field {
        Field::FlowSet => {
            patch.flow_set = Some(flow_set(value)?);
            Ok(())
        }
        Field::Name => required_text(value).map(|name| patch.name = Some(name)),
        Field::ConfigureFlow => {
            validation::reference(value).map(|key| patch.configure_flow = key.into())
        }
        Field::FriendlyName => nullable_text(value).map(|name| patch.friendly_name = name.into()),
        Field::Provider => validation::choice(&value).map(|word| patch.provider = Some(word)),
        Field::FromNumber => required_text(value).map(|number| patch.from_number = Some(number)),
        Field::AccountSid => required_text(value).map(|sid| patch.account_sid = Some(sid)),
        Field::Auth => required_text(value).map(|auth| patch.auth = Some(Secret::new(auth))),
        Field::AuthPassword => validation::text(value, Blank::Allowed)
            .map(|password| patch.auth_password = Some(Secret::new(password))),
        Field::AuthType => validation::choice(&value).map(|word| patch.auth_type = Some(word)),
        Field::VerifyOnly => validation::boolean(&value).map(|only| patch.verify_only = Some(only)),
        Field::Mapping => validation::reference(value).map(|key| patch.mapping = key.into()),
    };
    outcome.map_err(FieldError::Field)
}

fn required_text(value: Value) -> Result<String, Vec<Problem>> {
    validation::text(value, Blank::Refused)
}

fn nullable_text(value: Value) -> Result<Option<String>, Vec<Problem>> {
    match value {
        Value::Null => Ok(None),
        other => required_text(other).map(Some),
    }
}

/// Reads a whole `flow_set`.
fn flow_set(value: Value) -> Result<Vec<FlowChange>, FieldError> {
    let elements = match value {
        Value::Array(elements) => elements,
        Value::Null => return Err(FieldError::Field(vec![Problem::Null])),
        other => {
            return Err(FieldError::List(Problem::NotAList(validation::type_name(&other))));
        }
    };
    let mut slugs = HashSet::with_capacity(elements.len());
    let mut flows = Vec::with_capacity(elements.len());
    let mut errors = Vec::with_capacity(elements.len());
    for element in elements {
        match flow(element, &mut slugs) {
            Ok(flow) => {
                flows.push(flow);
                errors.push(ElementError::Fields(BTreeMap::new()));
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.iter().all(ElementError::is_good) {
        Ok(flows)
    } else {
        Err(FieldError::Elements(errors))
    }
}

/// Reads one element of a `flow_set`; `slugs` are those of the elements before it.
fn flow(element: Value, slugs: &mut HashSet<String>) -> Result<FlowChange, ElementError> {
    let mut body = match element {
        Value::Object(fields) => fields,
        Value::Null => return Err(ElementError::Null),
        other => return Err(ElementError::NotAnObject(validation::type_name(&other))),
    };
    let mut fields = ElementFields { body: &mut body, errors: BTreeMap::new() };
    let name = fields.required(FlowField::Name, required_text);
    let slug = fields.required(FlowField::Slug, |value| {
        let slug = validation::slug(value)?;
        if slugs.insert(slug.clone()) { Ok(slug) } else { Err(vec![Problem::SlugTaken]) }
    });
    let title = fields.required(FlowField::Title, required_text);
    let designation = fields.required(FlowField::Designation, |value| validation::choice(&value));
    let policy_engine_mode =
        fields.optional(FlowField::PolicyEngineMode, |value| validation::choice(&value));
    let compatibility_mode =
        fields.optional(FlowField::CompatibilityMode, |value| validation::boolean(&value));
    let layout = fields.optional(FlowField::Layout, |value| validation::choice(&value));
    let denied_action =
        fields.optional(FlowField::DeniedAction, |value| validation::choice(&value));
    let errors = fields.errors;
    match (name, slug, title, designation) {
        (Some(name), Some(slug), Some(title), Some(designation)) if errors.is_empty() => {
            Ok(FlowChange {
                name,
                slug,
                title,
                designation,
                policy_engine_mode,
                compatibility_mode,
                layout,
                denied_action,
            })
        }
        _ => Err(ElementError::Fields(errors)),
    }
}

/// The fields of one element, taken out one by one, and what was wrong with those taken so far.
struct ElementFields<'b> {
    body: &'b mut Map<String, Value>,
    errors: BTreeMap<FlowField, Vec<Problem>>,
}

impl ElementFields<'_> {
    fn optional<T>(
        &mut self,
        field: FlowField,
        kind: impl FnOnce(Value) -> Result<T, Vec<Problem>>,
    ) -> Option<T> {
        let value = self.body.swap_remove(field.as_str())?;
        kind(value).map_err(|problems| self.errors.insert(field, problems)).ok()
    }

    fn required<T>(
        &mut self,
        field: FlowField,
        kind: impl FnOnce(Value) -> Result<T, Vec<Problem>>,
    ) -> Option<T> {
        if !self.body.contains_key(field.as_str()) {
            self.errors.insert(field, vec![Problem::Required]);
        }
        self.optional(field, kind)
    }
}
