//! The embedded engine with a table of stages, shared by the harness and `benches/function.rs`.

use std::{collections::HashMap, net::SocketAddr};

use authenticator_sms_stage::{
    access::{
        caller::Caller,
        permission::{ADD, CHANGE, DELETE, VIEW},
        token::{Token, TokenKey},
    },
    stage::{
        field::Field,
        flow::Flow,
        stage::Stage,
        value::Value,
        version::{Stored, Version},
    },
    store::{
        Table,
        admin::OnConflict,
        client::{self, Connection},
        endpoint::Endpoint,
        item::{self, Item},
    },
};
use aws_sdk_dynamodb::{config::Credentials, types::AttributeValue};
use dynoxide::{Database, ImportOptions};
use serde_json::Value as Json;
use uuid::Uuid;

/// Any error.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The table's name.
pub const TABLE: &str = "authenticator-sms-stage";
/// The key of a token with every permission on stages.
const TOKEN: &str = "bench-token";
/// The event from which other events are made.
const PATCH: &str = include_str!("../events/http-api-patch-200.json");
/// The path of the stages.
const STAGES: &str = "/api/v3/stages/authenticator/sms/";

/// Creates the table and the token on the engine that listens on `engine`.
pub async fn create(engine: SocketAddr) -> Result<Table, Failure> {
    let client = client::client(Connection {
        region: "us-east-1".to_owned(),
        endpoint: Some(Endpoint::parse(&format!("http://{engine}"))?),
        roots: None,
        credentials: Credentials::new("local", "local", None, None, "embedded engine"),
    })?;
    let table = Table::new(&client, TABLE.to_owned());
    table.create_table().await?;
    let permissions = [VIEW, ADD, CHANGE, DELETE].map(str::to_owned).to_vec();
    let caller = Caller::new(Some("bench".to_owned()), permissions);
    let token = Token { caller, created: None, expires: None };
    let hash = TokenKey::new(TOKEN.to_owned()).hash();
    let _ = table.session().put_token(&hash, &token, OnConflict::Overwrite).await?;
    Ok(table)
}

/// Puts stages into the table, and returns their bytes as DynamoDB counts them. The items go
/// directly into the engine's database, without locks for their names: 100,000 take only seconds.
pub fn fill(database: &Database, stages: impl Iterator<Item = Stage>) -> Result<usize, Failure> {
    let items = stages.map(|stage| map(item::stage_item(&stored(stage)))).collect();
    Ok(database.import_items(TABLE, items, ImportOptions::default())?.bytes_imported)
}

/// The stage in its first version.
pub fn stored(stage: Stage) -> Stored {
    Stored { stage, version: Version::first("0f8b3c5d7e9a41b2a3c4d5e6f7081920") }
}

/// An event of an HTTP API: a request with the token for the stages, or for the stage `stage`.
pub fn event(
    method: &str,
    stage: Option<&str>,
    query: &str,
    body: Option<&Json>,
) -> Result<String, Failure> {
    let path = stage.map_or(STAGES.to_owned(), |stage| format!("{STAGES}{stage}/"));
    let mut event: Json = serde_json::from_str(PATCH)?;
    event["rawPath"] = path.as_str().into();
    event["rawQueryString"] = query.into();
    event["requestContext"]["http"]["method"] = method.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["headers"]["authorization"] = format!("Bearer {TOKEN}").into();
    event["body"] = body.map(|body| body.to_string().into()).unwrap_or_default();
    Ok(event.to_string())
}

/// A stage with `flows` flows. Number 0 is the stage in the events of `events/`.
pub fn stage(number: u64, flows: u64) -> Stage {
    let mut stage = Stage::new(uuid(0x9c3d_6a1b_e0f7_d2a9_u64.wrapping_add(number)));
    let texts = [
        ("name", format!("sms-setup-{number}")),
        ("friendly_name", "Phone".to_owned()),
        ("from_number", "+15005550006".to_owned()),
        ("account_sid", "AC00000000000000000000000000000001".to_owned()),
    ];
    for (name, text) in texts {
        set(&mut stage, name, Value::Text(text));
    }
    set(&mut stage, "auth", Value::secret("an-auth-token".to_owned()));
    set(&mut stage, "flow_set", Value::Flows((0..flows).map(flow).collect()));
    stage
}

fn set(stage: &mut Stage, name: &str, value: Value) {
    if let Some(field) = Field::from_name(name) {
        stage.set(field, Some(value));
    }
}

fn flow(number: u64) -> Flow {
    let mut flow =
        Flow { pk: uuid(number), policybindingmodel_ptr_id: uuid(number), ..Flow::new() };
    let texts = [format!("Flow {number}"), format!("flow-{number}"), format!("Flow {number}")];
    // Its first fields are name, slug and title.
    for (value, text) in flow.values.iter_mut().zip(texts) {
        *value = Value::Text(text);
    }
    flow
}

fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x5f2d_7c1e_8a44_4b0e, number)
}

/// Converts an item of the SDK into one of the engine.
fn map(item: Item) -> HashMap<String, dynoxide::AttributeValue> {
    item.into_iter().map(|(name, value)| (name, attribute(value))).collect()
}

fn attribute(value: AttributeValue) -> dynoxide::AttributeValue {
    match value {
        AttributeValue::S(text) => dynoxide::AttributeValue::S(text),
        AttributeValue::N(digits) => dynoxide::AttributeValue::N(digits),
        AttributeValue::Bool(boolean) => dynoxide::AttributeValue::BOOL(boolean),
        AttributeValue::L(list) => {
            dynoxide::AttributeValue::L(list.into_iter().map(attribute).collect())
        }
        AttributeValue::M(item) => dynoxide::AttributeValue::M(map(item)),
        // Stages have no values of other types.
        _ => dynoxide::AttributeValue::NULL(true),
    }
}
