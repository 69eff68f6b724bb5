//! One worker: takes what its socket holds, asks the spine, sends the replies, and sleeps when there is nothing.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use hufu_check::{Replies, Spine};
use hufu_wire::UnixMillis;
use hufu_wire::limits::BATCH_MAX;
use rustix::thread::{CpuSet, sched_setaffinity};

use super::outbox::{self, Sent};
use super::socket::{Inbox, Peer, Socket};
use super::wake::Wake;
use crate::clock;
use crate::meter::Meter;
use crate::thread::ThreadId;

/// What one worker's socket has seen, besides what its spine counts.
#[derive(Debug)]
pub(crate) struct WorkerMeters {
    pub(crate) index: usize,
    pub(crate) inode: u64,
    pub(crate) receives: Meter,
    pub(crate) datagrams: Meter,
    pub(crate) replies: Meter,
    pub(crate) send_drops: Meter,
    pub(crate) receive_errors: Meter,
    pub(crate) sleeps: Meter,
    pub(crate) thread: ThreadId,
}

/// A worker's own things; nothing is allocated once it runs.
pub(crate) struct Worker {
    socket: Socket,
    spine: Spine,
    inbox: Inbox,
    replies: Replies,
    meters: Arc<WorkerMeters>,
    wake: Arc<Wake>,
    busy_poll: Duration,
}

/// How long a stopping worker goes on under a load that never lets its socket run dry.
const LAST_WORDS: Duration = Duration::from_millis(50);

impl WorkerMeters {
    pub(crate) fn new(index: usize, inode: u64) -> WorkerMeters {
        WorkerMeters {
            index,
            inode,
            receives: Meter::default(),
            datagrams: Meter::default(),
            replies: Meter::default(),
            send_drops: Meter::default(),
            receive_errors: Meter::default(),
            sleeps: Meter::default(),
            thread: ThreadId::default(),
        }
    }
}

impl Worker {
    pub(crate) fn new(
        socket: Socket,
        spine: Spine,
        meters: Arc<WorkerMeters>,
        wake: Arc<Wake>,
        busy_poll: Duration,
    ) -> Worker {
        Worker { socket, spine, inbox: Inbox::new(), replies: Replies::new(), meters, wake, busy_poll }
    }

    /// Serves until told to stop, and then until the socket is dry.
    pub(crate) fn run(mut self, core: Option<usize>) {
        let meters = Arc::clone(&self.meters);
        let _alive = meters.thread.begin();
        if let Some(core) = core
            && let Err(why) = pin_to(core)
        {
            tracing::warn!(core, %why, "cannot pin a worker; it runs where it may");
        }
        let mut idle_since = None;
        let mut stop_at = None;
        loop {
            match self.socket.receive(&mut self.inbox) {
                Ok(received) => {
                    idle_since = None;
                    self.answer(received);
                    if self.wake.stopping()
                        && Instant::now() >= *stop_at.get_or_insert_with(|| Instant::now() + LAST_WORDS)
                    {
                        return;
                    }
                    if received == 1 {
                        // Most likely nothing more is there, and asking `poll` costs less than receiving in vain.
                        self.idle(&mut idle_since);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.wake.stopping() {
                        return;
                    }
                    self.idle(&mut idle_since);
                }
                // What ICMP said about an earlier reply; the next receive is another matter.
                Err(_) => self.meters.receive_errors.add(1),
            }
        }
    }

    /// Answers everything that was received, in batches as large as the spine takes.
    fn answer(&mut self, received: usize) {
        let now = clock::now();
        let Worker { socket, spine, inbox, replies, meters, .. } = self;
        let mut peers: ArrayVec<Peer, BATCH_MAX> = ArrayVec::new();
        let mut batch: ArrayVec<&mut [u8], BATCH_MAX> = ArrayVec::new();
        let mut answer = |peers: &mut ArrayVec<Peer, BATCH_MAX>,
                          batch: &mut ArrayVec<&mut [u8], BATCH_MAX>| {
            let sent = answer_batch(now, spine, socket, peers, batch, replies);
            meters.datagrams.add(batch.len());
            meters.replies.add(sent.replies);
            meters.send_drops.add(sent.dropped);
            peers.clear();
            batch.clear();
        };
        for (peer, datagram) in inbox.datagrams(received) {
            peers.push(peer);
            batch.push(datagram);
            if batch.is_full() {
                answer(&mut peers, &mut batch);
            }
        }
        if !batch.is_empty() {
            answer(&mut peers, &mut batch);
        }
        meters.receives.add(1);
    }

    /// Spins for as long as configured, then sleeps.
    fn idle(&self, since: &mut Option<Instant>) {
        if !self.busy_poll.is_zero() && since.get_or_insert_with(Instant::now).elapsed() < self.busy_poll {
            core::hint::spin_loop();
            return;
        }
        *since = None;
        self.meters.sleeps.add(1);
        self.socket.wait(&self.wake);
    }
}

fn answer_batch(
    now: UnixMillis,
    spine: &mut Spine,
    socket: &Socket,
    peers: &[Peer],
    batch: &mut [&mut [u8]],
    replies: &mut Replies,
) -> Sent {
    spine.check_sealed(now, batch, replies);
    outbox::send(socket, peers, replies)
}

fn pin_to(core: usize) -> io::Result<()> {
    if core >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}
