//! `sms-stage dynamodb`: the embedded engine on a port.

use std::net::SocketAddr;

use clap::Args;
use dynoxide::Database;

use crate::{
    data_args::{DataArgs, Started},
    demo, engine,
    listen::{self, RemoteArgs, Reserved, Stop},
    output::{Failure, stderr, stdout},
};

/// Serve only the embedded DynamoDB engine, with the table made.
///
/// For pointing the real function binary or `sam local` at: set AWS_ENDPOINT_URL_DYNAMODB to the
/// printed address and TABLE_NAME to the printed table. Any credentials are taken.
///
/// The engine looks at no credentials: every program and every user of this machine who can connect
/// to the port can read the secrets of all stages, change them, and make tokens. Use it with data
/// that may be seen. `sms-stage serve` opens no such port.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  sms-stage dynamodb --listen :0 --load tests/conformance/fixture.json")]
pub struct DynamodbArgs {
    /// The address to listen on; without a host (:8001, or 8001), this machine's own. Port 0 picks a
    /// free port, which is then printed.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8001", value_parser = listen::address)]
    listen: SocketAddr,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// Serves the engine until the process is to stop. Nothing listens until everything is loaded.
pub async fn run(args: DynamodbArgs) -> Result<(), Failure> {
    let reserved = Reserved::new(args.listen, &args.remote)?;
    let Started { database, table, demo } = args.data.start().await?;
    let mut announcement =
        format!("listening on http://{}\ntable: {}", reserved.address(), engine::TABLE);
    if let Some(demo) = &demo {
        announcement += &format!("\ndemo token: {}", demo.key);
    }
    let served = serve(reserved, database, &announcement).await;
    // Also after a failure: a data file is not left with a key that was printed.
    demo::end(demo, &table).await?;
    served
}

async fn serve(reserved: Reserved, database: Database, announcement: &str) -> Result<(), Failure> {
    let stop = Stop::watch();
    let listener = reserved.listen()?;
    stdout(announcement)?;
    stderr(
        "no credentials are checked here: every program that can connect to this port can read and \
         change everything",
    );
    let requested = stop.clone().requested();
    tokio::select! {
        served = dynoxide::server::serve_with_shutdown(listener, database, requested) => {
            served.map_err(|error| Failure::new("stopped serving", error))
        }
        // A client that has sent half a request would hold up the end for ever.
        () = stop.overdue() => Ok(()),
    }
}
