//! Everything that is killed, and what heals it again.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hufu_fixtures::World;
use hufu_fixtures::services::Postgres;
use hufu_wire::Colour;
use rustix::process::{Pid, Signal, kill_process};

use super::faults::{Dice, Trouble, Victim};
use super::load::Load;
use super::{Outcome, Torture, ledger};
use crate::author::Author;
use crate::deployment::Deployment;
use crate::disk::{SmallDisk, is_within};
use crate::engine::{Engine, Follow};
use crate::registry::{Registry, Settings};
use crate::relay::{Befallen, Line, Network, Weather};
use crate::scene::agree;
use crate::truth::{HOLDERS, Truth};
use crate::watch::Watch;

/// Holders of the world that the load checks, and phones that its codes come from.
const WORLD: (u32, usize) = (20_000, 1_000);
/// A gate's budget for a check, and more than a line can hold an answer back.
const ANSWERS_WITHIN: Duration = Duration::from_millis(400);
/// A full disk is felt in this time, or not before the kill.
const FELT_WITHIN: Duration = Duration::from_secs(4);
/// Starts of an engine that use up its segments of records.
const SPARE_STARTS: u32 = 3;
/// Of an engine's statuses, of its records, of a registry's database.
const DISKS: [&str; 3] = ["4m", "256m", "64m"];

pub(super) struct Stage {
    deployment: Deployment,
    pub(super) author: Option<Author>,
    registry: Registry,
    database: Option<Postgres>,
    engines: Vec<Engine>,
    watches: Vec<Watch>,
    /// To each engine from gates, and from each to the registry.
    gates: Vec<Line>,
    feeds: Vec<Line>,
    /// Of each engine, statuses and records; then the registry's.
    disks: Vec<[SmallDisk; 2]>,
    database_disk: Option<SmallDisk>,
    /// Of each engine whose statuses had no room: warm copies it had kept when there was room again. Until it keeps the next
    /// one, a kill takes it back to what it had kept before.
    gaps: Vec<Option<f64>>,
    /// Answers of the registry that its disk is full.
    without_room: Arc<AtomicU64>,
    pub(super) load: Option<Load>,
    pub(super) outcome: Outcome,
    // Last: lines carry as long as it is there.
    network: Network,
}

impl Stage {
    pub(super) fn open(hufu: &Path, torture: &Torture) -> Result<Stage> {
        let seconds = hufu_files::moment::now().seconds();
        let deployment = match torture.rate {
            0 => Deployment::new(hufu)?,
            _ => Deployment::of_world(hufu, World::new(torture.seed, WORLD.0, seconds))?,
        };
        let database = torture.postgres.then(Postgres::start).transpose()?;
        let store = match &database {
            Some(postgres) => {
                postgres.create_database("registry")?;
                postgres.url("registry")
            }
            None => "sqlite:../database/registry.db".to_owned(),
        };
        fs::create_dir(deployment.path("database"))?;
        let fills_database = is_within() && database.is_none();
        let database_disk =
            fills_database.then(|| SmallDisk::mount(deployment.path("database"), DISKS[2])).transpose()?;
        let settings = Settings { store: Some(store), ..Settings::default() };
        let registry = Registry::start(&deployment, "registry", &settings)?;
        registry.without_brake(&deployment)?;
        let mut author = Author::new(&deployment, registry.api(&deployment)?, Arc::new(Truth::new()))?;
        author.set(&(0..HOLDERS).map(|holder| (holder, Colour::Green)).collect::<Vec<_>>())?;
        let mut stage = Stage {
            deployment,
            without_room: author.without_room(),
            author: Some(author),
            registry,
            database,
            engines: Vec::new(),
            watches: Vec::new(),
            gates: Vec::new(),
            feeds: Vec::new(),
            disks: Vec::new(),
            database_disk,
            gaps: vec![None; torture.engines],
            load: None,
            outcome: Outcome { seed: torture.seed, ..Outcome::default() },
            network: Network::new()?,
        };
        for _ in 0..torture.engines {
            stage.engine(torture.seed)?;
        }
        if torture.rate > 0 {
            let control = stage.gates.first().context("an engine")?.address();
            let generator = crate::generator(&stage.deployment, control, WORLD.1)?;
            stage.load = Some(Load { generator, rate: torture.rate });
        }
        for trouble in Trouble::names(is_within(), stage.database.is_none()) {
            stage.outcome.troubles.insert(trouble, 0);
            if trouble.ends_with("-full") {
                stage.outcome.felt.insert(trouble, 0);
            }
        }
        stage.agrees()?;
        Ok(stage)
    }

