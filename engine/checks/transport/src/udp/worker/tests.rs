use std::net::UdpSocket;
use std::sync::atomic::{AtomicU32, Ordering};

use hufu_check::{ClusterKeys, Durability, Engine, EngineParts, Mark, NoJournal, Rate, Record};
use hufu_client::Session;
use hufu_codes::keyring::Keyring;
use hufu_fixtures::World;
use hufu_policy::Sites;
use hufu_table::{Limits, Table};
use hufu_wire::{Lane, Reason, UnixMillis, UnixSeconds};

use super::*;
use crate::family::Listen;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// Records are durable once the worker has waited so often.
struct Slow {
    waits: AtomicU32,
    durable_after: u32,
}

impl Journal for Slow {
    fn begin(&mut self, _: usize) -> bool {
        true
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        Mark { position: records.len() as u64, durability: Durability::Written }
    }

    fn standing(&self, _: Mark) -> Standing {
        let durable = self.waits.load(Ordering::Relaxed) >= self.durable_after;
        if durable { Standing::Durable } else { Standing::Pending }
    }

    fn wait(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn engine(world: &World) -> Arc<Engine> {
    let parts = EngineParts {
        table: Table::new(Limits::for_holders(1, 1)).unwrap().reader(),
        keyring: Keyring::empty(),
        sites: Sites::parse(world.sites_toml(), "sites.toml").unwrap(),
        cluster: ClusterKeys::from_seed(&[1; 32], world.now().millis()).unwrap(),
        devices_max: 256,
        device_rate: Rate { per_s: 1000, burst: 1000 },
        cookie_s: 60,
        suites: hufu_wire::Suites::AES,
        seen_entries: 64,
        pass_back_entries: 64,
    };
    Engine::new(parts).unwrap()
}

fn world() -> World {
    World::new(1, 10, NOW.seconds())
}

#[test]
fn a_socket_that_keeps_failing_costs_little_and_delays_no_stop() {
    let (meters, wake) = (Arc::<WorkerMeters>::default(), Arc::new(Wake::new().unwrap()));
    let worker = Worker::new(
        Socket::that_fails().unwrap(),
        Spine::with_journal(engine(&world()), NoJournal).unwrap(),
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

/// Runs a worker that is told to stop before it begins, with one request in its socket. The reason that the gate is
/// told, `None` for silence, and how many replies were withheld.
fn stopped_with_a_request(durable_after: u32) -> (Option<Reason>, u64) {
    let world = world();
    let engine = engine(&world);
    let enrolled = engine.enrol(world.grants()[0], 1, UnixSeconds(u32::MAX), NOW).unwrap();
    let mut session = Session::new(enrolled);
    let socket = Socket::open(Listen { addr: ([127, 0, 0, 1], 0).into(), only_v6: false }, 4096).unwrap();
    let gate = UdpSocket::bind("127.0.0.1:0").unwrap();
    gate.connect(socket.addr()).unwrap();
    gate.set_nonblocking(true).unwrap();
    let mut packet = [0; Session::REQUEST_BYTES_MAX];
    let (_, length) = session.seal(b"no code", Lane(0), &mut packet).unwrap();
    gate.send(&packet[..length]).unwrap();

    let (meters, wake) = (Arc::<WorkerMeters>::default(), Arc::new(Wake::new().unwrap()));
    wake.stop();
    let journal = Slow { waits: AtomicU32::new(0), durable_after };
    let spine = Spine::with_journal(engine, journal).unwrap();
    let began = Instant::now();
    Worker::new(socket, spine, Arc::clone(&meters), wake, Clock::new(|| NOW), Duration::ZERO).run(None);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut reply = [0; 200];
    let told = gate.recv(&mut reply).ok().map(|length| session.open(&reply[..length]).unwrap().reason);
    (told, meters.withheld.get())
}

/// A machine that needs so long for a batch.
struct Toil(Duration);

impl Journal for Toil {
    fn begin(&mut self, _: usize) -> bool {
        true
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        std::thread::sleep(self.0);
        Mark { position: records.len() as u64, durability: Durability::Written }
    }

    fn standing(&self, _: Mark) -> Standing {
        Standing::Durable
    }

    fn wait(&self) {}
}

/// Sends `requests` at once to a worker that needs so long for a batch, and as many as a batch has when it has slept, which
/// are all answered. How many of the first were answered, and how many were dropped at all.
fn answered_of(requests: usize, a_batch: Duration) -> (usize, u64) {
    let world = world();
    let engine = engine(&world);
    let enrolled = engine.enrol(world.grants()[0], 1, UnixSeconds(u32::MAX), NOW).unwrap();
    let mut session = Session::new(enrolled);
    let socket = Socket::open(Listen { addr: ([127, 0, 0, 1], 0).into(), only_v6: false }, 8 << 20).unwrap();
    let gate = UdpSocket::bind("127.0.0.1:0").unwrap();
    gate.connect(socket.addr()).unwrap();
    let mut ask = |count: usize| {
        for _ in 0..count {
            let mut packet = [0; Session::REQUEST_BYTES_MAX];
            let (_, length) = session.seal(b"no code", Lane(0), &mut packet).unwrap();
            gate.send(&packet[..length]).unwrap();
        }
    };
    let until = |what: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not come");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let (meters, wake) = (Arc::<WorkerMeters>::default(), Arc::new(Wake::new().unwrap()));
    let spine = Spine::with_journal(engine, Toil(a_batch)).unwrap();
    let clock = Clock::new(|| NOW);
    let worker = Worker::new(socket, spine, Arc::clone(&meters), Arc::clone(&wake), clock, Duration::ZERO);
    // All of it is there before the first receive.
    ask(requests);
    let running = std::thread::spawn(move || worker.run(None));
    until(&|| meters.replies.get() + meters.late_drops.get() >= requests as u64 && meters.sleeps.get() >= 1);
    let answered = usize::try_from(meters.replies.get()).unwrap();
    // A socket that was empty is full for the first time, however long ago it was full before.
    std::thread::sleep(QUEUED_MAX + Duration::from_millis(20));
    ask(BATCH_MAX);
    until(&|| meters.replies.get() >= (answered + BATCH_MAX) as u64);
    wake.stop();
    running.join().unwrap();
    (answered, meters.late_drops.get())
}

#[test]
fn what_waits_too_long_behind_others_is_dropped_and_what_comes_next_is_answered() {
    // 3000 requests, 32 of them in 5 ms: the last one would be answered after 470 ms, when its gate has given up.
    let (answered, dropped) = answered_of(3000, Duration::from_millis(5));
    assert_eq!(answered as u64 + dropped, 3000);
    // 21 batches begin within 100 ms; fewer where the machine is slow.
    assert!((BATCH_MAX..=21 * BATCH_MAX).contains(&answered), "{answered}");
    // One full receive is answered, however long it takes.
    assert_eq!(answered_of(BATCH_MAX, QUEUED_MAX + Duration::from_millis(20)), (BATCH_MAX, 0));
}

#[test]
fn r40_a_stopping_worker_sends_what_becomes_durable_in_time_and_nothing_else() {
    assert_eq!(stopped_with_a_request(0), (Some(Reason::NotACode), 0));
    assert_eq!(stopped_with_a_request(3), (Some(Reason::NotACode), 0));
    assert_eq!(stopped_with_a_request(u32::MAX), (None, 1));
}
