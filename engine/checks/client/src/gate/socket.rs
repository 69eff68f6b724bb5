//! One socket for both address families.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// A socket that reaches both families, or IPv4 alone where the system has no IPv6.
pub(super) struct GateSocket {
    pub(super) socket: UdpSocket,
    pub(super) is_ipv4: bool,
}

impl GateSocket {
    pub(super) fn open() -> io::Result<GateSocket> {
        if let Ok(socket) = dual_stack() {
            return Ok(GateSocket { socket, is_ipv4: false });
        }
        Ok(GateSocket { socket: UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?, is_ipv4: true })
    }

    /// Sends one datagram.
    pub(super) fn send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.send_to(bytes, reachable(to, self.is_ipv4))
    }
}

/// The address as the socket names it.
pub(super) fn reachable(to: SocketAddr, is_ipv4: bool) -> SocketAddr {
    match to {
        // RFC 4291 section 2.5.5.2: how one socket names an IPv4 address.
        SocketAddr::V4(v4) if !is_ipv4 => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
        to => to,
    }
}

fn dual_stack() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_only_v6(false)?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))))?;
    Ok(socket.into())
}
