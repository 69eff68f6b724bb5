//! Runs plans: prepares codes, runs workers, puts their counts together.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hufu_wire::Enrolled;

use crate::build::Build;
use crate::clock::Clock;
use crate::cpu::CpuMeter;
use crate::live::Live;
use crate::mix::Kind;
use crate::plan::Plan;
use crate::quic::{self, Carriage, QuicTarget};
use crate::report::Report;
use crate::schedule::Schedule;
use crate::stock::CodeStock;
use crate::surroundings::{Reading, Surroundings};
use crate::tally::Tally;
use crate::udp::{Work, Worker};

/// Threads get this long to be ready before the first check is due.
const START_IN: Duration = Duration::from_millis(20);
/// How often the one who watches is told.
const WATCH_EVERY: Duration = Duration::from_millis(200);
/// How often it is looked whether the load is over.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The name of every thread that offers load.
pub const THREAD_NAME: &str = "loadgen";

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Codes are being signed: how many of how many.
    Signing(u64, u64),
    /// Checks are being sent.
    Running {
        /// Sent so far.
        sent: u64,
        /// Answered so far.
        answered: u64,
        /// Answered wrongly so far.
        wrong: u64,
        /// All that will be sent.
        all: u64,
    },
}

/// Told how far a load is, a few times a second, possibly from another thread.
pub type Watch<'a> = &'a (dyn Fn(Stage) + Sync);

/// Offers load. Codes, and on sealed UDP devices and sockets, last from plan to plan.
pub struct Generator {
    stock: CodeStock,
    link: Link,
    meter: Option<CpuMeter>,
}

enum Link {
    Sealed { workers: Vec<Worker>, devices: usize, server: SocketAddr },
    Quic { target: QuicTarget, carriage: Carriage },
}

impl Generator {
    /// A generator of `threads` threads (one is enough for 150,000 checks a second) that sends sealed UDP from
    /// `devices` to where `server` answers it. All devices must be of the stock's site.
    ///
    /// # Errors
    /// When there is no device, or the operating system gives no sockets.
    pub fn new(
        stock: CodeStock,
        devices: Vec<Enrolled>,
        server: SocketAddr,
        threads: usize,
    ) -> io::Result<Generator> {
        let threads = threads.clamp(1, devices.len().max(1));
        let count = devices.len();
        let mut shares: Vec<Vec<Enrolled>> = vec![Vec::new(); threads];
        for (index, device) in devices.into_iter().enumerate() {
            shares[index % threads].push(device);
        }
        let workers = shares.into_iter().zip(0..).map(|(share, seed)| Worker::new(share, server, seed));
        let workers = workers.collect::<io::Result<_>>()?;
        Ok(Generator { stock, link: Link::Sealed { workers, devices: count, server }, meter: None })
    }

    /// A generator of one thread that connects over QUIC for every plan.
    pub fn over_quic(stock: CodeStock, target: QuicTarget, carriage: Carriage) -> Generator {
        Generator { stock, link: Link::Quic { target, carriage }, meter: None }
    }

    /// Measures the server's CPU time with `meter`.
    #[must_use]
    pub fn with_server_cpu(mut self, meter: CpuMeter) -> Generator {
        self.meter = Some(meter);
        self
    }

    /// The codes it sends.
    pub fn stock(&self) -> &CodeStock {
        &self.stock
    }

    /// Runs one plan from signing its codes to its report.
    ///
    /// # Errors
    /// When the mix cannot travel this way, the server does not answer before the load begins, a socket or a
    /// connection fails, or the server's CPU time cannot be read. Losses and wrong answers are no errors here:
    /// they are in the report.
    pub fn run(&mut self, plan: &Plan, watch: Watch<'_>) -> io::Result<Report> {
        match &mut self.link {
            Link::Sealed { workers, devices, server } => {
                sealed(&mut self.stock, workers, (*devices, *server), self.meter.as_ref(), plan, watch)
            }
            Link::Quic { target, carriage } => {
                over_quic(&mut self.stock, target, *carriage, self.meter.as_ref(), plan, watch)
            }
        }
    }
}

fn sealed(
    stock: &mut CodeStock,
    workers: &mut [Worker],
    (devices, server): (usize, SocketAddr),
    meter: Option<&CpuMeter>,
    plan: &Plan,
    watch: Watch<'_>,
) -> io::Result<Report> {
    let mut works = works(stock, workers.len(), devices, plan, watch);
    for (worker, work) in workers.iter_mut().zip(&mut works) {
        worker.prepare(work)?;
    }
    if plan.warm_up && plan.mix.share(Kind::PhoneAgain) > 0.0 {
        // One worker shows them all: the server's memory is one.
        if let (Some(worker), Some(work)) = (workers.first_mut(), works.first_mut()) {
            worker.warm_up(work, stock.again_codes())?;
        }
    }
    let ports = workers.iter().map(Worker::ports).collect::<io::Result<Vec<_>>>()?;
    let ports: BTreeSet<u16> = ports.into_iter().flatten().collect();
    let before = Reading::take(meter, &ports, server)?;
    let tally = run_workers(workers, works, plan.checks(), watch)?;
    let around = Reading::take(meter, &ports, server)?.since(&before);
    Ok(Report::new(plan, "sealed-udp", &tally, &around, Build::here()))
}

