//! One worker: takes what its socket holds, asks the spine, sends the replies, and sleeps when there is nothing.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use hufu_check::{Journal, Spine};
use hufu_wire::limits::BATCH_MAX;
use rustix::thread::{CpuSet, sched_setaffinity};

use super::meters::WorkerMeters;
use super::outbox::{Answered, send};
use super::socket::{Inbox, Socket};
use super::wake::Wake;
use crate::clock::Clock;
use crate::durable::wait_for;

/// A worker's own things; nothing is allocated once it runs.
pub(crate) struct Worker<J> {
    socket: Socket,
    spine: Spine<J>,
    inbox: Inbox,
    answered: Answered,
    meters: Arc<WorkerMeters>,
    wake: Arc<Wake>,
    clock: Clock,
    busy_poll: Duration,
}

/// How long a stopping worker goes on under a load that never lets its socket run dry.
const DRAIN_MAX: Duration = Duration::from_millis(50);

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
        let (inbox, answered) = (Inbox::new(), Answered::default());
        Worker { socket, spine, inbox, answered, meters, wake, clock, busy_poll }
    }

    /// Serves until told to stop, and then until the socket is dry.
    pub(crate) fn run(mut self, core: Option<usize>) {
        let meters = Arc::clone(&self.meters);
        let _alive = meters.thread.begin();
        if let Some(core) = core
            && let Err(why) = pin_to(core)
        {
            tracing::warn!(core, %why, "cannot pin a worker to its core; it runs on any");
        }
        let mut idle_since = None;
        let mut stop_at = None;
        let mut failed = false;
        loop {
            match self.socket.receive(&mut self.inbox) {
                Ok(received) => {
                    (failed, idle_since) = (false, None);
                    self.answer(received);
                    if self.wake.stopping()
                        && Instant::now() >= *stop_at.get_or_insert_with(|| Instant::now() + DRAIN_MAX)
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
                    failed = false;
                    self.idle(&mut idle_since);
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
                        return;
                    }
                }
            }
        }
    }

    /// Answers everything that was received, in batches as large as the spine takes.
    fn answer(&mut self, received: usize) {
        let (now, begun) = (self.clock.now(), Instant::now());
        let Worker { socket, spine, inbox, answered, meters, .. } = self;
        let mut received = inbox.datagrams(received);
        loop {
            let mut datagrams: ArrayVec<&mut [u8], BATCH_MAX> = ArrayVec::new();
            answered.peers.clear();
            for (peer, datagram) in received.by_ref().take(BATCH_MAX) {
                answered.peers.push(peer);
                datagrams.push(datagram);
            }
            if datagrams.is_empty() {
                break;
            }
            answered.mark = spine.check_sealed(now, &mut datagrams, &mut answered.replies);
            wait_for(spine.journal(), answered.mark);
            let sent = send(socket, answered);
            meters.latency.add(begun.elapsed(), sent.replies);
            meters.datagrams.add(datagrams.len());
            meters.replies.add(sent.replies);
            meters.send_drops.add(sent.dropped);
        }
        meters.receives.add(1);
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

fn pin_to(core: usize) -> io::Result<()> {
    if core >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_check::{ClusterKeys, Engine, EngineParts, Rate};
    use hufu_codes::keyring::Keyring;
    use hufu_fixtures::World;
    use hufu_policy::Sites;
    use hufu_table::{Limits, Table};
    use hufu_wire::UnixSeconds;

    fn spine() -> Spine {
        let world = World::new(1, 10, UnixSeconds(1_790_000_000));
        let parts = EngineParts {
            table: Table::new(Limits::for_holders(1, 1)).unwrap().reader(),
            keyring: Keyring::empty(),
            sites: Sites::parse(world.sites_toml(), "sites.toml").unwrap(),
            cluster: ClusterKeys::from_seed(&[1; 32], world.now().millis()).unwrap(),
            devices_max: 1,
            device_rate: Rate { per_s: 1, burst: 1 },
            cookie_s: 60,
            seen_entries: 64,
            pass_back_entries: 64,
        };
        Spine::new(Engine::new(parts).unwrap()).unwrap()
    }

    #[test]
    fn a_socket_that_keeps_failing_costs_little_and_delays_no_stop() {
        let (meters, wake) = (Arc::<WorkerMeters>::default(), Arc::new(Wake::new().unwrap()));
        let worker = Worker::new(
            Socket::that_fails().unwrap(),
            spine(),
            Arc::clone(&meters),
            Arc::clone(&wake),
            Clock::system(),
            Duration::ZERO,
        );
        let running = std::thread::spawn(move || worker.run(None));
        std::thread::sleep(Duration::from_millis(400));
        let failures = meters.receive_errors.get();
        assert!((2..100).contains(&failures), "{failures}");
        wake.stop();
        let until = Instant::now() + Duration::from_secs(2);
        while !running.is_finished() {
            assert!(Instant::now() < until, "the worker ends");
            std::thread::sleep(Duration::from_millis(1));
        }
        running.join().unwrap();
    }
}
