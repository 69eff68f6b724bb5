//! One worker: takes what its socket holds, asks the spine, sends the replies, and sleeps when there is nothing.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use hufu_check::{Journal, Spine, Standing};
use hufu_wire::limits::BATCH_MAX;
use rustix::thread::{CpuSet, sched_setaffinity};

use super::meters::WorkerMeters;
use super::outbox::{Answered, send};
use super::queue::Queue;
use super::socket::{Inbox, Socket};
use super::wake::Wake;
use crate::clock::Clock;
use crate::durable::Drain;

/// A worker's own things; nothing is allocated once it runs.
pub(crate) struct Worker<J> {
    socket: Socket,
    spine: Spine<J>,
    inbox: Inbox,
    queue: Queue,
    meters: Arc<WorkerMeters>,
    wake: Arc<Wake>,
    clock: Clock,
    busy_poll: Duration,
    /// `None` when the last receive was not full.
    full: Option<Full>,
}

/// Receives that were full one after the other: the socket was not empty once.
struct Full {
    since: Instant,
    /// Datagrams answered before it.
    answered: u64,
}

/// The longest that a datagram may wait behind others. A gate asks again after 50 ms and gives up after 400 (PROTOCOL 4,
/// "Retry"), and a full socket can hold more than a slow CPU answers in that time: all its answers would be too late.
const QUEUED_MAX: Duration = Duration::from_millis(100);
/// Receives that are dropped at once: more than a socket of 8 MiB holds, and an end where datagrams come faster than they go.
const DISCARDS_MAX: usize = 1024;
/// How long a worker waits before it receives again from a socket that keeps failing.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// How long an idle worker keeps its keys before it looks whether they have expired.
const LOOK_AT_KEYS: Duration = Duration::from_secs(600);
/// Errors that are logged; all are counted.
const LOGGED_MAX: u64 = 16;

impl<J: Journal> Worker<J> {
    pub(crate) fn new(
        socket: Socket,
        spine: Spine<J>,
        meters: Arc<WorkerMeters>,
        wake: Arc<Wake>,
        clock: Clock,
        busy_poll: Duration,
    ) -> Worker<J> {
        let (inbox, queue) = (Inbox::new(), Queue::new());
        Worker { socket, spine, inbox, queue, meters, wake, clock, busy_poll, full: None }
    }

