//! Gates: the real core of one, whose datagrams the simulation carries, and the real gate without a network.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hufu_gate::{Core, Input, NoVerdict, Output, Pace, Renewed};
use hufu_offline::{BookId, BootId, DRIFT_PPM, Errand, Keeper, Room, Setup};
use hufu_wire::{DeviceGeneration, DeviceId, Enrolled, Grant, Lane, Scope, SiteId, UnixMillis, Verdict};

use crate::chance::Chance;
use crate::disk::SimDisk;
use crate::people::{LONE_SITE, People};
use crate::truth::Shown;

/// The port for sealed requests.
pub(crate) const PORT: u16 = 7410;

/// A gate with a network.
pub(crate) struct GateMachine {
    /// Its device.
    pub(crate) device: DeviceId,
    /// Its site.
    pub(crate) site: u32,
    core: Option<Core>,
    engines: usize,
    begun: Instant,
    /// The scan that is under way, or was last.
    pub(crate) scan: u64,
    /// What was shown in it.
    pub(crate) shown: Option<Shown>,
    /// What engines said to it.
    pub(crate) issued: Vec<Verdict>,
    /// The enrolment that is under way: its number, the engine that is asked, and how many were.
    pub(crate) enrolling: Option<(u64, usize, usize)>,
    /// When it last had a verdict that says something.
    pub(crate) served_at: u64,
}

/// What a gate wants done.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Send this to that engine.
    Send(usize, Vec<u8>),
    /// Enrol, at this engine first.
    Enrol(usize),
    /// The scan has an outcome.
    Outcome(Result<Verdict, NoVerdict>),
}

/// What a device may ask.
pub(crate) fn grant(device: DeviceId, site: u32) -> Grant {
    Grant { device, generation: DeviceGeneration(0), site: SiteId(site), scope: Scope::CHECKS_AND_ROSTERS }
}

fn address(engine: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(engine + 1).unwrap_or(u8::MAX)], 7411))
}

impl GateMachine {
    /// A gate that has no session yet.
    pub(crate) fn new(place: usize, engines: usize) -> GateMachine {
        let number = u32::try_from(place).unwrap_or(0);
        GateMachine {
            device: DeviceId(number + 1),
            site: 1 + number % 3,
            core: None,
            engines,
            begun: Instant::now(),
            scan: 0,
            shown: None,
            issued: Vec::new(),
            enrolling: None,
            served_at: 0,
        }
    }

    fn at(&self, now: u64) -> Instant {
        self.begun + Duration::from_millis(now)
    }

    /// Whether it has a session.
    pub(crate) fn is_ready(&self) -> bool {
        self.core.is_some()
    }

    /// It is switched off and on: what it knew is gone.
    pub(crate) fn restart(&mut self) {
        (self.core, self.shown, self.enrolling) = (None, None, None);
        self.issued.clear();
    }

    /// A session came.
    pub(crate) fn enrolled(&mut self, now: u64, server: usize, enrolled: Enrolled) -> Vec<Wanted> {
        let addresses = (0..self.engines).map(|engine| vec![address(engine)]).collect();
        let at = self.at(now);
        let renewed = Renewed { server, reached: address(server), enrolled, at, addresses };
        match &mut self.core {
            Some(core) => core.step(at, Input::Enrolled(Box::new(renewed))),
            None => self.core = Some(Core::new(vec![None; self.engines], Pace::default(), renewed)),
        }
        self.wanted()
    }

    /// No engine gave one.
    pub(crate) fn not_enrolled(&mut self, now: u64) -> Vec<Wanted> {
        self.step(now, Input::NotEnrolled)
    }

    /// Something was scanned.
    pub(crate) fn scanned(&mut self, now: u64, scan: u64, shown: Shown, text: &str) -> Vec<Wanted> {
        (self.scan, self.shown) = (scan, Some(shown));
        self.issued.clear();
        self.step(now, Input::Scan(text.as_bytes(), Lane(0)))
    }

    /// A datagram came.
    pub(crate) fn datagram(&mut self, now: u64, bytes: &[u8]) -> Vec<Wanted> {
        self.step(now, Input::Datagram(bytes))
    }

