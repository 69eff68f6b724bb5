//! One UDP socket of one worker: opened with its options, received from in batches.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use hufu_wire::limits::BATCH_MAX;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;
use socket2::SockAddr;

use super::wake::Wake;
use crate::family::Listen;
use crate::metrics::kernel::{self, UdpRow};

/// Room for one receive: with GRO the kernel may hand over up to 64 datagrams of one sender in one piece.
const BUFFER_BYTES: usize = 64 << 10;
const _: () = assert!(BATCH_MAX <= quinn_udp::BATCH_SIZE);
/// Memory that Linux takes for a request of a phone code that waits; a smaller request takes more than half of it.
const DATAGRAM_BYTES: u64 = 1280;

/// A non-blocking socket that shares its port with its siblings.
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    addr: SocketAddr,
    inode: u64,
}

/// Memory for one batch of receives, allocated once.
pub(crate) struct Inbox {
    memory: Box<[u8]>,
    metas: [RecvMeta; BATCH_MAX],
}

/// Where a datagram came from, and which of our addresses it was sent to: the reply leaves from there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    pub(crate) local: Option<std::net::IpAddr>,
}

impl Socket {
    /// Fails where another process serves this address. Ours share it among themselves, so the kernel would let
    /// a stranger join them and take a part of their packets.
    pub(crate) fn refuse_if_taken(listen: Listen) -> io::Result<()> {
        listen.socket()?.bind(&SockAddr::from(listen.addr))
    }

    pub(crate) fn open(listen: Listen, buffer_bytes: usize) -> io::Result<Socket> {
        let socket = listen.socket()?;
        socket.set_reuse_port(true)?;
        ask_for_buffers(&socket, buffer_bytes);
        socket.bind(&SockAddr::from(listen.addr))?;
        let io = UdpSocket::from(socket);
        // With which a wildcard socket learns the address that was asked, of either family: IP_PKTINFO on an IPv4
        // socket; IPV6_RECVPKTINFO on an IPv6 one, where an IPv4 address comes mapped (RFC 3542 section 6) and goes
        // out the same way.
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // quinn-udp asks for the ECN bits of every datagram, which mean nothing to a protocol without streams.
        let options = socket2::SockRef::from(&io);
        if !listen.only_v6 {
            options.set_recv_tos_v4(false)?;
        }
        if listen.addr.is_ipv6() {
            options.set_recv_tclass_v6(false)?;
        }
        let addr = io.local_addr()?;
        let inode = rustix::fs::fstat(&io)?.st_ino;
        Ok(Socket { io, state, addr, inode })
    }

    /// A socket from which nothing can ever be received: a TCP listener in its place.
    #[cfg(test)]
    pub(crate) fn that_fails() -> io::Result<Socket> {
        let mut socket = Socket::open(Listen { addr: ([127, 0, 0, 1], 0).into(), only_v6: false }, 4096)?;
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        socket.io = UdpSocket::from(std::os::fd::OwnedFd::from(listener));
        Ok(socket)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The number under which the kernel lists this socket in `/proc/net/udp`.
    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    /// Whether any of the machine's addresses may be the one a peer has asked.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.addr.ip().is_unspecified()
    }

    pub(crate) fn sock_ref(&self) -> UdpSockRef<'_> {
        UdpSockRef::from(&self.io)
    }

    pub(crate) fn state(&self) -> &UdpSocketState {
        &self.state
    }

    /// Takes what the socket holds, up to one batch of receives, and never waits for more.
    pub(crate) fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        let mut chunks = inbox.memory.chunks_exact_mut(BUFFER_BYTES);
        let mut buffers: [IoSliceMut<'_>; BATCH_MAX] =
            core::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        self.state.recv(self.sock_ref(), &mut buffers, &mut inbox.metas)
    }

    /// About how many datagrams wait in it. Reads a file of the system, which takes longer than some checks.
    pub(crate) fn waiting(&self) -> u64 {
        let of = |row: &UdpRow| row.inode == self.inode;
        kernel::udp_sockets().iter().find(|row| of(row)).map_or(0, |row| row.waiting_bytes / DATAGRAM_BYTES)
    }

    /// Takes as much away as [`receive`](Self::receive) would and looks at none of it.
    pub(crate) fn discard(&self, inbox: &mut Inbox) -> io::Result<usize> {
        // A byte of each: the rest of a datagram is not copied.
        let mut chunks = inbox.memory.chunks_exact_mut(BUFFER_BYTES);
        let mut buffers: [IoSliceMut<'_>; BATCH_MAX] = core::array::from_fn(|_| {
            IoSliceMut::new(chunks.next().and_then(|chunk| chunk.get_mut(..1)).unwrap_or_default())
        });
        self.state.recv(self.sock_ref(), &mut buffers, &mut inbox.metas)
    }

    /// Sleeps until there is something to receive or `wake` is set, or for this long; whether nothing came.
    pub(crate) fn wait(&self, wake: &Wake, at_most: Duration) -> bool {
        let mut waiting = [PollFd::new(self, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
        let at_most = Timespec::try_from(at_most).ok();
        // A signal or an error only means looking again.
        poll(&mut waiting, at_most.as_ref()) == Ok(0)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox {
            memory: vec![0; BUFFER_BYTES * BATCH_MAX].into_boxed_slice(),
            metas: [RecvMeta::default(); BATCH_MAX],
        }
    }

    /// Each datagram of the last `received` receives, in the order of their arrival.
    pub(crate) fn datagrams(&mut self, received: usize) -> impl Iterator<Item = (Peer, &mut [u8])> {
        self.memory.chunks_exact_mut(BUFFER_BYTES).zip(&self.metas).take(received).flat_map(
            |(buffer, meta)| {
                let peer = Peer { addr: meta.addr, local: meta.dst_ip };
                let (datagrams, _) = buffer.split_at_mut(meta.len.min(BUFFER_BYTES));
                // An empty datagram has no stride, and no chunk either.
                let empty: Option<&mut [u8]> = datagrams.is_empty().then_some(&mut []);
                empty
                    .into_iter()
                    .chain(datagrams.chunks_mut(meta.stride.max(1)))
                    .map(move |bytes| (peer, bytes))
            },
        )
    }
}

/// Bursts wait in the kernel while a worker is busy or asleep. A process that may (`CAP_NET_ADMIN`) gets all it
/// asks for, others what `net.core.rmem_max` and `wmem_max` allow.
fn ask_for_buffers(socket: &socket2::Socket, bytes: usize) {
    // A refusal leaves the system's default, with which everything works, only with less room.
    let _ = sockopt::set_socket_recv_buffer_size_force(socket, bytes)
        .or_else(|_| sockopt::set_socket_recv_buffer_size(socket, bytes));
    let _ = sockopt::set_socket_send_buffer_size_force(socket, bytes)
        .or_else(|_| sockopt::set_socket_send_buffer_size(socket, bytes));
}
