//! Where to listen, and when to stop.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use clap::Args;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
};

use crate::output::Failure;

/// Time that unfinished requests get after the first signal to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);

/// Maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Who may connect.
#[derive(Args, Debug)]
pub struct RemoteArgs {
    /// Allow --listen on an address that other machines can reach. There is no TLS: everything that
    /// is sent, including tokens, can be read on the network.
    #[arg(long)]
    allow_remote: bool,
}

/// Reads an address to listen on: `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`, `:8000`, `8000`.
/// Without a host, only this machine can connect.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_number);
    let is_this_machine = host.is_empty() || host.eq_ignore_ascii_case("localhost");
    match port {
        Some(port) if is_this_machine => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        _ => Err("expected an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000, \
                  localhost:8000, or only a port"
            .to_owned()),
    }
}

/// An address that is bound, but not listened on yet: clients are refused.
#[derive(Debug)]
pub struct Reserved {
    socket: TcpSocket,
    address: SocketAddr,
}

impl Reserved {
    /// Binds the address.
    pub fn new(address: SocketAddr, remote: &RemoteArgs) -> Result<Self, Failure> {
        if !address.ip().is_loopback() && !remote.allow_remote {
            return Err(Failure::new(
                format!("will not listen on {address}"),
                "other machines can reach it, without TLS; add --allow-remote to allow this",
            ));
        }
        let reserve = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // As tokio's own listener does: otherwise the port could not be reused for a minute.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let address = socket.local_addr()?;
            Ok(Self { socket, address })
        };
        reserve().map_err(|error: std::io::Error| cannot_listen(address, &error))
    }

    /// Returns the address, with the port that was picked if port 0 was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to listen.
    pub fn listen(self) -> Result<TcpListener, Failure> {
        let Self { socket, address } = self;
        socket.listen(BACKLOG).map_err(|error| cannot_listen(address, &error))
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot listen on {address}"), error)
}

/// The signals to stop (Ctrl-C, SIGTERM, SIGHUP) that this process received.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<u32>);

impl Stop {
    /// Starts to count signals. From now on, a signal does not itself end the process.
    pub fn watch() -> Self {
        let (count, counted) = watch::channel(0);
        count_signals(count);
        Self(counted)
    }

    /// Waits for the first signal.
    pub async fn requested(mut self) {
        // The sender is never dropped.
        let _ = self.0.wait_for(|count| *count >= 1).await;
    }

    /// Waits for the second signal, or for a while after the first: then requests may be dropped.
    pub async fn overdue(mut self) {
        self.clone().requested().await;
        let second = self.0.wait_for(|count| *count >= 2);
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, second).await;
    }
}

#[cfg(unix)]
fn count_signals(count: watch::Sender<u32>) {
    use tokio::signal::unix::{SignalKind, signal};
    // Before anything is printed: a signal may arrive as soon as the address is known.
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals = kinds.map(signal);
    tokio::spawn(async move {
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                count.send_modify(|count| *count += 1);
            }
        }
        // Signals keep their default effect, which is to end the process.
        std::future::pending::<()>().await;
    });
}

#[cfg(not(unix))]
fn count_signals(count: watch::Sender<u32>) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
        std::future::pending::<()>().await;
    });
}
