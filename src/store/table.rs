//! The table, and the connection to it.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, config::Builder};

use super::{
    client::{self, Connection, ConnectionError},
    error::StoreError,
    key::{self, Kind},
    watch::AttemptWatch,
};

/// Maximum time that a start waits for its connection.
const OPENING_TIME: Duration = Duration::from_millis(1500);

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) watch: AttemptWatch,
}

impl Table {
    /// The table of this name, at the client's endpoint.
    #[must_use]
    pub fn new(client: &Client, name: String) -> Self {
        Self::with_config(client.config().to_builder(), name)
    }

    /// The table of this name. Nothing is sent yet.
    ///
    /// Building a client takes a fourteenth of a start's instructions, so this builds only one.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`] if the certificates cannot be read.
    pub fn connect(connection: Connection, name: String) -> Result<Self, ConnectionError> {
        Ok(Self::with_config(client::config(connection)?, name))
    }

    fn with_config(config: Builder, name: String) -> Self {
        let watch = AttemptWatch::default();
        let config = config.interceptor(watch.clone()).build();
        Self { client: Client::from_conf(config), name, watch }
    }

    /// Opens the connection that the first request will use, by reading an item that never exists.
    /// A failure is only logged: the first request will try again.
    pub async fn open_connection(&self) {
        let read = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key::Key { kind: Kind::Stage, id: "-".to_owned() }.attributes()))
            .projection_expression(key::ID)
            .send();
        match tokio::time::timeout(OPENING_TIME, read).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = StoreError::from_sdk("GetItem", &error);
                tracing::warn!(cause = %error, "not connected");
            }
            Err(_) => tracing::warn!(cause = "no answer in time", "not connected"),
        }
    }
}
