//! The table that a command works on: `--table` and the options beside it, or `--data`.

use std::{env, path::PathBuf, sync::OnceLock};

use authenticator_sms_stage::store::{
    Table,
    client::{self, Connection},
    endpoint::{self, Endpoint},
};
use aws_sdk_dynamodb::{Client, config::Credentials};
use clap::{Args, builder::NonEmptyStringValueParser};

pub use crate::data_file::{Access, IfMissing};
use crate::{
    account::{self, Account},
    data_file, engine,
    output::{Failure, printable},
};

/// The options that select the table. Without them, environment variables select it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Table")]
pub struct TableArgs {
    /// Name of the DynamoDB table. Default: the environment variable TABLE_NAME.
    #[arg(long, value_name = "NAME", conflicts_with = "data", value_parser = endpoint::table_name)]
    table: Option<String>,
    /// DynamoDB endpoint, such as that of `sms-stage dynamodb`. Default: the environment variable
    /// AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL, the profile's endpoint_url, or the region's.
    #[arg(long, value_name = "URL", conflicts_with = "data", value_parser = Endpoint::parse)]
    endpoint: Option<Endpoint>,
    /// AWS region. Default: the environment variable AWS_REGION or AWS_DEFAULT_REGION, or the profile's
    /// region.
    #[arg(long, value_name = "REGION", conflicts_with = "data", value_parser = endpoint::region)]
    region: Option<String>,
    /// Profile in ~/.aws/config to take credentials from: keys, a role, SSO or a process, but not
    /// `aws login`. Default: the credentials that every AWS tool finds.
    #[arg(long, value_name = "PROFILE", conflicts_with = "data", value_parser = NonEmptyStringValueParser::new())]
    profile: Option<String>,
    /// Use the embedded engine's data in this file (that of `serve --data`) instead of AWS.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The region in use, for [`TableArgs::place`].
    #[arg(skip)]
    found_region: OnceLock<String>,
}

impl TableArgs {
    /// Opens the table. `if_missing` is for a data file only: creating a table in AWS would hide a
    /// wrong name.
    pub async fn open(&self, if_missing: IfMissing, access: Access) -> Result<Table, Failure> {
        if let Some(file) = &self.data {
            let database = data_file::open(file, if_missing, access)?;
            return Ok(engine::table(database).await?.0);
        }
        let name = self.name()?.ok_or_else(|| {
            Failure(
                "no table was given: name it with --table or TABLE_NAME, or give a data file of \
                 the embedded engine with --data"
                    .to_owned(),
            )
        })?;
        Ok(Table::new(&self.client().await?, name))
    }

    /// Describes the table for messages: its name, region and endpoint, or its file.
    pub fn place(&self) -> String {
        let place = match &self.data {
            Some(file) => format!("the file {}", file.display()),
            None => self.place_in_aws(),
        };
        printable(&place)
    }

    fn place_in_aws(&self) -> String {
        let name = self.name().ok().flatten().unwrap_or_default();
        let region = self.found_region.get().cloned();
        let region = region.or_else(|| self.region().ok().flatten());
        let endpoint = self.endpoint().ok().flatten();
        let mut place = format!("table {name}");
        if let Some(region) = region {
            place += &format!(" in {region}");
        }
        if let Some(endpoint) = endpoint {
            place += &format!(" at {}", endpoint.as_str());
        }
        if let Some(profile) = &self.profile {
            place += &format!(" with the profile {profile}");
        }
        place
    }

    fn name(&self) -> Result<Option<String>, Failure> {
        match &self.table {
            Some(name) => Ok(Some(name.clone())),
            None => setting("TABLE_NAME", endpoint::table_name),
        }
    }

    fn region(&self) -> Result<Option<String>, Failure> {
        match &self.region {
            Some(region) => Ok(Some(region.clone())),
            None => setting("AWS_REGION", endpoint::region),
        }
    }

    fn endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(Some(endpoint.clone()));
        }
        match setting("AWS_ENDPOINT_URL_DYNAMODB", Endpoint::parse)? {
            Some(endpoint) => Ok(Some(endpoint)),
            None => setting("AWS_ENDPOINT_URL", Endpoint::parse),
        }
    }

    async fn client(&self) -> Result<Client, Failure> {
        let endpoint = self.endpoint()?;
        let region = self.region()?;
        let names_no_credentials = self.profile.is_none()
            && variable("AWS_PROFILE").is_none()
            && variable("AWS_ACCESS_KEY_ID").is_none();
        if names_no_credentials && endpoint.as_ref().is_some_and(account::is_this_machine) {
            // A local engine accepts any credentials, so no AWS account is needed.
            let region = region.unwrap_or_else(|| "us-east-1".to_owned());
            let _ = self.found_region.set(region.clone());
            return local_client(region, endpoint);
        }
        let account = Account { profile: self.profile.clone(), region, endpoint };
        let (client, region) = account.client().await?;
        let _ = self.found_region.set(region);
        Ok(client)
    }
}

fn local_client(region: String, endpoint: Option<Endpoint>) -> Result<Client, Failure> {
    let credentials = Credentials::new("local", "local", None, None, "local engine");
    let connection = Connection { region, endpoint, roots: None, credentials };
    let client = client::client(connection).map_err(|error| Failure(error.to_string()))?;
    let config = client.config().to_builder().timeout_config(engine::timeouts());
    Ok(Client::from_conf(config.build()))
}

/// Reads and checks an environment variable.
fn setting<T>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let parsed = variable(name).map(|text| parse(&text)).transpose();
    parsed.map_err(|problem| Failure(format!("the environment variable {name} {problem}")))
}

/// Returns an environment variable's value. An empty one is not set, as in the function.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
