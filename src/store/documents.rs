//! The format of `--load`: stages, flows, mappings and tokens as JSON.
//!
//! Stages and flows are as authentik's own API returns them. What the API derives (`component`,
//! `export_url`, …) is not read.

use std::fmt;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use serde::{Deserialize, Deserializer, de::Error as _};
use uuid::Uuid;

use super::{StageTable, operate::Created};
use crate::{
    choice::Choice,
    error::StoreError,
    flow::{DeniedAction, Designation, Flow, Layout, PolicyEngineMode},
    permission::TokenKey,
    stage::{AuthType, Provider, Secret, Stage},
};

// No type here derives `Debug`: their texts are credentials.

/// A whole file: what is to be put into the table.
#[derive(Deserialize)]
pub struct Documents {
    #[serde(default)]
    stages: Vec<StageDocument>,
    #[serde(default)]
    flows: Vec<FlowDocument>,
    #[serde(default)]
    mappings: Vec<MappingDocument>,
    #[serde(default)]
    tokens: Vec<TokenDocument>,
}

#[derive(Deserialize)]
struct StageDocument {
    pk: Uuid,
    name: String,
    flow_set: Vec<FlowDocument>,
    configure_flow: Option<Uuid>,
    friendly_name: Option<String>,
    #[serde(deserialize_with = "choice")]
    provider: Provider,
    from_number: String,
    account_sid: String,
    auth: String,
    auth_password: String,
    #[serde(deserialize_with = "choice")]
    auth_type: AuthType,
    verify_only: bool,
    mapping: Option<Uuid>,
}

#[derive(Deserialize)]
struct FlowDocument {
    pk: Uuid,
    policybindingmodel_ptr_id: Uuid,
    name: String,
    slug: String,
    title: String,
    #[serde(deserialize_with = "choice")]
    designation: Designation,
    background: String,
    #[serde(deserialize_with = "choice")]
    policy_engine_mode: PolicyEngineMode,
    compatibility_mode: bool,
    #[serde(deserialize_with = "choice")]
    layout: Layout,
    #[serde(deserialize_with = "choice")]
    denied_action: DeniedAction,
}

#[derive(Deserialize)]
struct MappingDocument {
    pk: Uuid,
    name: String,
}

#[derive(Deserialize)]
struct TokenDocument {
    key: String,
    user: String,
    permissions: Vec<String>,
    #[serde(default, deserialize_with = "timestamp")]
    expires: Option<u64>,
}

fn choice<'de, C: Choice, D: Deserializer<'de>>(deserializer: D) -> Result<C, D::Error> {
    let word = String::deserialize(deserializer)?;
    C::from_word(&word).ok_or_else(|| {
        let words: Vec<_> = C::ALL.iter().map(|choice| choice.as_str()).collect();
        D::Error::custom(format!("{word:?} is none of {}", words.join(", ")))
    })
}

/// An RFC 3339 time, in seconds since 1970; one before that has passed, and counts as 1970.
fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let time = DateTime::from_str(&text, DateTimeFormat::DateTimeWithOffset);
    let time = time.map_err(|error| D::Error::custom(format!("{text:?} is no time: {error}")))?;
    Ok(Some(u64::try_from(time.secs()).unwrap_or_default()))
}

impl From<FlowDocument> for Flow {
    fn from(flow: FlowDocument) -> Self {
        Self {
            pk: flow.pk,
            policybindingmodel_ptr_id: flow.policybindingmodel_ptr_id,
            name: flow.name,
            slug: flow.slug,
            title: flow.title,
            designation: flow.designation,
            background: flow.background,
            policy_engine_mode: flow.policy_engine_mode,
            compatibility_mode: flow.compatibility_mode,
            layout: flow.layout,
            denied_action: flow.denied_action,
        }
    }
}

impl From<StageDocument> for Stage {
    fn from(stage: StageDocument) -> Self {
        Self {
            stage_uuid: stage.pk,
            name: stage.name,
            flow_set: stage.flow_set.into_iter().map(Flow::from).collect(),
            configure_flow: stage.configure_flow,
            friendly_name: stage.friendly_name,
            provider: stage.provider,
            from_number: stage.from_number,
            account_sid: stage.account_sid,
            auth: Secret::new(stage.auth),
            auth_password: Secret::new(stage.auth_password),
            auth_type: stage.auth_type,
            verify_only: stage.verify_only,
            mapping: stage.mapping,
        }
    }
}

/// How much of each was put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Stages that are in the table now.
    pub stages: usize,
    /// Stages that were there already, and were left as they were.
    pub stages_left: usize,
    /// Flows, over those with the same keys.
    pub flows: usize,
    /// Mappings, over those with the same keys.
    pub mappings: usize,
    /// Tokens, over those with the same keys.
    pub tokens: usize,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stages, stages_left, flows, mappings, tokens } = self;
        write!(f, "{stages} stages, {flows} flows, {mappings} mappings, {tokens} tokens")?;
        if *stages_left > 0 {
            write!(f, " ({stages_left} stages were there already and were left)")?;
        }
        Ok(())
    }
}

/// Why a document is not in the table.
#[derive(Debug)]
pub struct LoadError {
    /// Which document.
    pub document: String,
    /// Why.
    pub reason: LoadFailure,
}

/// What kept a document out of the table.
#[derive(Debug)]
pub enum LoadFailure {
    /// Another stage has its name.
    NameTaken,
    /// The table could not be asked.
    Store(StoreError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            LoadFailure::NameTaken => write!(f, "{}: another stage has this name", self.document),
            LoadFailure::Store(error) => write!(f, "{}: {error}", self.document),
        }
    }
}

impl std::error::Error for LoadError {}

impl Documents {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// Says where the text is not JSON, or which field is not as it must be.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Puts it all into the table.
    ///
    /// Rows that stages may refer to come first, so that no stage ever points to nothing.
    ///
    /// # Errors
    ///
    /// [`LoadError`] for the first document that cannot be put in; those before it are in.
    pub async fn load(self, table: &StageTable) -> Result<Loaded, LoadError> {
        let failed = |document: String| {
            move |error| LoadError { document, reason: LoadFailure::Store(error) }
        };
        let mut loaded = Loaded::default();
        for flow in self.flows.into_iter().map(Flow::from) {
            table.put_flow(&flow).await.map_err(failed(format!("flow {}", flow.pk)))?;
            loaded.flows += 1;
        }
        for mapping in self.mappings {
            let put = table.put_mapping(mapping.pk, &mapping.name).await;
            put.map_err(failed(format!("mapping {}", mapping.pk)))?;
            loaded.mappings += 1;
        }
        for token in self.tokens {
            let hash = TokenKey::new(token.key).hash();
            let put = table.put_token(&hash, &token.user, &token.permissions, token.expires).await;
            put.map_err(failed(format!("a token of {}", token.user)))?;
            loaded.tokens += 1;
        }
        for stage in self.stages.into_iter().map(Stage::from) {
            let document = format!("stage {} ({:?})", stage.stage_uuid, stage.name);
            match table.create_stage(stage).await.map_err(failed(document.clone()))? {
                Created::Done => loaded.stages += 1,
                Created::Exists => loaded.stages_left += 1,
                Created::NameTaken => {
                    return Err(LoadError { document, reason: LoadFailure::NameTaken });
                }
            }
        }
        Ok(loaded)
    }
}