    /// Serves until told to stop, and then until the socket is dry and nothing waits for its records.
    pub(crate) fn run(mut self, core: Option<usize>) {
        let meters = Arc::clone(&self.meters);
        let _alive = meters.thread.begin();
        if let Some(core) = core
            && let Err(why) = pin_to(core)
        {
            tracing::warn!(core, %why, "cannot pin a worker to its core; it runs on any");
        }
        let mut idle_since = None;
        let mut drain = Drain::default();
        let mut failed = false;
        loop {
            self.send_waiting();
            match self.socket.receive(&mut self.inbox) {
                Ok(received) => {
                    (failed, idle_since) = (false, None);
                    let begun = Instant::now();
                    if self.is_too_late(received, begun) {
                        self.drop_backlog(received);
                        continue;
                    }
                    self.answer(received, begun, &mut drain);
                    if drain.is_over(self.wake.stopping()) {
                        break;
                    }
                    if received == 1 && self.queue.is_empty() {
                        // Most likely nothing more is there, and asking `poll` costs less than receiving in vain.
                        self.idle(&mut idle_since);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.wake.stopping() {
                        break;
                    }
                    (failed, self.full) = (false, None);
                    if self.queue.is_empty() {
                        self.idle(&mut idle_since);
                    } else {
                        self.spine.journal().wait();
                    }
                }
                // Perhaps what ICMP said about an earlier reply: the next receive is another matter.
                Err(_) if !failed => {
                    self.meters.receive_errors.add(1);
                    failed = true;
                }
                Err(error) => {
                    if self.meters.receive_errors.get() < LOGGED_MAX {
                        tracing::error!(%error, "a worker cannot receive from its socket; it retries");
                    }
                    self.meters.receive_errors.add(1);
                    if self.wake.wait(TRY_AGAIN) {
                        break;
                    }
                }
            }
        }
        while !self.queue.is_empty() && !drain.is_over(true) {
            self.spine.journal().wait();
            self.send_waiting();
        }
        withhold_all(&mut self.queue, &self.meters);
    }

    /// Whether more waits than can be answered in time, now that so much was received at `begun`: more than was answered in
    /// the time that the socket has not been empty. It is asked only after a long such time.
    fn is_too_late(&mut self, received: usize, begun: Instant) -> bool {
        if received < BATCH_MAX {
            self.full = None;
            return false;
        }
        let now = || Full { since: begun, answered: self.meters.datagrams.get() };
        let full = self.full.get_or_insert_with(now);
        if begun - full.since < QUEUED_MAX {
            return false;
        }
        let answered = self.meters.datagrams.get() - full.answered;
        *full = now();
        self.socket.waiting() > answered
    }

    /// Drops what was received and what the socket still holds: what comes next is answered in time.
    fn drop_backlog(&mut self, received: usize) {
        let mut dropped = received;
        for _ in 0..DISCARDS_MAX {
            let Ok(more) = self.socket.discard(&mut self.inbox) else { break };
            dropped += more;
            if more < BATCH_MAX {
                break;
            }
        }
        self.meters.late_drops.add(dropped);
        self.full = None;
    }

    /// Checks everything that was received, in batches as large as the spine takes, and sends the replies whose
    /// records are durable. The others wait in the queue; when it is full this waits for them.
    fn answer(&mut self, received: usize, begun: Instant, drain: &mut Drain) {
        let now = self.clock.now();
        let Worker { socket, spine, inbox, queue, meters, wake, .. } = self;
        let mut received = inbox.datagrams(received);
        loop {
            let mut datagrams: ArrayVec<&mut [u8], BATCH_MAX> = ArrayVec::new();
            let answered = queue.room();
            answered.peers.clear();
            for (peer, datagram) in received.by_ref().take(BATCH_MAX) {
                answered.peers.push(peer);
                datagrams.push(datagram);
            }
            if datagrams.is_empty() {
                break;
            }
            answered.mark = spine.check_sealed(now, &mut datagrams, &mut answered.replies);
            meters.datagrams.add(datagrams.len());
            match spine.journal().standing(answered.mark) {
                Standing::Durable => deliver(socket, answered, begun, meters),
                Standing::Lost => meters.withheld.add(answered.replies()),
                Standing::Pending => {
                    queue.keep(begun);
                    send_waiting(socket, spine.journal(), queue, meters);
                    while queue.is_full() {
                        if drain.is_over(wake.stopping()) {
                            withhold_all(queue, meters);
                        } else {
                            spine.journal().wait();
                            send_waiting(socket, spine.journal(), queue, meters);
                        }
                    }
                }
            }
        }
        meters.receives.add(1);
    }

    fn send_waiting(&mut self) {
        send_waiting(&self.socket, self.spine.journal(), &mut self.queue, &self.meters);
    }

    /// Spins for as long as configured, then sleeps.
    fn idle(&mut self, since: &mut Option<Instant>) {
        if !self.busy_poll.is_zero() && since.get_or_insert_with(Instant::now).elapsed() < self.busy_poll {
            core::hint::spin_loop();
            return;
        }
        *since = None;
        self.meters.sleeps.add(1);
        if self.socket.wait(&self.wake, LOOK_AT_KEYS) {
            // Keys of expired sessions do not stay in memory because nothing arrives.
            self.spine.keep_keys(self.clock.now());
        }
    }
}

/// Sends from the front of the queue what has become durable, and drops what was lost: its gates ask again.
fn send_waiting(socket: &Socket, journal: &impl Journal, queue: &mut Queue, meters: &WorkerMeters) {
    while let Some((answered, begun)) = queue.oldest() {
        match journal.standing(answered.mark) {
            Standing::Pending => return,
            Standing::Durable => deliver(socket, answered, begun, meters),
            Standing::Lost => meters.withheld.add(answered.replies()),
        }
        queue.release();
    }
}

/// Sends the replies to a batch that was received at `begun`.
fn deliver(socket: &Socket, answered: &Answered, begun: Instant, meters: &WorkerMeters) {
    let sent = send(socket, answered);
    meters.latency.add(begun.elapsed(), sent.replies);
    meters.replies.add(sent.replies);
    meters.send_drops.add(sent.dropped);
}

/// Drops what still waits when the time to stop is over.
fn withhold_all(queue: &mut Queue, meters: &WorkerMeters) {
    while let Some((answered, _)) = queue.oldest() {
        meters.withheld.add(answered.replies());
        queue.release();
    }
}

fn pin_to(core: usize) -> io::Result<()> {
    if core >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

#[cfg(test)]
mod tests;
