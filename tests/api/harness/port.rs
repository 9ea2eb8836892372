//! Ports on which nothing listens.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port on which nothing listens. While this value exists, the system gives the port to no
/// program that asks for a free one; a program that asks for this port can listen on it.
pub struct ClosedPort {
    _socket: TcpSocket,
    /// The address with the port.
    pub address: SocketAddr,
}

impl ClosedPort {
    /// Reserves a port.
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = socket.local_addr().unwrap();
        Self { _socket: socket, address }
    }
}
