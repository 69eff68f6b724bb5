//! A town of gates, and an adversary who owns the network, holds codes and changes clocks. A presentation that is admitted
//! at a second place inside the window panics.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses its part"
)]

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use hufu_client::Session;
use hufu_codes::Detail;
use hufu_codes::issue::code_text;
use hufu_codes::presentation::{Salt, StepIndex, StepTree};
use hufu_wire::{Decision, DeviceGeneration, HolderIndex, Lane, Reason, Step, UnixMillis};

use crate::common::*;

/// Two sites with one window: one counts devices, the other lanes.
const SITES: &str = r#"
[[site]]
id = 1
name = "Counts devices"
accepts = ["phone", "paper"]
staleness_ms_max = 2592000000
pass_back_s = 90

[[site]]
id = 2
name = "Counts lanes"
accepts = ["phone", "paper"]
staleness_ms_max = 2592000000
pass_back_s = 90
pass_back_by = "lane"
"#;
const WINDOW_S: u64 = 90;
pub const DEVICES: usize = 4;
const HOUR_S: u64 = 3600;
/// While all codes are valid and all data is fresh enough.
const CLOCK_S: core::ops::RangeInclusive<u64> = 0..=20 * HOUR_S;

#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// A gate is shown a code, by its latest session or an older one. Its packet may be lost.
    Show { device: usize, older: usize, lane: u16, holder: u32, paper: bool, steps: i32, lost: bool },
    /// A captured packet arrives once more, or a lost one for the first time.
    Replay { back: usize },
    /// A captured packet arrives with a bit turned: nothing answers.
    Alter { back: usize, at: usize },
    /// Numbers that no engine sees.
    Skip { device: usize, numbers: u64 },
    /// A device enrols, by its certificate or an older one, and asks for nothing.
    Enrol { device: usize, generation_back: u32 },
    /// Others enrol with the same certificate and ask once each.
    Visitors { device: usize, sessions: u64 },
    /// A new certificate; the one before is revoked or not.
    Replace { device: usize, revoked: bool },
    /// Time passes, or the clock leaps.
    Clock { by_s: i64 },
}

/// What one presentation is: whose, and of which step.
type Presentation = (u32, Option<Step>);

/// Device, and lane where the site counts lanes.
type Place = (usize, u16);

/// A packet, where it comes from, and which session opens its answer.
#[derive(Clone)]
struct Packet {
    bytes: Vec<u8>,
    device: usize,
    session: usize,
    place: Place,
    shown: Presentation,
}

/// The codes of two holders, made once.
pub struct Codes {
    papers: Vec<String>,
    phones: Vec<(Vec<u8>, StepTree, Step)>,
}

impl Codes {
    pub fn new(checkpoint: &Checkpoint) -> Codes {
        let phone = |holder| {
            let mut credential =
                checkpoint.credential(holder, Detail::Phone { root: [0; 16], origin: NOW.seconds().step() });
            let origin = credential.issued.step();
            let salt = Salt::of(credential.key, holder, credential.generation, origin, credential.issued);
            let tree = StepTree::new(&SEED, &salt);
            credential.detail = Detail::Phone { root: tree.root(), origin };
            (checkpoint.signer.sign_credential(&credential).unwrap(), tree, origin)
        };
        let holders = [HolderIndex(100), HolderIndex(101)];
        Codes {
            papers: holders.iter().map(|&holder| checkpoint.paper(holder)).collect(),
            phones: holders.iter().map(|&holder| phone(holder)).collect(),
        }
    }

    fn phone(&self, holder: u32, step: Step) -> String {
        let (credential, tree, origin) = &self.phones[holder as usize];
        code_text(credential, Some(&tree.present(StepIndex::of(step, *origin).unwrap())))
    }
}

pub struct Town {
    checkpoint: Checkpoint,
    codes: Rc<Codes>,
    /// Seconds after [`NOW`] that the engine's clock shows.
    clock_s: u64,
    /// Seconds by which it ever went forward.
    passed_s: u64,
    generations: [u32; DEVICES],
    sessions: Vec<Vec<Gate>>,
    packets: Vec<Packet>,
    /// Packets that have arrived: the answer to one that arrives again is no new use.
    arrived: HashSet<Vec<u8>>,
    admitted: HashMap<Presentation, Vec<(Place, u64)>>,
    pub admissions: usize,
    pub refusals: usize,
}

impl Town {
    pub fn new(codes: &Rc<Codes>) -> Town {
        let checkpoint = Checkpoint::new();
        checkpoint.engine.set_sites(hufu_policy::Sites::parse(SITES, "sites.toml").unwrap());
        let mut town = Town {
            checkpoint,
            codes: Rc::clone(codes),
            clock_s: 6 * HOUR_S,
            passed_s: 0,
            generations: [5; DEVICES],
            sessions: (0..DEVICES).map(|_| Vec::new()).collect(),
            packets: Vec::new(),
            arrived: HashSet::new(),
            admitted: HashMap::new(),
            admissions: 0,
            refusals: 0,
        };
        (0..DEVICES).for_each(|device| town.enrol(device, 0));
        town
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(NOW.0 + self.clock_s * 1000)
    }

