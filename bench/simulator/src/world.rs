//! A run: machines, the queue of events, and the oracle beside them.

mod changes;
mod checks;
mod end;
mod lone;
mod processes;
mod troubles;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use hufu_codes::chain::Confirmed;
use hufu_sync::Delivery;
use hufu_wire::chain::Checkpoint;
use hufu_wire::{Enrolled, OfflineAsk, Reason, Sequence, UnixMillis};

use crate::chance::Chance;
use crate::disk::SimDisk;
use crate::engine::{EngineMachine, Packet, Reply};
use crate::fault::Happened;
use crate::gate::{GateMachine, LoneMachine};
use crate::net::{Net, Node};
use crate::people::People;
use crate::plan::Plan;
use crate::registry::RegistryMachine;
use crate::truth::ChainTruth;

/// What a run has found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Of every event, every verdict and every decision, in order.
    pub digest: u64,
    /// Verdicts that the oracle judged.
    pub checks: u64,
    /// Events.
    pub events: u64,
    /// How often each fault took effect.
    pub happened: Happened,
    /// How often each state was reached.
    pub reached: BTreeMap<String, u64>,
    /// What went wrong, and when, milliseconds since the beginning.
    pub failure: Option<(u64, String)>,
}

/// A process of an engine: which engine, and its how manieth start.
type Run = (usize, u32);

/// What happens.
#[derive(Debug)]
pub(crate) enum Event {
    Scan(usize),
    GateTime(usize, u64),
    ToEngine(usize, Packet),
    Serve(Run),
    Write(Run),
    ToGate(Box<Reply>),
    EnrolAt(usize, usize, u64),
    Enrolled(usize, usize, u64, Box<Option<Enrolled>>),
    EnrolLate(usize, u64),
    Boot(usize, bool),
    KillNow(Run),
    Follow(Run, usize),
    Subscribe(Run, usize, Sequence, u64),
    Subscribed(Run, usize, u64, bool),
    Delivered(Run, usize, u64, Box<Delivery>),
    AskCheckpoint(Run, usize, u64),
    Checkpoint(Run, usize, u64, Option<bytes::Bytes>),
    NoCheckpoint(Run, usize, u64),
    Fetch(Run, usize, Box<Confirmed<Checkpoint>>),
    Fetched(Run, usize, Box<Confirmed<Checkpoint>>, Option<Rc<[u8]>>),
    Copy(Run, usize),
    Heads,
    Author(usize),
    Vouch(usize),
    RegistryStart,
    Restore(bool),
    Fault(usize),
    Ends(usize),
    LoneScan(usize),
    LoneRound(usize),
    LoneBoot(usize, bool),
    LoneAsk(usize, u64, Box<hufu_offline::Errand>),
    LoneAnswer(usize, u64, Box<Answer>),
    LoneLate(usize, u64),
    Heal,
    End,
}

/// What an engine answers to a gate without a network.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Its clock.
    date: UnixMillis,
    what: Result<Given, Reason>,
}

/// What it gives.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Part(OfflineAsk, Vec<u8>),
    Kept(u64),
}

/// A subscription at the registry's feed.
#[derive(Debug)]
struct Subscriber {
    run: Run,
    issuer: usize,
    id: u64,
    next: u64,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Things go wrong.
    Trouble,
    /// Everything must become well.
    Calm,
    /// And nothing more is changed, so that what was changed last arrives.
    Rest,
    /// It was looked at.
    Over,
}

/// A whole deployment.
pub(crate) struct World {
    plan: Plan,
    people: Rc<People>,
    chance: Chance,
    now: u64,
    order: u64,
    /// What is to come: by its time, and of one time in the order in which it was made.
    queue: BTreeMap<(u64, u64), Event>,
    net: Net,
    registry: RegistryMachine,
    engines: Vec<EngineMachine>,
    gates: Vec<GateMachine>,
    lones: Vec<LoneMachine>,
    truth: Vec<ChainTruth>,
    subscribers: Vec<Subscriber>,
    snapshots: HashMap<[u8; 32], Rc<[u8]>>,
    /// Where the authorities make snapshots.
    workshop: SimDisk,
    /// Copies of engines' folders, as operators keep them.
    attic: SimDisk,
    /// What each engine's disk was not: its folder may be older than what it served.
    is_excused: Vec<bool>,
    slow_ms: Vec<u64>,
    trims: bool,
    bad_snapshots: bool,
    must_hand_in: bool,
    phase: Phase,
    /// The last step that was shown, to be shown elsewhere.
    last_shown: Option<crate::truth::Shown>,
    numbers: u64,
    digest: u64,
    checks: u64,
    handled: u64,
    happened: Happened,
    reached: BTreeMap<String, u64>,
    reasons: HashMap<Reason, u64>,
    failure: Option<(u64, String)>,
}

