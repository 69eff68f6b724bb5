//! What one datagram in and one out costs, by the system calls used. The figures in
//! `docs/decisions/0005-udp-io.md` come from here:
//!
//! ```text
//! cargo run --release -p hufu-transport --example udp_io
//! ```
//!
//! A peer puts datagrams into the server's socket, then the server takes and answers them all while its CPU
//! time is measured; nothing else runs meanwhile, so batches are full and waking costs nothing.

mod ring;

use std::error::Error;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use rustix::time::{ClockId, clock_gettime};

use ring::Ring;

const REQUEST_BYTES: usize = 400;
const REPLY_BYTES: usize = 80;
const ROUNDS: usize = 400;
/// Datagrams put into the socket each round: what the default receive buffer holds.
const WINDOW: usize = 128;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// How the server receives.
#[derive(Clone, Copy, PartialEq)]
enum Receive {
    OneByOne,
    Batched,
    /// Receives and replies through `io_uring`.
    Ring,
}

/// How the server replies.
#[derive(Clone, Copy, PartialEq)]
enum Reply {
    OneByOne,
    Sendmmsg,
    Segmented,
}

fn main() -> Fallible<()> {
    println!(
        "server CPU, microseconds a datagram of {REQUEST_BYTES} bytes in and {REPLY_BYTES} out; best of 5"
    );
    println!("{:<52} {:>8}", "receive, reply, peers", "µs");
    for (name, receive, reply, peers) in [
        ("recv_from, send_to, 64 peers", Receive::OneByOne, Reply::OneByOne, 64),
        ("recvmmsg, send_to, 64 peers", Receive::Batched, Reply::OneByOne, 64),
        ("recvmmsg, sendmmsg, 64 peers", Receive::Batched, Reply::Sendmmsg, 64),
        ("io_uring, multishot receive and sends, 64 peers", Receive::Ring, Reply::OneByOne, 64),
        ("recvmmsg, send_to, 1 peer", Receive::Batched, Reply::OneByOne, 1),
        ("recvmmsg, sendmmsg, 1 peer", Receive::Batched, Reply::Sendmmsg, 1),
        ("recvmmsg, GSO runs of 32, 1 peer", Receive::Batched, Reply::Segmented, 1),
        ("recvmmsg of GRO runs of 32, GSO runs of 32, 1 peer", Receive::Batched, Reply::Segmented, 0),
    ] {
        let mut best = f64::MAX;
        for _ in 0..5 {
            best = best.min(measure(receive, reply, peers)?);
        }
        println!("{name:<52} {best:>8.2}");
    }
    Ok(())
}

/// Microseconds a datagram. With 0 peers there is one, and it sends segmented too.
fn measure(receive: Receive, reply: Reply, peers: usize) -> Fallible<f64> {
    let server = UdpSocket::bind("127.0.0.1:0")?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&server, 1 << 20)?;
    let state = UdpSocketState::new(UdpSockRef::from(&server))?;
    let clients: Vec<UdpSocket> =
        (0..peers.max(1)).map(|_| connected(server.local_addr()?)).collect::<Fallible<_>>()?;
    let mut memory = vec![0_u8; BATCH_SIZE << 16];
    let mut ring = if receive == Receive::Ring { Some(Ring::of(&server)?) } else { None };
    let mut used = Duration::ZERO;
    for _ in 0..ROUNDS {
        offer(&clients, peers == 0)?;
        let before = cpu();
        let mut answered = 0;
        while answered < WINDOW {
            answered += match (&mut ring, receive) {
                (Some(ring), _) => ring.answer_window()?,
                (None, Receive::OneByOne) => answer_one(&server, &mut memory)?,
                (None, _) => answer_batch(&server, &state, &mut memory, reply)?,
            };
        }
        used += cpu().saturating_sub(before);
        for client in &clients {
            let mut room = [0; 2048];
            while client.recv(&mut room).is_ok() {}
        }
    }
    Ok(used.as_secs_f64() * 1e6 / f64::from(u32::try_from(ROUNDS * WINDOW)?))
}

fn connected(server: SocketAddr) -> Fallible<UdpSocket> {
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.connect(server)?;
    client.set_nonblocking(true)?;
    Ok(client)
}

fn offer(clients: &[UdpSocket], segmented: bool) -> Fallible<()> {
    const RUN: usize = 32;
    if segmented {
        let state = UdpSocketState::new(UdpSockRef::from(&clients[0]))?;
        let contents = vec![0; REQUEST_BYTES * RUN];
        let transmit = Transmit {
            destination: clients[0].peer_addr()?,
            ecn: None,
            contents: &contents,
            segment_size: Some(REQUEST_BYTES),
            src_ip: None,
        };
        for _ in 0..WINDOW / RUN {
            state.try_send(UdpSockRef::from(&clients[0]), &transmit)?;
        }
        return Ok(());
    }
    for client in clients.iter().cycle().take(WINDOW) {
        client.send(&[0; REQUEST_BYTES])?;
    }
    Ok(())
}

fn answer_one(server: &UdpSocket, memory: &mut [u8]) -> Fallible<usize> {
    match server.recv_from(memory) {
        Ok((_, peer)) => {
            server.send_to(&[0; REPLY_BYTES], peer)?;
            Ok(1)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn answer_batch(
    server: &UdpSocket,
    state: &UdpSocketState,
    memory: &mut [u8],
    reply: Reply,
) -> Fallible<usize> {
    let mut chunks = memory.chunks_exact_mut(1 << 16);
    let mut buffers: [IoSliceMut<'_>; BATCH_SIZE] =
        std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    let received = match state.recv(UdpSockRef::from(server), &mut buffers, &mut metas) {
        Ok(received) => received,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let peers: Vec<SocketAddr> = metas[..received]
        .iter()
        .flat_map(|meta| std::iter::repeat_n(meta.addr, meta.len.div_ceil(meta.stride.max(1))))
        .collect();
    let replies = [0; REPLY_BYTES * 64];
    match reply {
        Reply::OneByOne => {
            for peer in &peers {
                server.send_to(&replies[..REPLY_BYTES], peer)?;
            }
        }
        Reply::Sendmmsg => {
            for peers in peers.chunks(BATCH_SIZE) {
                send_many(server, peers, &replies[..REPLY_BYTES])?;
            }
        }
        Reply::Segmented => {
            for run in peers.chunks(32) {
                let transmit = Transmit {
                    destination: run[0],
                    ecn: None,
                    contents: &replies[..REPLY_BYTES * run.len()],
                    segment_size: Some(REPLY_BYTES),
                    src_ip: None,
                };
                state.try_send(UdpSockRef::from(server), &transmit)?;
            }
        }
    }
    Ok(peers.len())
}

fn send_many(server: &UdpSocket, peers: &[SocketAddr], reply: &[u8]) -> Fallible<()> {
    let addrs: Vec<SocketAddrAny> = peers.iter().map(|&peer| peer.into()).collect();
    let slice = [IoSlice::new(reply)];
    let mut spaces: [[MaybeUninit<u8>; 0]; BATCH_SIZE] = [[]; BATCH_SIZE];
    let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        spaces.iter_mut().map(|space| SendAncillaryBuffer::new(space)).collect();
    let mut messages: Vec<MMsgHdr<'_>> = addrs
        .iter()
        .zip(&mut controls)
        .map(|(addr, control)| MMsgHdr::new_with_addr(addr, &slice, control))
        .collect();
    sendmmsg(server, &mut messages, SendFlags::empty())?;
    Ok(())
}

/// CPU time of this thread.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}
