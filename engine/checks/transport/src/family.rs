//! Which address families a listening address serves.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::options::{QuicOptions, UdpOptions};

/// An address to listen at, and whether its socket serves IPv6 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) addr: SocketAddr,
    /// RFC 3493 section 5.3. Never left to the system, whose default differs from machine to machine.
    pub(crate) only_v6: bool,
}

impl Listen {
    /// A UDP socket of this family, not bound yet.
    pub(crate) fn socket(self) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(self.addr), Type::DGRAM, Some(Protocol::UDP))?;
        if self.addr.is_ipv6() {
            socket.set_only_v6(self.only_v6)?;
        }
        Ok(socket)
    }
}

impl UdpOptions {
    pub(crate) fn listens(&self) -> Vec<Listen> {
        listens(self.listen, &self.also)
    }
}

impl QuicOptions {
    pub(crate) fn listens(&self) -> Vec<Listen> {
        listens(self.listen, &self.also)
    }
}

/// The unspecified IPv6 address stands for both families, unless an IPv4 address with its port stands beside it. An
/// IPv4 address that is written as an IPv6 one (RFC 4291 section 2.5.5.2) is an IPv4 address.
fn listens(first: SocketAddr, also: &[SocketAddr]) -> Vec<Listen> {
    let addrs: Vec<SocketAddr> = [first].iter().chain(also).map(|addr| canonical(*addr)).collect();
    let has_v4 = |port: u16| addrs.iter().any(|addr| addr.is_ipv4() && addr.port() == port);
    let listen = |addr: &SocketAddr| Listen {
        addr: *addr,
        only_v6: addr.is_ipv6() && (!addr.ip().is_unspecified() || has_v4(addr.port())),
    };
    addrs.iter().map(listen).collect()
}

fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        ip if ip == addr.ip() => addr,
        ip => SocketAddr::new(ip, addr.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unspecified_ipv6_address_stands_for_both_families_unless_ipv4_has_its_own() {
        let check = |addrs: &[&str], wanted: &[(&str, bool)]| {
            let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
            let listens: Vec<_> = listens(addrs[0], &addrs[1..])
                .iter()
                .map(|listen| (listen.addr.to_string(), listen.only_v6))
                .collect();
            let wanted: Vec<_> =
                wanted.iter().map(|(addr, only_v6)| ((*addr).to_owned(), *only_v6)).collect();
            assert_eq!(listens, wanted);
        };
        check(&["0.0.0.0:1"], &[("0.0.0.0:1", false)]);
        check(&["[::]:1"], &[("[::]:1", false)]);
        check(&["[::1]:1"], &[("[::1]:1", true)]);
        check(&["[::]:1", "0.0.0.0:1"], &[("[::]:1", true), ("0.0.0.0:1", false)]);
        check(&["192.0.2.1:1", "[::]:1"], &[("192.0.2.1:1", false), ("[::]:1", true)]);
        check(&["192.0.2.1:2", "[::]:1"], &[("192.0.2.1:2", false), ("[::]:1", false)]);
        check(&["[::ffff:192.0.2.1]:1"], &[("192.0.2.1:1", false)]);
    }
}