    /// One more engine behind lines, on small disks where there are any, with a gate that remembers what it was told.
    fn engine(&mut self, seed: u64) -> Result<()> {
        let Stage { deployment, network, .. } = self;
        let number = self.engines.len();
        let name = format!("engine{number}");
        let feed = network.streams(self.registry.address(), seed)?;
        let follow = Follow::through(&self.registry, &feed)
            .with("warm_every_s = 1\n")
            .with(&ledger::keep(deployment, &name)?);
        let mut engine = Engine::start(deployment, &name, &follow)?;
        if is_within() {
            engine.stop()?;
            let disk = |folder, size| SmallDisk::mount(deployment.path(&format!("{name}/{folder}")), size);
            self.disks.push([disk("state", DISKS[0])?, disk("records", DISKS[1])?]);
            engine.restart(deployment)?;
        }
        // The same ports on another address of the loopback: an engine tells gates its port and no address.
        let [control, udp] = [engine.control(), engine.udp()];
        let beside = |of: SocketAddr| SocketAddr::from(([127, 0, 0, 2], of.port()));
        let line = network.datagrams(&[beside(control), beside(udp)], &[control, udp], seed)?;
        let gate = deployment.gate(number, line.address())?;
        let author = self.author.as_ref().context("an author")?;
        let truth = Arc::clone(author.truth());
        self.watches.push(Watch::start_remembering(gate, deployment.codes()?, truth));
        self.engines.push(engine);
        self.gates.push(line);
        self.feeds.push(feed);
        Ok(())
    }

    /// One trouble, one kill under it, and perhaps more kills of what starts again.
    pub(super) fn step(&mut self, dice: &mut Dice) -> Result<()> {
        let sqlite = self.database.is_none();
        let trouble = Trouble::draw(dice, self.engines.len(), is_within(), sqlite);
        *self.outcome.troubles.entry(trouble.name()).or_default() += 1;
        let before = self.signs(trouble);
        let hung = self.begin(trouble, dice)?;
        pause(dice, 20, 200);
        if trouble.is_full_disk() {
            self.feel(trouble, before)?;
        }
        let mut victims: Vec<_> = (0..self.engines.len()).map(Victim::Engine).collect();
        victims.push(Victim::Registry);
        if !sqlite {
            victims.push(Victim::Database);
        }
        let victim = dice.pick(&victims);
        self.outcome.last(format!("{trouble:?}, {victim:?}"));
        let state = if matches!(trouble, Trouble::Hung(it) if it == victim) { "hung" } else { "running" };
        self.kill(trouble, victim, state)?;
        pause(dice, 0, 150);
        while victim != Victim::Database && dice.one_in(4) {
            self.begin_again(victim)?;
            pause(dice, 0, 150);
            self.kill(trouble, victim, "starting")?;
        }
        let started = self.start(victim);
        if started.is_err() && trouble.is_full_disk() {
            self.heal(trouble, hung)?;
            self.outcome.refused_starts += 1;
            return self.start(victim);
        }
        started?;
        // Now and then long enough for a silence to be noticed.
        let most = if dice.one_in(16) { 3_000 } else { 150 };
        pause(dice, 0, most);
        self.heal(trouble, hung)
    }

    /// How often a process has said that the disk of this trouble is full.
    fn signs(&self, trouble: Trouble) -> u64 {
        match trouble {
            Trouble::FullState(of) => {
                // An engine that cannot say it has not said it.
                let faults = self.engines[of].figure("disk_faults", None).unwrap_or(0.0);
                format!("{faults:.0}").parse().unwrap_or(0)
            }
            Trouble::FullRecords(of) => self.watches[of].busy(),
            Trouble::FullDatabase => self.without_room.load(Ordering::Relaxed),
            _ => 0,
        }
    }

