//! The limit of any server behind UDP: takes datagrams in batches and sends the first 80 bytes of each back.
//!
//! The same system calls as the engine's workers use, and nothing else: `recvmmsg` with GRO through quinn-udp,
//! runs to one sender in one segmented send, single replies by `sendmmsg`.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use hufu_wire::limits::BATCH_MAX;
use hufu_wire::sealed::REPLY_BYTES;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg, sockopt};

use super::ready::{Ready, tell, wait_for_end};

const BUFFER_BYTES: usize = 64 << 10;
/// Datagrams one receive can hand over: GRO joins at most this many.
const JOINED_MAX: usize = 64;
const SOCKET_BUFFER_BYTES: usize = 8 << 20;

pub(super) fn serve() -> anyhow::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    // As the engine asks: what the system gives a process that may, else what it gives to all.
    let _ = sockopt::set_socket_recv_buffer_size_force(&socket, SOCKET_BUFFER_BYTES)
        .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES));
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    let addr = socket.local_addr()?;
    std::thread::spawn(move || echo(&socket, &state));
    tell(&Ready { addr, quic: None, devices: Vec::new(), helpers: Vec::new() })?;
    wait_for_end()
}

fn echo(socket: &UdpSocket, state: &UdpSocketState) {
    let mut memory = vec![0; BUFFER_BYTES * BATCH_MAX];
    let mut metas = [RecvMeta::default(); BATCH_MAX];
    let mut replies = Vec::with_capacity(JOINED_MAX * REPLY_BYTES);
    let mut lone: Vec<(SocketAddr, [u8; REPLY_BYTES])> = Vec::with_capacity(BATCH_MAX);
    loop {
        let mut chunks = memory.chunks_exact_mut(BUFFER_BYTES);
        let mut buffers: [IoSliceMut<'_>; BATCH_MAX] =
            core::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let Ok(received) = state.recv(UdpSockRef::from(socket), &mut buffers, &mut metas) else {
            let _ = poll(&mut [PollFd::new(socket, PollFlags::IN)], None);
            continue;
        };
        for (buffer, meta) in memory.chunks_exact(BUFFER_BYTES).zip(&metas[..received]) {
            replies.clear();
            let datagrams = buffer[..meta.len].chunks(meta.stride.max(1));
            replies.extend(datagrams.filter_map(|datagram| datagram.first_chunk::<REPLY_BYTES>()));
            match replies.as_slice() {
                [] => {}
                [reply] => lone.push((meta.addr, *reply)),
                // A full send buffer loses the replies, as it would an engine's.
                replies => drop(send_run(socket, state, meta.addr, replies.as_flattened())),
            }
        }
        let _ = send_lone(socket, &lone);
        lone.clear();
    }
}

fn send_run(
    socket: &UdpSocket,
    state: &UdpSocketState,
    destination: SocketAddr,
    contents: &[u8],
) -> io::Result<()> {
    let transmit =
        Transmit { destination, ecn: None, contents, segment_size: Some(REPLY_BYTES), src_ip: None };
    state.try_send(UdpSockRef::from(socket), &transmit)
}

fn send_lone(socket: &UdpSocket, lone: &[(SocketAddr, [u8; REPLY_BYTES])]) -> io::Result<()> {
    let addrs: Vec<SocketAddrAny> = lone.iter().map(|(addr, _)| (*addr).into()).collect();
    let slices: Vec<[IoSlice<'_>; 1]> = lone.iter().map(|(_, reply)| [IoSlice::new(reply)]).collect();
    let mut no_space: [[MaybeUninit<u8>; 0]; BATCH_MAX] = [[]; BATCH_MAX];
    let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        no_space.iter_mut().take(lone.len()).map(|space| SendAncillaryBuffer::new(space)).collect();
    let mut messages: Vec<MMsgHdr<'_>> = addrs
        .iter()
        .zip(&slices)
        .zip(&mut controls)
        .map(|((addr, slice), control)| MMsgHdr::new_with_addr(addr, slice, control))
        .collect();
    if !messages.is_empty() {
        sendmmsg(socket, &mut messages, SendFlags::empty())?;
    }
    Ok(())
}