/// Divides the plan among the workers and signs what each will show.
fn works(stock: &mut CodeStock, threads: usize, devices: usize, plan: &Plan, watch: Watch<'_>) -> Vec<Work> {
    let lanes = u32::try_from(threads).unwrap_or(1);
    let work = |lane: u32| {
        let (all, lane_64, lanes_64) = (plan.checks(), u64::from(lane), u64::from(lanes));
        let checks = all / lanes_64 + u64::from(lane_64 < all % lanes_64);
        let seed = plan.seed ^ hufu_fixtures::mix(lane_64);
        let rate_per_s = f64::from(plan.rate_per_s) / f64::from(lanes);
        let draw = plan.mix.draw(seed);
        Work {
            schedule: Schedule::new(plan.arrivals, rate_per_s, checks, seed, (lane, lanes)),
            supply: stock.supply(&draw.counts(checks), &|done, of| watch(Stage::Signing(done, of))),
            draw,
            burst_max: plan.burst(),
            coalesce_ns: u64::try_from(plan.coalesce(threads).as_nanos()).unwrap_or(0),
            timeout: plan.timeout,
            waiting: plan.waiting(devices),
        }
    };
    (0..lanes).map(work).collect()
}

fn run_workers(workers: &mut [Worker], works: Vec<Work>, checks: u64, watch: Watch<'_>) -> io::Result<Tally> {
    let lives: Vec<Live> = works.iter().map(|_| Live::default()).collect();
    let clock = Clock::starting_in(START_IN);
    thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter_mut()
            .zip(works)
            .zip(&lives)
            .map(|((worker, work), live)| named().spawn_scoped(scope, move || worker.run(work, clock, live)))
            .collect::<io::Result<_>>()?;
        watch_until(&lives, checks, watch, || threads.iter().all(thread::ScopedJoinHandle::is_finished));
        let mut sum = Tally::new();
        for thread in threads {
            sum.add(&joined(thread)?);
        }
        Ok(sum)
    })
}

fn over_quic(
    stock: &mut CodeStock,
    target: &QuicTarget,
    carriage: Carriage,
    meter: Option<&CpuMeter>,
    plan: &Plan,
    watch: Watch<'_>,
) -> io::Result<Report> {
    let (together, checks) = (carriage.together(), plan.checks());
    let rosters = matches!(carriage, Carriage::Rosters(_));
    let sealed_only = Kind::ALL.into_iter().find(|kind| !kind.is_a_code() && plan.mix.share(*kind) > 0.0);
    if let (Some(kind), false) = (sealed_only, rosters) {
        let why = format!("{} travels over sealed UDP alone", kind.slug());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let times = checks.div_ceil(u64::from(together));
    let draw = plan.mix.draw(plan.seed);
    let warm_up = !rosters && plan.warm_up && plan.mix.share(Kind::PhoneAgain) > 0.0;
    let counts = if rosters { BTreeMap::new() } else { draw.counts(times * u64::from(together)) };
    let work = quic::Work {
        carriage,
        schedule: Schedule::new(
            plan.arrivals,
            f64::from(plan.rate_per_s) / f64::from(together),
            times,
            plan.seed,
            (0, 1),
        ),
        supply: stock.supply(&counts, &|done, of| watch(Stage::Signing(done, of))),
        draw,
        roster: rosters.then(|| stock.world().roster(stock.site(), together)),
        timeout: plan.timeout,
        waiting: plan.waiting(target.identities.len()),
        warm_up: if warm_up { stock.again_codes() } else { 0 },
    };
    let before = Mutex::new(None);
    let ports = BTreeSet::new();
    let live = Live::default();
    let ready = || {
        let reading = Reading::take(meter, &ports, target.server)?;
        *before.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        Ok(())
    };
    let tally = thread::scope(|scope| {
        let thread = named().spawn_scoped(scope, || quic::run(target, work, &live, &ready))?;
        watch_until(std::slice::from_ref(&live), times * u64::from(together), watch, || thread.is_finished());
        joined(thread)
    })?;
    let before = before.into_inner().unwrap_or_else(PoisonError::into_inner);
    let now = Reading::take(meter, &ports, target.server)?;
    let around = before.map_or_else(Surroundings::default, |before| now.since(&before));
    Ok(Report::new(plan, carriage.name(), &tally, &around, Build::here()))
}

/// The name by which a CPU meter can tell these threads from a server's.
fn named() -> thread::Builder {
    thread::Builder::new().name(THREAD_NAME.to_owned())
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Tells `watch` how it goes until `over`.
fn watch_until(lives: &[Live], checks: u64, watch: Watch<'_>, over: impl Fn() -> bool) {
    let mut told = Instant::now();
    while !over() {
        thread::sleep(LOOK_EVERY);
        if told.elapsed() >= WATCH_EVERY {
            told = Instant::now();
            watch(stage(lives, checks));
        }
    }
    watch(stage(lives, checks));
}

fn stage(lives: &[Live], all: u64) -> Stage {
    let sum = |(sent, answered, wrong): (u64, u64, u64), live: &Live| {
        let (more_sent, more_answered, more_wrong) = live.read();
        (sent + more_sent, answered + more_answered, wrong + more_wrong)
    };
    let (sent, answered, wrong) = lives.iter().fold((0, 0, 0), sum);
    Stage::Running { sent, answered, wrong, all }
}
