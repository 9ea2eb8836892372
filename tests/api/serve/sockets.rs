//! The TCP connections of this machine, as Linux lists them in `/proc/net/tcp`.

use std::{
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Maximum time until a server has read what was sent to it.
const READ_TIME: Duration = Duration::from_secs(30);

/// Waits until the server at the other end of a connection has read everything that was sent to it.
pub fn wait_until_read(client: &TcpStream) {
    let (own, server) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
    let start = Instant::now();
    // First, all of it has arrived; then, the server has accepted the connection and read from it.
    let is_read = || {
        side(own, server).is_some_and(|client| client.unsent == 0)
            && side(server, own).is_some_and(|server| server.is_accepted && server.unread == 0)
    };
    while !is_read() {
        assert!(start.elapsed() < READ_TIME, "the server does not read");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One side of a connection.
struct Side {
    /// Number of bytes that the other side has not acknowledged.
    unsent: u64,
    /// Number of bytes that the process has not read.
    unread: u64,
    /// Whether a process has the connection, not only the system.
    is_accepted: bool,
}

/// The side of a connection that has the first of these addresses.
fn side(own: SocketAddr, other: SocketAddr) -> Option<Side> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let ends = [shown(own), shown(other)];
    let mut rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row[1..3] == ends)?;
    let (unsent, unread) = row[4].split_once(':').unwrap();
    let bytes = |digits| u64::from_str_radix(digits, 16).unwrap();
    Some(Side { unsent: bytes(unsent), unread: bytes(unread), is_accepted: row[9] != "0" })
}

/// An IPv4 address as the table shows it.
fn shown(address: SocketAddr) -> String {
    let SocketAddr::V4(address) = address else { panic!("{address} is not IPv4") };
    let host = u32::from_ne_bytes(address.ip().octets());
    format!("{host:08X}:{:04X}", address.port())
}
