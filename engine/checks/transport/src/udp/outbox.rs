//! Replies on their way out: runs to one peer in one segmented send, lone ones many to a system call.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::ops::Range;

use arrayvec::ArrayVec;
use hufu_check::{Mark, Replies};
use hufu_wire::limits::BATCH_MAX;
use hufu_wire::sealed::REPLY_BYTES;
use quinn_udp::Transmit;
use rustix::io::Errno;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

use super::socket::{Peer, Socket};

/// One batch that was checked: its senders, their replies and the mark of its records.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) peers: Batch<Peer>,
    pub(crate) replies: Replies,
    pub(crate) mark: Mark,
}

/// What became of the replies to one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Taken by the system.
    pub(crate) replies: usize,
    /// Not taken: its buffers are full, or there is no way to the peer, who will ask again.
    pub(crate) dropped: usize,
}

type Batch<T> = ArrayVec<T, BATCH_MAX>;

impl Answered {
    /// How many replies there are.
    pub(crate) fn replies(&self) -> usize {
        (0..self.peers.len()).filter(|&index| self.replies.get(index).is_some()).count()
    }
}

/// Sends every reply there is to the peer that asked, and never waits.
pub(crate) fn send(socket: &Socket, Answered { peers, replies, .. }: &Answered) -> Sent {
    let mut sent = Sent::default();
    let mut lone: Batch<usize> = Batch::new();
    let mut from = 0;
    while from < peers.len() {
        let run = run_at(from, peers, replies, socket.state().max_gso_segments());
        from = run.end.max(from + 1);
        // A wildcard socket must name the address to reply from, which only quinn-udp does.
        if run.len() == 1 && !socket.is_wildcard() {
            lone.push(run.start);
            continue;
        }
        let Some(contents) = replies.run(run.clone()).filter(|bytes| !bytes.is_empty()) else { continue };
        match transmit(socket, peers[run.start], contents) {
            Ok(()) => sent.replies += run.len(),
            // No segmentation on this way out; quinn-udp has noted it, and these still leave one by one.
            Err(error) if run.len() > 1 && !is_full(&error) && !socket.is_wildcard() => lone.extend(run),
            Err(_) => sent.dropped += run.len(),
        }
    }
    send_lone(socket, &lone, peers, replies, &mut sent);
    sent
}

/// The replies from `from` on that go to one peer; empty when `from` has none.
fn run_at(from: usize, peers: &[Peer], replies: &Replies, run_max: usize) -> Range<usize> {
    let same = |&index: &usize| peers[index] == peers[from] && replies.get(index).is_some();
    let length = (from..peers.len()).take(run_max.max(1)).take_while(same).count();
    from..from + length
}

fn transmit(socket: &Socket, peer: Peer, contents: &[u8]) -> io::Result<()> {
    let transmit = Transmit {
        destination: peer.addr,
        ecn: None,
        contents,
        segment_size: Some(REPLY_BYTES),
        src_ip: if socket.is_wildcard() { peer.local } else { None },
    };
    socket.state().try_send(socket.sock_ref(), &transmit)
}

/// One `sendmmsg` for all of them, where the system takes all at once.
fn send_lone(socket: &Socket, lone: &[usize], peers: &[Peer], replies: &Replies, sent: &mut Sent) {
    let addrs: Batch<SocketAddrAny> = lone.iter().map(|&index| peers[index].addr.into()).collect();
    let slices: Batch<[IoSlice<'_>; 1]> =
        lone.iter().filter_map(|&index| replies.get(index)).map(|reply| [IoSlice::new(reply)]).collect();
    let mut no_space: [[MaybeUninit<u8>; 0]; BATCH_MAX] = [[]; BATCH_MAX];
    let mut controls: Batch<SendAncillaryBuffer<'_, '_, '_>> =
        no_space.iter_mut().take(lone.len()).map(|space| SendAncillaryBuffer::new(space)).collect();
    let mut messages: Batch<MMsgHdr<'_>> = addrs
        .iter()
        .zip(&slices)
        .zip(&mut controls)
        .map(|((addr, slice), control)| MMsgHdr::new_with_addr(addr, slice, control))
        .collect();
    let mut left = &mut messages[..];
    while !left.is_empty() {
        let taken = match sendmmsg(socket, left, SendFlags::empty()) {
            Ok(taken) => {
                sent.replies += taken;
                taken
            }
            Err(Errno::INTR) => 0,
            Err(Errno::AGAIN | Errno::NOBUFS) => {
                sent.dropped += left.len();
                left.len()
            }
            // The error is the first message's alone.
            Err(_) => {
                sent.dropped += 1;
                1
            }
        };
        left = &mut left[taken..];
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error())
}
