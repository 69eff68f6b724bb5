//! The comparison: every system in turn, round after round, so that whatever slows the machine slows all alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hufu_fixtures::sites;
use hufu_loadgen::{Build, CodeStock, Generator, Mix, Plan, Report};

use crate::child::Child;
use crate::cores::{self, Core};
use crate::enrol::enrol;
use crate::load::{Codes, Http, Pace, Plain, Protocol, Sample, Sealed, Show, Udp};
use crate::ramp;
use crate::serve::{Scene, System};

/// How long, how often, how many.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
pub struct Options {
    /// Length of one round of one system, seconds
    #[arg(long, default_value_t = 0.7)]
    pub seconds: f64,
    /// Rounds of each system, in turn with the others'
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Checks a second of the unhurried rounds, where latency is read
    #[arg(long, default_value_t = 8_000)]
    pub steady_per_s: u32,
    /// Connections to each peer
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
}

/// How checks come to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// As many as it takes: over HTTP one more as soon as one is answered, over UDP the highest rate at which
    /// none is lost, in bursts as a concentrator of many lanes sends them.
    Saturated,
    /// A full queue of datagrams that were sent one by one.
    Queue,
    /// [`Options::steady_per_s`], one by one at even distances.
    Steady,
}

/// What was found, by system, kind of load and codes.
pub struct Found {
    /// All rounds of each together.
    pub samples: BTreeMap<(System, Load, Show), Sample>,
    /// How it was measured.
    pub options: Options,
    /// What was measured, on what.
    pub build: Build,
}

/// Systems that check codes.
pub const CHECKING: [System; 3] = [System::Ours, System::AxumRedis, System::AxumDashmap];
/// Both ways to show codes.
pub const SHOWS: [Show; 2] = [Show::First, Show::Again];

/// Credentials that are shown to peers, which remember none.
const PEER_CODES: usize = 20_000;
/// Datagrams in a queue: as many as fit the engine's receive buffer, and a margin.
pub const QUEUE: usize = 4_096;
/// Queues in a round.
const QUEUES: usize = 2;
/// Before the first round each system gets used to its load for this long.
const WARM_UP: Duration = Duration::from_millis(300);
/// The highest rate without a loss is tried out in steps of this length, seconds.
const TRIAL_S: f64 = 0.4;
/// More than half of the answers in a trial later than this mean that the server's queue only grows: its
/// buffers hold so much that nothing is lost in so short a time.
const TRIAL_P50_US_MAX: f64 = 10_000.0;
/// What of the highest rate is offered in rounds, so that a passing disturbance loses nothing.
const HELD_SHARE: f64 = 0.75;

/// Runs every system and measures it; `say` is told what is going on.
///
/// # Errors
/// When a server does not start or breaks off. Wrong answers are no errors here: they are in the samples.
pub fn compare(program: &Path, scene: Scene, options: Options, say: &dyn Fn(&str)) -> anyhow::Result<Found> {
    say("starting the servers, each with its own copy of the world");
    let mut stage = Stage::set(program, scene, options)?;
    say("warming up, and finding how much ours takes without a loss");
    stage.warm_up()?;
    let mut samples: BTreeMap<_, Sample> = BTreeMap::new();
    let mut add = |key, sample| samples.entry(key).or_default().add(sample);
    for round in 1..=options.rounds {
        say(&format!("round {round} of {}", options.rounds));
        for show in SHOWS {
            for system in CHECKING {
                add((system, Load::Saturated, show), stage.saturate(system, show)?);
            }
            add((System::Ours, Load::Queue, show), stage.queue(show)?);
            for system in CHECKING {
                add((system, Load::Steady, show), stage.steady(system, show)?);
            }
        }
        add((System::Echo, Load::Steady, Show::Again), stage.steady(System::Echo, Show::Again)?);
        add((System::Echo, Load::Queue, Show::Again), stage.queue_of_echo()?);
    }
    Ok(Found { samples, options, build: Build::here() })
}

/// All systems, serving, and what asks them.
struct Stage {
    options: Options,
    generator_core: Option<Core>,
    peers: BTreeMap<System, (Child, Http)>,
    peer_codes: BTreeMap<Show, Codes>,
    ours: Child,
    generator: Generator,
    held_per_s: BTreeMap<Show, u32>,
    gates: BTreeMap<Show, Udp<Sealed>>,
    echo: Child,
    plain: Udp<Plain>,
}

impl Stage {
    fn set(program: &Path, scene: Scene, options: Options) -> anyhow::Result<Stage> {
        // Servers on the last core, their load on the first; with one core they share it.
        let cores = cores::mine()?;
        let (generator_core, server_core) = match cores.as_slice() {
            [first, .., last] => (Some(*first), Some(*last)),
            _ => (None, None),
        };
        let start = |system| Child::start(program, system, scene, server_core);
        let mut peers = BTreeMap::new();
        for system in [System::AxumRedis, System::AxumDashmap] {
            let child = start(system)?;
            let http = Http::connect(child.ready.addr, options.connections)?;
            peers.insert(system, (child, http));
        }
        let (ours, echo) = (start(System::Ours)?, start(System::Echo)?);

        let world = scene.world();
        let addr = ours.ready.addr;
        let devices = enrol(&ours.ready)?;
        let plain = Udp::connect(echo.ready.addr, devices.len(), Plain::default())?;
        let mut gates = BTreeMap::new();
        for show in SHOWS {
            let codes = Codes::new(&world, show, own_codes(options));
            let sealed = Sealed::new(enrol(&ours.ready)?, codes);
            gates.insert(show, Udp::connect(addr, devices.len(), sealed)?);
        }
        let peer_codes = SHOWS.map(|show| (show, Codes::new(&world, show, PEER_CODES))).into();
        let stock = CodeStock::new(world, sites::MARKET, &|_, _| {});
        let generator = Generator::new(stock, devices, addr, 1)?.with_server_cpu(ours.meter());
        Ok(Stage {
            options,
            generator_core,
            peers,
            peer_codes,
            ours,
            generator,
            held_per_s: BTreeMap::new(),
            gates,
            echo,
            plain,
        })
    }