    /// Waits until a full disk is felt, for a while. Records have a spare segment: starts use it up.
    fn feel(&mut self, trouble: Trouble, before: u64) -> Result<()> {
        let (begun, mut starts) = (Instant::now(), 0);
        while begun.elapsed() < FELT_WITHIN {
            if self.signs(trouble) > before {
                *self.outcome.felt.entry(trouble.name()).or_default() += 1;
                return Ok(());
            }
            if let Trouble::FullRecords(of) = trouble
                && starts < SPARE_STARTS
            {
                starts += 1;
                self.kill(trouble, Victim::Engine(of), "running")?;
                if let Err(why) = self.start(Victim::Engine(of)) {
                    self.disks[of][1].make_room()?;
                    self.start(Victim::Engine(of)).with_context(|| format!("before: {why:#}"))?;
                    self.disks[of][1].fill()?;
                    *self.outcome.felt.entry(trouble.name()).or_default() += 1;
                    self.outcome.refused_starts += 1;
                    return Ok(());
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The engine that is about to be killed, when it begins again with less than it has served.
    fn forgets(&mut self, trouble: Trouble, victim: Victim) -> Option<usize> {
        let Victim::Engine(engine) = victim else { return None };
        if let Some(before) = self.gaps[engine]
            && self.kept_copies(engine).is_ok_and(|kept| kept > before)
        {
            self.gaps[engine] = None;
        }
        (trouble == Trouble::FullState(engine) || self.gaps[engine].is_some()).then_some(engine)
    }

    fn kept_copies(&self, engine: usize) -> Result<f64> {
        self.engines[engine].figure("warm_copies", Some("kept"))
    }

    /// Begins a trouble; the process that hangs, if one does.
    fn begin(&self, trouble: Trouble, dice: &mut Dice) -> Result<Option<Pid>> {
        match trouble {
            Trouble::None => {}
            Trouble::Hung(victim) => {
                let pid = match victim {
                    Victim::Engine(engine) => self.engines[engine].pid()?,
                    Victim::Registry | Victim::Database => self.registry.pid()?,
                };
                let pid = Pid::from_raw(i32::try_from(pid)?).context("a process")?;
                kill_process(pid, Signal::STOP)?;
                return Ok(Some(pid));
            }
            Trouble::Loss(of) | Trouble::Disorder(of) | Trouble::CutThere(of) | Trouble::CutBack(of) => {
                let (there, back) = trouble.gates(dice).context("weather")?;
                self.gates[of].set(there, back);
            }
            Trouble::SlowFeed(of) | Trouble::FeedCutThere(of) | Trouble::FeedCutBack(of) => {
                let (there, back) = trouble.feed(dice).context("weather")?;
                self.feeds[of].set(there, back);
            }
            Trouble::TornFeed(of) => self.feeds[of].tear(),
            Trouble::FullState(of) => self.disks[of][0].fill()?,
            Trouble::FullRecords(of) => self.disks[of][1].fill()?,
            Trouble::FullDatabase => self.database_disk.as_ref().context("a small disk")?.fill()?,
        }
        Ok(None)
    }

    /// Ends it.
    fn heal(&mut self, trouble: Trouble, hung: Option<Pid>) -> Result<()> {
        let fair = Weather::default();
        self.gates.iter().chain(&self.feeds).for_each(|line| line.set(fair, fair));
        match trouble {
            Trouble::FullState(of) => {
                self.disks[of][0].make_room()?;
                // A copy that was begun before has the gap still: the second one has not.
                self.gaps[of] = Some(self.kept_copies(of).map_or(f64::MAX, |kept| kept + 1.0));
            }
            Trouble::FullRecords(of) => self.disks[of][1].make_room()?,
            Trouble::FullDatabase => self.database_disk.as_ref().context("a small disk")?.make_room()?,
            _ => {}
        }
        if let Some(pid) = hung {
            // Gone when it was the one that was killed.
            let _ = kill_process(pid, Signal::CONT);
        }
        Ok(())
    }

    fn kill(&mut self, trouble: Trouble, victim: Victim, state: &str) -> Result<()> {
        let forgets = self.forgets(trouble, victim);
        let name = match victim {
            Victim::Engine(engine) => {
                self.engines[engine].kill()?;
                self.engines[engine].name().to_owned()
            }
            Victim::Registry => {
                self.registry.kill()?;
                "registry".to_owned()
            }
            Victim::Database => {
                self.database.as_mut().context("a database")?.kill()?;
                "database".to_owned()
            }
        };
        *self.outcome.kills.entry(format!("{name} {state}")).or_default() += 1;
        if let Some(engine) = forgets {
            // When the last answers of before have come.
            thread::sleep(ANSWERS_WITHIN);
            self.watches[engine].may_forget();
        }
        Ok(())
    }

    fn begin_again(&mut self, victim: Victim) -> Result<()> {
        match victim {
            Victim::Engine(engine) => self.engines[engine].begin(&self.deployment),
            Victim::Registry | Victim::Database => self.registry.begin(&self.deployment),
        }
    }

    fn start(&mut self, victim: Victim) -> Result<()> {
        match victim {
            Victim::Engine(engine) => {
                // It counts its copies from 0 again, and its first one is whole.
                self.gaps[engine] = self.gaps[engine].map(|_| 0.0);
                self.engines[engine].restart(&self.deployment)
            }
            Victim::Registry => self.registry.restart(&self.deployment),
            Victim::Database => self.database.as_mut().context("a database")?.restart(),
        }
    }

    /// Takes over what gates and lines have counted.
    pub(super) fn look(&mut self) {
        let sum = |of: fn(&Watch) -> u64| self.watches.iter().map(of).sum();
        self.outcome.checks = sum(Watch::answered);
        self.outcome.silent = sum(Watch::silent);
        self.outcome.busy = sum(Watch::busy);
        self.outcome.wrong = self.watches.iter().flat_map(Watch::wrong).collect();
        let add = |lines: &[Line]| {
            lines.iter().map(Line::befallen).fold(Befallen::default(), |a, b| Befallen {
                pieces: a.pieces + b.pieces,
                lost: a.lost + b.lost,
                doubled: a.doubled + b.doubled,
                late: a.late + b.late,
                torn: a.torn + b.torn,
            })
        };
        self.outcome.lines = [add(&self.gates), add(&self.feeds)];
    }

    /// Waits until every engine's chain is the registry's, and every gate's verdicts are what the truth says.
    pub(super) fn agrees(&mut self) -> Result<()> {
        let author = self.author.as_ref().context("the author is at work")?;
        agree(&self.deployment, author, &self.engines, &self.watches)
            .with_context(|| format!("the registry's log:\n{}", self.registry.log(&self.deployment)))?;
        self.outcome.agreements += 1;
        self.look();
        ensure!(self.outcome.wrong.is_empty(), "wrong verdicts: {:?}", self.outcome.wrong);
        Ok(())
    }

    /// Ends it: all must agree once more, and every verdict has its record.
    pub(super) fn end(mut self) -> Result<Outcome> {
        self.agrees()?;
        for (engine, watch) in self.engines.iter_mut().zip(&self.watches) {
            // What it was told before this moment is written; what it is told later may be on its way.
            let given = watch.given();
            engine.stop()?;
            let (records, missing) = ledger::compare(&self.deployment, engine.name(), &given)?;
            self.outcome.records += records;
            self.outcome.lost.extend(missing);
        }
        self.registry.stop()?;
        self.deployment.run("registry trail verify --config registry/registry.toml")?;
        Ok(self.outcome)
    }
}

fn pause(dice: &mut Dice, least_ms: u64, most_ms: u64) {
    thread::sleep(Duration::from_millis(least_ms + dice.below(most_ms - least_ms + 1)));
}
