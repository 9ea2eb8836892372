//! The format of `--load`: stages, flows, mappings and tokens as JSON.
//!
//! Stages and flows are as authentik's own API returns them. What the API derives (`component`,
//! `export_url`, …) is not read.

use std::path::Path;

use authenticator_sms_stage::{
    flow::Flow,
    permission::TokenKey,
    stage::{Choice, Secret, Stage},
    store::{StageTable, operate::Created},
};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use serde::{Deserialize, Deserializer, de::Error as _};
use uuid::Uuid;

use crate::Failure;

/// A whole file.
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
    provider: authenticator_sms_stage::stage::Provider,
    from_number: String,
    account_sid: String,
    auth: String,
    auth_password: String,
    #[serde(deserialize_with = "choice")]
    auth_type: authenticator_sms_stage::stage::AuthType,
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
    designation: authenticator_sms_stage::flow::Designation,
    background: String,
    #[serde(deserialize_with = "choice")]
    policy_engine_mode: authenticator_sms_stage::flow::PolicyEngineMode,
    compatibility_mode: bool,
    #[serde(deserialize_with = "choice")]
    layout: authenticator_sms_stage::flow::Layout,
    #[serde(deserialize_with = "choice")]
    denied_action: authenticator_sms_stage::flow::DeniedAction,
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

impl Documents {
    /// Reads one file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let doing = || format!("cannot load {}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| Failure::new(doing(), error))?;
        Self::parse(&text).map_err(|error| Failure::new(doing(), error))
    }

    /// Reads a file's text.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Puts it all into the table, and tells how much of each it was.
    ///
    /// Rows that stages may refer to come first, so that no stage ever points to nothing.
    pub async fn load(self, table: &StageTable) -> Result<String, Failure> {
        let failed = |what: String| move |error| Failure::new(format!("cannot load {what}"), error);
        let counts = [self.flows.len(), self.mappings.len(), self.tokens.len()];
        for flow in self.flows.into_iter().map(Flow::from) {
            table.put_flow(&flow).await.map_err(failed(format!("flow {}", flow.pk)))?;
        }
        for mapping in self.mappings {
            let put = table.put_mapping(mapping.pk, &mapping.name).await;
            put.map_err(failed(format!("mapping {}", mapping.pk)))?;
        }
        for token in self.tokens {
            let hash = TokenKey::new(token.key).hash();
            let put = table.put_token(&hash, &token.user, &token.permissions, token.expires).await;
            put.map_err(failed(format!("a token of {}", token.user)))?;
        }
        let mut loaded = 0;
        let mut left = 0;
        for stage in self.stages.into_iter().map(Stage::from) {
            let what = format!("stage {} ({:?})", stage.stage_uuid, stage.name);
            match table.create_stage(stage).await.map_err(failed(what.clone()))? {
                Created::Done => loaded += 1,
                Created::Exists => left += 1,
                Created::NameTaken => {
                    return Err(Failure::new(
                        format!("cannot load {what}"),
                        "another stage has this name",
                    ));
                }
            }
        }
        let [flows, mappings, tokens] = counts;
        let left = if left == 0 { String::new() } else { format!(" ({left} were there already)") };
        Ok(format!("{loaded} stages{left}, {flows} flows, {mappings} mappings, {tokens} tokens"))
    }
}