    fn warm_up(&mut self) -> anyhow::Result<()> {
        for system in [System::AxumRedis, System::AxumDashmap] {
            self.ask_peer(system, Show::Again, Pace::Saturation, WARM_UP)?;
        }
        // Seen-again codes are seen for the first time here.
        self.queue(Show::Again)?;
        self.queue_of_echo()?;
        for show in SHOWS {
            let held_per_s = ramp::highest(|rate_per_s| {
                let report = self.ask_ours(show, rate_per_s, TRIAL_S)?;
                anyhow::Ok(report.lost == 0 && report.rate_held && report.p50_us < TRIAL_P50_US_MAX)
            })?;
            self.held_per_s.insert(show, scaled(held_per_s, HELD_SHARE));
        }
        Ok(())
    }

    /// As many checks as `system` takes.
    fn saturate(&mut self, system: System, show: Show) -> anyhow::Result<Sample> {
        if system != System::Ours {
            return self.ask_peer(system, show, Pace::Saturation, self.round());
        }
        let held_per_s = self.held_per_s.get(&show).copied().unwrap_or(ramp::FIRST_PER_S);
        let report = self.ask_ours(show, held_per_s, self.options.seconds)?;
        Ok(Sample::of(&report))
    }

    /// The unhurried rate.
    fn steady(&mut self, system: System, show: Show) -> anyhow::Result<Sample> {
        let (rate_per_s, round) = (f64::from(self.options.steady_per_s), self.round());
        match system {
            System::Ours => {
                let Some(gates) = self.gates.get_mut(&show) else { return Ok(Sample::default()) };
                measured(&self.ours, self.generator_core, || gates.round(rate_per_s, round))
            }
            System::Echo => measured(&self.echo, self.generator_core, || self.plain.round(rate_per_s, round)),
            System::AxumRedis | System::AxumDashmap => {
                self.ask_peer(system, show, Pace::PerSecond(rate_per_s), round)
            }
        }
    }

    /// Full queues of single datagrams for ours.
    fn queue(&mut self, show: Show) -> anyhow::Result<Sample> {
        let Some(gates) = self.gates.get_mut(&show) else { return Ok(Sample::default()) };
        queues(&self.ours, self.generator_core, gates, QUEUES)
    }

    /// The same for the echo.
    fn queue_of_echo(&mut self) -> anyhow::Result<Sample> {
        queues(&self.echo, self.generator_core, &mut self.plain, QUEUES)
    }

    fn ask_peer(
        &mut self,
        system: System,
        show: Show,
        pace: Pace,
        round: Duration,
    ) -> anyhow::Result<Sample> {
        let (Some((child, http)), Some(codes)) =
            (self.peers.get_mut(&system), self.peer_codes.get_mut(&show))
        else {
            return Ok(Sample::default());
        };
        measured(child, self.generator_core, || http.round(codes, pace, round))
    }

    fn ask_ours(&mut self, show: Show, rate_per_s: u32, seconds: f64) -> anyhow::Result<Report> {
        let mix: Mix = match show {
            Show::First => "first".parse()?,
            Show::Again => "again".parse()?,
        };
        let plan = Plan::new(mix, rate_per_s, seconds);
        // Everything it shows again has been shown by the first plan.
        let plan = Plan { warm_up: self.held_per_s.is_empty(), ..plan };
        Ok(cores::on(self.generator_core, || self.generator.run(&plan, &|_| {}))??)
    }

    fn round(&self) -> Duration {
        Duration::from_secs_f64(self.options.seconds.max(0.05))
    }
}

/// Lets a server answer `times` queues of [`QUEUE`] datagrams that were there before it ran.
///
/// # Errors
/// When the server is gone, or a socket fails.
pub fn queues<S: Protocol>(
    server: &Child,
    generator_core: Option<Core>,
    lines: &mut Udp<S>,
    times: usize,
) -> anyhow::Result<Sample> {
    let mut sum = Sample::default();
    for _ in 0..times {
        server.pause()?;
        let filled = lines.fill(QUEUE);
        let before = server.cpu()?;
        server.resume()?;
        filled?;
        let mut sample = cores::on(generator_core, || lines.drain())??;
        sample.server_cpu_ns = server.cpu_ns_since(&before)?;
        sum.add(sample);
    }
    Ok(sum)
}

/// One round, and what CPU time it took the server.
fn measured(
    server: &Child,
    generator_core: Option<Core>,
    round: impl FnOnce() -> anyhow::Result<Sample>,
) -> anyhow::Result<Sample> {
    let before = server.cpu()?;
    let mut sample = cores::on(generator_core, round)??;
    sample.server_cpu_ns = server.cpu_ns_since(&before)?;
    Ok(sample)
}

/// First-seen codes that [`Udp`] needs: each is shown once.
fn own_codes(options: Options) -> usize {
    let steady = f64::from(options.steady_per_s) * options.seconds + 1.0;
    (scaled(options.rounds, steady) as usize) + (options.rounds as usize + 1) * QUEUES * QUEUE
}

fn scaled(count: u32, by: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, never negative")]
    let scaled = (f64::from(count) * by) as u32;
    scaled
}