/// Events that may be under way at once: more is a leak.
const EVENTS_MAX: usize = 20_000;
/// Events of one millisecond: more is a loop that never rests.
const AT_ONCE_MAX: u64 = 50_000;

impl World {
    /// The deployment of a plan, at its beginning.
    ///
    /// # Errors
    /// The real disk's.
    pub(crate) fn new(plan: &Plan) -> anyhow::Result<World> {
        let people = People::of_thread();
        let mut chance = Chance::new(plan.seed);
        let registry = RegistryMachine::new(&people, plan.issuers)?;
        let lones = (0..plan.lones).map(|n| LoneMachine::new(n, plan.engines, &mut chance)).collect();
        let mut world = World {
            registry,
            engines: (0..plan.engines).map(|n| EngineMachine::new(n, plan.issuers)).collect(),
            gates: (0..plan.gates).map(|n| GateMachine::new(n, plan.engines)).collect(),
            lones,
            truth: vec![ChainTruth::default(); plan.issuers],
            people,
            chance,
            now: 0,
            order: 0,
            queue: BTreeMap::new(),
            net: Net::default(),
            subscribers: Vec::new(),
            snapshots: HashMap::new(),
            workshop: SimDisk::default(),
            attic: SimDisk::default(),
            is_excused: vec![false; plan.engines],
            slow_ms: vec![0; plan.engines],
            trims: false,
            bad_snapshots: false,
            must_hand_in: false,
            phase: Phase::Trouble,
            last_shown: None,
            numbers: 0,
            digest: plan.seed,
            checks: 0,
            handled: 0,
            happened: Happened::default(),
            reached: BTreeMap::new(),
            reasons: HashMap::new(),
            failure: None,
            plan: plan.clone(),
        };
        world.begin();
        Ok(world)
    }

    fn begin(&mut self) {
        for n in 0..self.plan.issuers {
            self.at(0, Event::Author(n));
            self.at(20_000, Event::Vouch(n));
        }
        self.at(1000, Event::Heads);
        for engine in 0..self.plan.engines {
            self.at(100, Event::Boot(engine, false));
        }
        for gate in 0..self.plan.gates {
            self.at(500 + 7 * gate as u64, Event::Scan(gate));
        }
        for lone in 0..self.plan.lones {
            self.at(600, Event::LoneBoot(lone, false));
            self.at(1000, Event::LoneRound(lone));
            self.at(1500, Event::LoneScan(lone));
        }
        for (index, fault) in self.plan.faults.clone().iter().enumerate() {
            self.at(fault.at_ms, Event::Fault(index));
        }
        self.at(self.plan.length_ms, Event::Heal);
        self.at(self.plan.length_ms + self.plan.calm_ms, Event::End);
    }

