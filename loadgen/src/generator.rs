//! Runs plans: prepares codes, runs workers, puts their counts together.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hufu_wire::Enrolled;

use crate::build::Build;
use crate::clock::Clock;
use crate::cpu::CpuMeter;
use crate::drops;
use crate::larder::Larder;
use crate::live::Live;
use crate::plan::Plan;
use crate::report::{Report, Surroundings};
use crate::schedule::Schedule;
use crate::tally::Tally;
use crate::timeline::Timeline;
use crate::udp::{Work, Worker};

/// Threads get this long to be ready before the first check is due.
const START_IN: Duration = Duration::from_millis(20);
/// How often the one who watches is told.
const WATCH_EVERY: Duration = Duration::from_millis(100);

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

/// Offers load over sealed UDP from enrolled devices. Devices, sockets and codes last from plan to plan.
pub struct Generator {
    larder: Larder,
    workers: Vec<Worker>,
    devices: usize,
    server: SocketAddr,
    meter: Option<CpuMeter>,
}

impl Generator {
    /// A generator of `threads` threads (one is enough for 150,000 checks a second) that sends from `devices` to
    /// where `server` answers sealed requests. All devices must be of the larder's site.
    ///
    /// # Errors
    /// When there is no device, or the operating system gives no sockets.
    pub fn new(
        larder: Larder,
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
        Ok(Generator {
            workers: workers.collect::<io::Result<_>>()?,
            larder,
            devices: count,
            server,
            meter: None,
        })
    }

    /// Measures the server's CPU time with `meter`.
    #[must_use]
    pub fn with_server_cpu(mut self, meter: CpuMeter) -> Generator {
        self.meter = Some(meter);
        self
    }

    /// The codes it sends.
    pub fn larder(&self) -> &Larder {
        &self.larder
    }

    /// Runs one plan from signing its codes to its report.
    ///
    /// # Errors
    /// When the server does not answer before the load begins, a socket fails, or the server's CPU time cannot
    /// be read. Losses and wrong answers are no errors here: they are in the report.
    pub fn run(&mut self, plan: &Plan, watch: Watch<'_>) -> io::Result<Report> {
        let mut works = self.works(plan, watch);
        let again = self.larder.again_codes();
        for (worker, work) in self.workers.iter_mut().zip(&mut works) {
            worker.prepare(work)?;
        }
        if plan.warm_up && plan.mix.share(crate::Kind::PhoneAgain) > 0.0 {
            // One worker shows them all: the server's memory is one.
            if let (Some(worker), Some(work)) = (self.workers.first_mut(), works.first_mut()) {
                worker.warm_up(work, again)?;
            }
        }
        let before = self.surroundings()?;
        let (tally, timeline) = self.measure(plan, works, watch)?;
        let around = self.surroundings()?.since(&before);
        Ok(Report::new(plan, "sealed-udp", &tally, &timeline, &around, Build::here()))
    }

    /// Divides the plan among the workers and signs what each will show.
    fn works(&mut self, plan: &Plan, watch: Watch<'_>) -> Vec<Work> {
        let threads = self.workers.len();
        let lanes = u32::try_from(threads).unwrap_or(1);
        let work = |lane: u32| {
            let (all, lane_64, lanes_64) = (plan.checks(), u64::from(lane), u64::from(lanes));
            let checks = all / lanes_64 + u64::from(lane_64 < all % lanes_64);
            let seed = plan.seed ^ hufu_fixtures::mix(lane_64);
            let rate_per_s = f64::from(plan.rate_per_s) / f64::from(lanes);
            let draw = plan.mix.draw(seed);
            let signing = |done, of| watch(Stage::Signing(done, of));
            Work {
                schedule: Schedule::new(plan.arrivals, rate_per_s, checks, seed, (lane, lanes)),
                supply: self.larder.supply(&draw.counts(checks), &signing),
                draw,
                burst_max: plan.burst(),
                coalesce_ns: u64::try_from(plan.coalesce(threads).as_nanos()).unwrap_or(0),
                timeout: plan.timeout,
                waiting: plan.waiting(self.devices),
            }
        };
        (0..lanes).map(work).collect()
    }

    /// The load itself.
    fn measure(&mut self, plan: &Plan, works: Vec<Work>, watch: Watch<'_>) -> io::Result<(Tally, Timeline)> {
        let lives: Vec<Live> = works.iter().map(|_| Live::default()).collect();
        let running = AtomicBool::new(true);
        let clock = Clock::starting_in(START_IN);
        thread::scope(|scope| {
            scope.spawn(|| {
                // Relaxed: a late look does no harm.
                while running.load(Ordering::Relaxed) {
                    watch(stage(&lives, plan.checks()));
                    thread::park_timeout(WATCH_EVERY);
                }
                watch(stage(&lives, plan.checks()));
            });
            let threads: Vec<_> = self
                .workers
                .iter_mut()
                .zip(works)
                .zip(&lives)
                .map(|((worker, work), live)| {
                    let named = thread::Builder::new().name("loadgen".to_owned());
                    named.spawn_scoped(scope, move || worker.run(work, clock, live))
                })
                .collect();
            let mut sum = (Tally::new(), Timeline::new());
            let mut outcome = Ok(());
            for thread in threads {
                let ended = thread.and_then(|thread| match thread.join() {
                    Ok(ended) => ended,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                match ended {
                    Ok((tally, timeline)) => {
                        sum.0.add(&tally);
                        sum.1.add(&timeline);
                    }
                    Err(error) => outcome = Err(error),
                }
            }
            running.store(false, Ordering::Relaxed);
            outcome.map(|()| sum)
        })
    }

    fn surroundings(&self) -> io::Result<Reading> {
        let ports = self.workers.iter().map(Worker::ports).collect::<io::Result<Vec<_>>>()?;
        let ports: BTreeSet<u16> = ports.into_iter().flatten().collect();
        Ok(Reading {
            cpu: self.meter.as_ref().map(CpuMeter::read).transpose()?,
            dropped_at_generator: drops::at_ports(&ports),
            dropped_at_server: drops::at_ports(&[self.server.port()].into()),
        })
    }
}

/// Counters of the system at one moment.
struct Reading {
    cpu: Option<crate::cpu::CpuReading>,
    dropped_at_generator: u64,
    dropped_at_server: u64,
}

impl Reading {
    fn since(&self, before: &Reading) -> Surroundings {
        let cpu = self.cpu.as_ref().zip(before.cpu.as_ref());
        Surroundings {
            server_cpu_ns: cpu.map(|(now, before)| now.since(before)),
            dropped_at_generator: self.dropped_at_generator.saturating_sub(before.dropped_at_generator),
            dropped_at_server: self.dropped_at_server.saturating_sub(before.dropped_at_server),
        }
    }
}

fn stage(lives: &[Live], all: u64) -> Stage {
    let sum = |(sent, answered, wrong): (u64, u64, u64), live: &Live| {
        let (more_sent, more_answered, more_wrong) = live.read();
        (sent + more_sent, answered + more_answered, wrong + more_wrong)
    };
    let (sent, answered, wrong) = lives.iter().fold((0, 0, 0), sum);
    Stage::Running { sent, answered, wrong, all }
}
