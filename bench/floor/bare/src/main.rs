//! The minimum that changes a stage: one `UpdateItem` on a connection opened at the start, without
//! tokens, body, validation, conditions or log.

use std::env;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeValue, ReturnValue},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use lambda_http::{Error, Request, run, service_fn};

const KIND: &str = "STAGE";
const STAGE: &str = "5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = client()?;
    let table = env::var("TABLE_NAME")?;
    if env::var("CONNECT_AT_START").as_deref() != Ok("no") {
        let opening = client.get_item().table_name(&table);
        opening.key("kind", text(KIND)).key("id", text("-")).send().await?;
    }
    run(service_fn(|_: Request| update(&client, &table))).await
}

async fn update(client: &Client, table: &str) -> Result<String, Error> {
    let answer = client
        .update_item()
        .table_name(table)
        .key("kind", text(KIND))
        .key("id", text(STAGE))
        .update_expression("SET friendly_name = :name")
        .expression_attribute_values(":name", text("Work phone"))
        .return_values(ReturnValue::AllNew)
        .send()
        .await?;
    let item = answer.attributes.unwrap_or_default();
    Ok(format!("{{\"attributes\": {}}}", item.len()))
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// The client, built in the same way as the function's.
fn client() -> Result<Client, Error> {
    let roots = std::fs::read(env::var("AWS_CA_BUNDLE")?)?;
    let trust = TrustStore::empty().with_pem_certificate(roots);
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(TlsContext::builder().with_trust_store(trust).build()?)
        .build_https();
    let credentials = Credentials::new(
        env::var("AWS_ACCESS_KEY_ID")?,
        env::var("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "environment",
    );
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(env::var("AWS_REGION")?))
        .credentials_provider(credentials)
        .endpoint_url(env::var("AWS_ENDPOINT_URL_DYNAMODB")?)
        .http_client(http);
    Ok(Client::from_conf(config.build()))
}