    /// Lets it run to its end.
    pub(crate) fn run(mut self) -> Outcome {
        let mut at_once = 0;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            at_once = if at == self.now { at_once + 1 } else { 0 };
            if at_once > AT_ONCE_MAX {
                self.fail(format!("time stands still: something never rests, last {event:?}"));
            }
            self.now = at;
            self.handled += 1;
            self.handle(event);
            if self.queue.len() > EVENTS_MAX {
                self.fail(format!("{} events are under way: memory is not bounded", self.queue.len()));
            }
            if self.failure.is_some() || self.phase == Phase::Over {
                break;
            }
        }
        for engine in 0..self.engines.len() {
            self.note_process(engine);
            let happened = self.engines[engine].disk.happened();
            self.happened.join(&happened);
        }
        for lone in &self.lones {
            let happened = lone.disk.happened();
            self.happened.join(&happened);
        }
        for (reason, count) in std::mem::take(&mut self.reasons) {
            self.reached.insert(format!("verdict {reason}"), count);
        }
        Outcome {
            digest: self.digest,
            checks: self.checks,
            events: self.handled,
            happened: self.happened,
            reached: self.reached,
            failure: self.failure,
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.queue.insert((at.max(self.now), self.order), event);
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now + ms, event);
    }

    /// Sends a message: once, twice or never.
    fn send(&mut self, from: Node, to: Node, event: impl Fn() -> Event) {
        for delay in
            self.net.carry(self.now, (from, to), &mut self.chance, &mut self.happened).into_iter().flatten()
        {
            self.after(delay, event());
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Notes something in the digest of the run.
    fn note(&mut self, what: u64) {
        self.digest =
            (self.digest.rotate_left(5) ^ what ^ self.now << 32).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn reach(&mut self, state: &str) {
        *self.reached.entry(state.to_owned()).or_default() += 1;
    }

    fn fail(&mut self, what: impl Into<String>) {
        if self.failure.is_none() {
            self.failure = Some((self.now, what.into()));
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Scan(gate) => self.scan(gate),
            Event::GateTime(gate, scan) => self.gate_time(gate, scan),
            Event::ToEngine(engine, packet) => self.reach_engine(engine, packet),
            Event::Serve(run) => self.serve(run),
            Event::Write(run) => self.write(run),
            Event::ToGate(reply) => self.reach_gate(&reply),
            Event::EnrolAt(gate, engine, id) => self.enrol_at(gate, engine, id),
            Event::Enrolled(gate, engine, id, enrolled) => self.enrolled(gate, engine, id, *enrolled),
            Event::EnrolLate(gate, id) => self.enrol_late(gate, id),
            Event::Boot(engine, after_power_cut) => self.boot(engine, after_power_cut),
            Event::KillNow(run) => self.kill_if_alive(run),
            Event::Follow(run, n) => self.follow(run, n),
            Event::Subscribe(run, n, after, id) => self.subscribe(run, n, after, id),
            Event::Subscribed(run, n, id, is_heard) => self.subscribed(run, n, id, is_heard),
            Event::Delivered(run, n, id, delivery) => self.delivered(run, n, id, &delivery),
            Event::AskCheckpoint(run, n, id) => self.ask_checkpoint(run, n, id),
            Event::Checkpoint(run, n, id, bytes) => self.checkpoint(run, n, id, bytes),
            Event::NoCheckpoint(run, n, id) => self.no_checkpoint(run, n, id),
            Event::Fetch(run, n, of) => self.fetch(run, n, &of),
            Event::Fetched(run, n, of, bytes) => self.fetched(run, n, &of, bytes),
            Event::Copy(run, n) => self.copy(run, n),
            Event::Heads => self.heads(),
            Event::Author(n) => self.author(n),
            Event::Vouch(n) => self.vouch(n),
            Event::RegistryStart => self.registry_start(),
            Event::Restore(signs_another) => self.restore(signs_another),
            Event::Fault(index) => self.fault(index),
            Event::Ends(index) => self.fault_ends(index),
            Event::LoneScan(lone) => self.lone_scan(lone),
            Event::LoneRound(lone) => self.lone_round(lone),
            Event::LoneBoot(lone, is_new) => self.lone_boot(lone, is_new),
            Event::LoneAsk(lone, id, errand) => self.lone_ask(lone, id, &errand),
            Event::LoneAnswer(lone, id, answer) => self.lone_answer(lone, id, *answer),
            Event::LoneLate(lone, id) => self.lone_late(lone, id),
            Event::Heal => self.heal(),
            Event::End => self.end(),
        }
    }

    /// The process of this start, if it still runs.
    fn alive(&mut self, (engine, start): Run) -> Option<&mut crate::engine::Process> {
        let machine = &mut self.engines[engine];
        if machine.starts == start { machine.process.as_mut() } else { None }
    }

    fn is_calm(&self) -> bool {
        self.phase >= Phase::Calm
    }

    fn date(&self, engine: usize) -> UnixMillis {
        self.engines[engine].clock.date(self.now)
    }

    fn run_of(&self, engine: usize) -> Run {
        (engine, self.engines[engine].starts)
    }
}
