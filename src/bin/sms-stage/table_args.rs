//! Which table a command works on: `--table` and its fellows, or `--data`.

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

/// Which table. Without any of these, the environment says it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which table")]
pub struct TableArgs {
    /// The DynamoDB table's name. Without it, TABLE_NAME has it.
    #[arg(long, value_name = "NAME", conflicts_with = "data", value_parser = endpoint::table_name)]
    table: Option<String>,
    /// Another endpoint than the region's own, for example that of `sms-stage dynamodb`. Without it,
    /// AWS_ENDPOINT_URL_DYNAMODB has it, if anything does.
    #[arg(long, value_name = "URL", conflicts_with = "data", value_parser = Endpoint::parse)]
    endpoint: Option<Endpoint>,
    /// The AWS region. Without it, AWS_REGION or the profile has it.
    #[arg(long, value_name = "REGION", conflicts_with = "data", value_parser = endpoint::region)]
    region: Option<String>,
    /// The profile, of ~/.aws/config, whose credentials to use: keys, a role, SSO or a process,
    /// but not `aws login`. Without it, they are found as every AWS tool finds them.
    #[arg(long, value_name = "PROFILE", conflicts_with = "data", value_parser = NonEmptyStringValueParser::new())]
    profile: Option<String>,
    /// No AWS at all: the embedded engine's data in this file, as `sms-stage serve --data` keeps it.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The region that was found, for [`TableArgs::place`].
    #[arg(skip)]
    found_region: OnceLock<String>,
}

impl TableArgs {
    /// The table, ready to be asked. `if_missing` is for a data file only: a command that makes a
    /// table in AWS would hide a wrong name.
    pub async fn open(&self, if_missing: IfMissing, access: Access) -> Result<Table, Failure> {
        if let Some(file) = &self.data {
            let database = data_file::open(file, if_missing, access)?;
            return Ok(engine::table(database).await?.0);
        }
        let name = self.name()?.ok_or_else(|| {
            Failure(
                "no table is named: name it with --table or TABLE_NAME, or an embedded engine's \
                 file with --data"
                    .to_owned(),
            )
        })?;
        Ok(Table::new(&self.client().await?, name))
    }

    /// Which table it is, for people: its name, region and endpoint, or its file.
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
            // A local engine takes any credentials; trying it takes no AWS account.
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

/// A setting of the environment, checked.
fn setting<T>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let parsed = variable(name).map(|text| parse(&text)).transpose();
    parsed.map_err(|problem| Failure(format!("the environment variable {name} {problem}")))
}

/// An environment variable's value; an empty one counts as not set, as in the function.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
