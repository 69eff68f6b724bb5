//! A socket of its own source port, and what the operating system can do with it.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, Socket, Type};

/// Socket buffers asked for, bytes: answers must not be lost on our side.
const SOCKET_BYTES: usize = 4 << 20;

/// How often a send is tried when the operating system has no room.
const TRIES: u64 = 100;
/// How long one try waits for room: 10 ms.
const TRY: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// A UDP socket connected to the server.
pub(super) struct Port {
    socket: UdpSocket,
    state: UdpSocketState,
    server: SocketAddr,
}

impl Port {
    /// A socket with a port of its own.
    pub(super) fn open(server: SocketAddr) -> io::Result<Port> {
        let socket = Socket::new(Domain::for_address(server), Type::DGRAM, Some(Protocol::UDP))?;
        // Best effort: the system's own limit holds where we may not exceed it.
        let _ = socket.set_recv_buffer_size(SOCKET_BYTES);
        let _ = socket.set_send_buffer_size(SOCKET_BYTES);
        socket.connect(&server.into())?;
        let socket: UdpSocket = socket.into();
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Port { socket, state, server })
    }

    /// The local port.
    pub(super) fn number(&self) -> io::Result<u16> {
        self.socket.local_addr().map(|address| address.port())
    }

    /// Most datagrams that can leave in one call.
    pub(super) fn burst_max(&self) -> usize {
        self.state.max_gso_segments().max(1)
    }

    /// Sends `bytes` as datagrams of `segment` bytes, waiting for room where there is none. Returns how often it
    /// had to wait.
    pub(super) fn send_all(&self, bytes: &[u8], segment: Option<usize>) -> io::Result<u64> {
        let transmit = Transmit {
            destination: self.server,
            ecn: None,
            contents: bytes,
            segment_size: segment,
            src_ip: None,
        };
        let mut waited = 0;
        loop {
            match self.state.try_send((&self.socket).into(), &transmit) {
                Ok(()) => return Ok(waited),
                Err(error) if waited >= TRIES => return Err(error),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], Some(&TRY))?;
                }
                // The answer to something sent earlier while the server's port was closed; it is used up now.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
            waited += 1;
        }
    }

    /// Receives what is there, at most one call's worth; returns how many of `metas` are filled.
    pub(super) fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        match self.state.recv((&self.socket).into(), buffers, metas) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {
                Ok(0)
            }
            received => received,
        }
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
