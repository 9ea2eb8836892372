//! The table of fields: one line defines everything about a field.

use super::value::Value;

/// The kind of a field's value, which decides how a body spells it and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, trimmed.
    Text,
    /// A text for URLs: letters, digits, `-` and `_`.
    Slug,
    /// A text that is a credential of the SMS provider.
    Secret,
    /// One of these words, spelled exactly.
    Choice(&'static [&'static str]),
    /// True or false.
    Boolean,
    /// The key of a row of this kind.
    Reference(Row),
    /// The stage's flows, each with the fields of [`FLOW_FIELDS`].
    Flows,
}

/// The kinds of row that a reference may point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A flow.
    Flow,
    /// A webhook mapping.
    Mapping,
}

/// The value in a new stage or flow if the request does not contain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Null.
    Null,
    /// This text or word.
    Text(&'static str),
    /// This boolean.
    Boolean(bool),
    /// No flows.
    NoFlows,
}

/// One line of the table.
#[derive(Debug)]
pub struct Spec {
    /// The name, in JSON and in DynamoDB.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether its text may be empty.
    pub blank: bool,
    /// Whether a request that describes the whole stage (POST, PUT) must contain it.
    pub required: bool,
    /// Its value if a POST does not contain it.
    pub initial: Initial,
    /// Whether a list can be filtered by it.
    pub filter: bool,
}

impl Spec {
    const fn new(name: &'static str, kind: Kind, initial: Initial) -> Self {
        Self { name, kind, nullable: false, blank: false, required: false, initial, filter: true }
    }

    const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text, Initial::Text(""))
    }

    const fn secret(name: &'static str) -> Self {
        Self::new(name, Kind::Secret, Initial::Text(""))
    }

    const fn choice(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, Kind::Choice(words), Initial::Text(words[0]))
    }

    const fn boolean(name: &'static str) -> Self {
        Self::new(name, Kind::Boolean, Initial::Boolean(false))
    }

    const fn reference(name: &'static str, row: Row) -> Self {
        Self::new(name, Kind::Reference(row), Initial::Null).nullable()
    }

    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self.initial = Initial::Null;
        self
    }

    const fn blank(mut self) -> Self {
        self.blank = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn initially(mut self, word: &'static str) -> Self {
        self.initial = Initial::Text(word);
        self
    }

    /// The value of a new stage or flow; `None` is null.
    #[must_use]
    pub fn initial_value(&self) -> Option<Value> {
        match (self.initial, self.kind) {
            (Initial::Null, _) => None,
            (Initial::Text(text), Kind::Secret) => Some(Value::secret(text.to_owned())),
            (Initial::Text(word), Kind::Choice(_)) => Some(Value::Word(word)),
            (Initial::Text(text), _) => Some(Value::Text(text.to_owned())),
            (Initial::Boolean(boolean), _) => Some(Value::Boolean(boolean)),
            (Initial::NoFlows, _) => Some(Value::Flows(Vec::new())),
        }
    }
}

/// The writable fields of a stage, in the contract's order; an error's keys are in the same order.
pub static FIELDS: [Spec; 12] = [
    Spec::text("name").required(),
    Spec { filter: false, ..Spec::new("flow_set", Kind::Flows, Initial::NoFlows) },
    Spec::reference("configure_flow", Row::Flow),
    Spec::text("friendly_name").nullable(),
    Spec::choice("provider", &["twilio", "generic"]).required(),
    Spec::text("from_number").required(),
    Spec::text("account_sid").required(),
    Spec::secret("auth").required(),
    Spec::secret("auth_password").blank(),
    Spec::choice("auth_type", &["basic", "bearer"]),
    Spec::boolean("verify_only"),
    Spec::reference("mapping", Row::Mapping),
];

/// The writable fields of a flow in a stage's `flow_set`, in the contract's order. The layouts are
/// those of all releases; the contract decides which of them a body may contain.
pub static FLOW_FIELDS: [Spec; 8] = [
    Spec::text("name").required(),
    Spec { required: true, ..Spec::new("slug", Kind::Slug, Initial::Text("")) },
    Spec::text("title").required(),
    Spec::choice("designation", &DESIGNATIONS).required(),
    Spec::choice("policy_engine_mode", &["all", "any"]).initially("any"),
    Spec::boolean("compatibility_mode"),
    Spec::choice("layout", &LAYOUTS),
    Spec::choice("denied_action", &["message_continue", "message", "continue"]),
];

const DESIGNATIONS: [&str; 7] = [
    "authentication",
    "authorization",
    "invalidation",
    "enrollment",
    "unenrollment",
    "recovery",
    "stage_configuration",
];

/// Where a flow's page shows its form: the words of all releases, oldest first.
pub static LAYOUTS: [&str; 7] = [
    "stacked",
    "content_left",
    "content_right",
    "sidebar_left",
    "sidebar_right",
    "sidebar_left_frame_background",
    "sidebar_right_frame_background",
];

/// A field of a stage: its line in [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(usize);

impl Field {
    /// The name, unique among all stages.
    pub const NAME: Self = Self(index(&FIELDS, "name"));
    /// The flows that the stage is bound to.
    pub const FLOW_SET: Self = Self(index(&FIELDS, "flow_set"));
    /// The flow with which a user sets the stage up.
    pub const CONFIGURE_FLOW: Self = Self(index(&FIELDS, "configure_flow"));
    /// The display name, which users see instead of the name.
    pub const FRIENDLY_NAME: Self = Self(index(&FIELDS, "friendly_name"));
    /// The API that sends messages; with `account_sid`, the address that the secrets are sent to.
    pub const PROVIDER: Self = Self(index(&FIELDS, "provider"));
    /// Twilio's account, or a generic provider's URL.
    pub const ACCOUNT_SID: Self = Self(index(&FIELDS, "account_sid"));
    /// The webhook mapping that shapes a generic provider's payload.
    pub const MAPPING: Self = Self(index(&FIELDS, "mapping"));

    /// Every field, in the contract's order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..FIELDS.len()).map(Self)
    }

    /// The fields that hold a credential.
    pub fn secrets() -> impl Iterator<Item = Self> {
        Self::all().filter(|field| field.spec().kind == Kind::Secret)
    }

    /// The field of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|field| field.as_str() == name)
    }

    /// Its line in the table.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        &FIELDS[self.0]
    }

    /// Its name, in JSON and in DynamoDB.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// Its index in [`FIELDS`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// The index of a flow's slug, which links an element of a request to the flow that it changes.
pub const FLOW_SLUG: usize = index(&FLOW_FIELDS, "slug");
/// The index of a flow's name.
pub const FLOW_NAME: usize = index(&FLOW_FIELDS, "name");
/// The index of a flow's title.
pub const FLOW_TITLE: usize = index(&FLOW_FIELDS, "title");
/// The index of a flow's designation.
pub const FLOW_DESIGNATION: usize = index(&FLOW_FIELDS, "designation");

/// The index of the line with this name. Evaluated only at compile time, which fails for a name
/// that is not in the table.
const fn index(table: &[Spec], name: &str) -> usize {
    let mut index = 0;
    while !is_equal(table[index].name.as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}

const fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
