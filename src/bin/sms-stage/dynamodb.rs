//! `sms-stage dynamodb`: serves the embedded engine on a port.

use std::net::SocketAddr;

use clap::Args;
use dynoxide::Database;

use crate::{
    data_args::{DataArgs, Started},
    demo, engine,
    listen::{self, RemoteArgs, Reserved, Stop},
    output::{Failure, stderr, stdout},
};

/// Serve only the embedded DynamoDB engine, with the table created.
///
/// To connect the function's binary or `sam local` to it, set AWS_ENDPOINT_URL_DYNAMODB to the
/// printed address and TABLE_NAME to the printed table. Any credentials are accepted.
///
/// The engine does not check credentials: every program and every user of this machine who can
/// connect to the port can read the secrets of all stages, change them, and create tokens. Use it
/// only with data that need not be secret. `sms-stage serve` opens no such port.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  sms-stage dynamodb --listen :0 --load tests/conformance/fixture.json")]
pub struct DynamodbArgs {
    /// Address to listen on. Without a host (:8001 or 8001), only this machine can connect. Port 0
    /// picks a free port, which is then printed.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8001", value_parser = listen::address)]
    listen: SocketAddr,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// Serves the engine until the process is told to stop. Nothing listens until all data is loaded.
pub async fn run(args: DynamodbArgs) -> Result<(), Failure> {
    let reserved = Reserved::new(args.listen, &args.remote)?;
    let Started { database, table, demo } = args.data.start().await?;
    let mut announcement =
        format!("listening on http://{}\ntable: {}", reserved.address(), engine::TABLE);
    if let Some(demo) = &demo {
        announcement += &format!("\ndemo token: {}", demo.key);
    }
    let served = serve(reserved, database, &announcement).await;
    // Also after a failure, so that the printed key does not stay valid in a data file.
    demo::end(demo, &table).await?;
    served
}

async fn serve(reserved: Reserved, database: Database, announcement: &str) -> Result<(), Failure> {
    let stop = Stop::watch();
    let listener = reserved.listen()?;
    stdout(announcement)?;
    stderr(
        "credentials are not checked: every program that can connect to this port can read and \
         change everything",
    );
    let requested = stop.clone().requested();
    tokio::select! {
        served = dynoxide::server::serve_with_shutdown(listener, database, requested) => {
            served.map_err(|error| Failure::new("stopped serving", error))
        }
        // A client that has sent half a request would delay the shutdown for ever.
        () = stop.overdue() => Ok(()),
    }
}