    fn site(device: usize) -> hufu_wire::SiteId {
        if device < 2 { SCHOOL } else { STATION }
    }

    fn enrol(&mut self, device: usize, generation_back: u32) {
        let generation = self.generations[device].saturating_sub(generation_back);
        let grant = grant(u32::try_from(device).unwrap(), generation, Town::site(device));
        if let Ok(enrolled) = self.checkpoint.engine.enrol(grant, 1, LATER, self.now()) {
            self.sessions[device].push(Gate { session: Session::new(enrolled), grant });
        }
    }

    pub fn act(&mut self, action: Action) {
        match action {
            Action::Show { device, older, lane, holder, paper, steps, lost } => {
                let session = self.sessions[device].len() - 1 - older.min(self.sessions[device].len() - 1);
                let step = Step(self.now().seconds().step().0.saturating_add_signed(steps));
                let (code, step) = if paper {
                    (self.codes.papers[holder as usize].clone(), None)
                } else {
                    (self.codes.phone(holder, step), Some(step))
                };
                let bytes = self.sessions[device][session].request_of(Lane(lane), &code);
                let place = (device, if Town::site(device) == STATION { lane } else { 0 });
                let packet = Packet { bytes, device, session, place, shown: (holder, step) };
                self.packets.push(packet.clone());
                if !lost {
                    self.deliver(&packet);
                }
            }
            Action::Replay { back } => {
                if let Some(packet) = self.packets.iter().rev().nth(back).cloned() {
                    self.deliver(&packet);
                }
            }
            Action::Alter { back, at } => {
                if let Some(packet) = self.packets.iter().rev().nth(back) {
                    let mut bytes = packet.bytes.clone();
                    let at = at % (bytes.len() * 8);
                    bytes[at / 8] ^= 1 << (at % 8);
                    let now = self.now();
                    assert_eq!(self.checkpoint.answer_at(now, &bytes), None, "bit {at} was turned");
                }
            }
            Action::Skip { device, numbers } => {
                if let Some(gate) = self.sessions[device].last_mut() {
                    gate.skip(numbers);
                }
            }
            Action::Enrol { device, generation_back } => self.enrol(device, generation_back),
            Action::Visitors { device, sessions } => {
                let generation = self.generations[device];
                let grant = grant(u32::try_from(device).unwrap(), generation, Town::site(device));
                for _ in 0..sessions {
                    let mut visitor = self.checkpoint.enrol(grant, self.now());
                    let request = visitor.request("");
                    self.checkpoint.answer_at(self.now(), &request);
                }
            }
            Action::Replace { device, revoked } => {
                let old = DeviceGeneration(self.generations[device]);
                self.generations[device] += 1;
                if revoked {
                    let id = hufu_wire::DeviceId(u32::try_from(device).unwrap());
                    self.checkpoint.engine.devices().revoke(id, old);
                }
                self.enrol(device, 0);
            }
            Action::Clock { by_s } => {
                let to_s = self.clock_s.saturating_add_signed(by_s).min(*CLOCK_S.end());
                self.passed_s += to_s.saturating_sub(self.clock_s);
                self.clock_s = to_s;
            }
        }
    }

    fn deliver(&mut self, packet: &Packet) {
        let first = self.arrived.insert(packet.bytes.clone());
        let untold = self.checkpoint.counters.numbers_untold();
        let Some(reply) = self.checkpoint.answer_at(self.now(), &packet.bytes) else { return };
        let verdict = self.sessions[packet.device][packet.session].session.open(&reply).unwrap();
        match verdict.reason {
            Reason::PassBack => self.refusals += 1,
            Reason::CookieExpired => self.enrol(packet.device, 0),
            _ => {}
        }
        if verdict.decision != Decision::Admit {
            return;
        }
        self.admissions += 1;
        let before = self.admitted.entry(packet.shown).or_default();
        for (place, passed_s) in before.iter() {
            assert!(
                *place == packet.place || self.passed_s - passed_s >= WINDOW_S,
                "{:?} was admitted at {place:?} and {} s later at {:?}",
                packet.shown,
                self.passed_s - passed_s,
                packet.place
            );
        }
        // What is known to be repeated, or may be, is no new use where there is an admission to repeat.
        let told = first && self.checkpoint.counters.numbers_untold() == untold;
        let repeats =
            |(place, passed_s): &(Place, u64)| *place == packet.place && self.passed_s - passed_s < WINDOW_S;
        if told || !before.iter().any(repeats) {
            before.push((packet.place, self.passed_s));
        }
    }
}