    /// Time passed.
    pub(crate) fn time(&mut self, now: u64) -> Vec<Wanted> {
        self.step(now, Input::Time)
    }

    fn step(&mut self, now: u64, input: Input<'_>) -> Vec<Wanted> {
        let at = self.at(now);
        if let Some(core) = &mut self.core {
            core.step(at, input);
        }
        self.wanted()
    }

    /// When it wants to be told the time, milliseconds since the beginning.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let at = self.core.as_ref()?.deadline()?;
        u64::try_from(at.saturating_duration_since(self.begun).as_millis()).ok()
    }

    fn wanted(&mut self) -> Vec<Wanted> {
        let Some(core) = &mut self.core else { return Vec::new() };
        let mut wanted = Vec::new();
        while let Some(output) = core.output() {
            wanted.push(match output {
                Output::Send(SocketAddr::V4(to), bytes) => {
                    Wanted::Send(usize::from(to.ip().octets()[3]).saturating_sub(1), bytes.to_vec())
                }
                Output::Send(SocketAddr::V6(_), _) => continue,
                Output::Enrol(first) => Wanted::Enrol(first),
                Output::Outcome(outcome) => Wanted::Outcome(outcome),
            });
        }
        wanted
    }
}

/// A gate that goes on without a network.
pub(crate) struct LoneMachine {
    /// Its device.
    pub(crate) device: DeviceId,
    /// Its disk.
    pub(crate) disk: SimDisk,
    /// The engine that it asks.
    pub(crate) engine: usize,
    /// The program, if it runs.
    pub(crate) keeper: Option<Keeper>,
    boot: u8,
    booted: u64,
    drift_ppm: u64,
    /// What is being asked, and its number.
    pub(crate) errand: Option<(u64, Errand)>,
    /// When it was asked, since the machine was started.
    pub(crate) asked_at: Duration,
    /// Every record whose verdict was given, by its counter.
    pub(crate) given: BTreeMap<u64, Verdict>,
}

const FOLDER: &str = "/gate";

impl LoneMachine {
    /// A machine that is off.
    pub(crate) fn new(place: usize, engines: usize, chance: &mut Chance) -> LoneMachine {
        LoneMachine {
            device: DeviceId(40 + u32::try_from(place).unwrap_or(0)),
            disk: SimDisk::default(),
            engine: place % engines,
            keeper: None,
            boot: 1,
            booted: 0,
            drift_ppm: chance.below(u64::from(DRIFT_PPM)),
            errand: None,
            asked_at: Duration::ZERO,
            given: BTreeMap::new(),
        }
    }

    /// Time since its machine was started, by its own crystal.
    pub(crate) fn at(&self, now: u64) -> Duration {
        let passed = now.saturating_sub(self.booted);
        // The clock of a machine begins with its firmware.
        Duration::from_millis(1000 + passed + passed * self.drift_ppm / 1_000_000)
    }

    /// Its machine is started again.
    pub(crate) fn reboot(&mut self, now: u64) {
        (self.boot, self.booted) = (self.boot.wrapping_add(1), now);
    }

    /// Starts its program.
    ///
    /// # Errors
    /// Why it does not start.
    pub(crate) fn start(&mut self, people: &People) -> Result<(), String> {
        let setup = Setup {
            disk: self.disk.shared(),
            folder: PathBuf::from(FOLDER),
            operator: people.operator.clone(),
            grant: grant(self.device, LONE_SITE),
            fresh: BookId([u8::try_from(self.device.0).unwrap_or(0); 16]),
            boot: Some(BootId([self.boot; 16])),
            drift_ppm: DRIFT_PPM,
            room: Room::for_holders(1000),
        };
        self.errand = None;
        self.keeper = Some(Keeper::open(setup, &mut Vec::new()).map_err(|fault| fault.to_string())?);
        Ok(())
    }

    /// An engine has told the time.
    pub(crate) fn told(&mut self, now: u64, date: UnixMillis) {
        let at = self.at(now);
        if let Some(keeper) = &mut self.keeper {
            // A disk that fails loses the time at a restart, and nothing else.
            let _ = keeper.answered(self.asked_at, at, date);
        }
    }
}
