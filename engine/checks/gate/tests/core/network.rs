//! A gate in networks that lose packets, or come and go: minutes of them, without waiting (R51, R60).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hufu_gate::{Core, Input};
use hufu_wire::{Reason, RequestHeader, read, sealed};

use crate::rig::{LANE, Wanted, gate, renewed, reply, wanted};

/// What one direction takes, milliseconds.
const WAY_MS: u64 = 5;
/// When a gate without an answer gives an enrolment up.
const ENROL_MS: u64 = 3000;
/// Between an outcome and the next holder.
const NEXT_MS: u64 = 200;

/// What comes at a moment: a datagram, or the end of an enrolment.
enum Coming {
    Reply(Vec<u8>),
    Enrolled,
    NotEnrolled,
}

/// A network and its engine.
struct Network<U> {
    is_up: U,
    /// Of a hundred packets so many are lost in each direction.
    loss: u64,
    /// A small generator of numbers; the same each time.
    chance: u64,
    coming: BTreeMap<(u64, u64), Coming>,
    count: u64,
    seed: u8,
}

/// What a gate met.
#[derive(Debug, Default)]
struct Met {
    scans: u64,
    verdicts: u64,
    enrolments: u64,
    datagrams: u64,
    longest_ms: u64,
}

impl<U: Fn(u64) -> bool> Network<U> {
    fn new(loss: u64, is_up: U) -> Network<U> {
        Network { is_up, loss, chance: 1, coming: BTreeMap::new(), count: 0, seed: 1 }
    }

    fn is_lost(&mut self, at: u64) -> bool {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        !(self.is_up)(at) || (self.chance >> 33) % 100 < self.loss
    }

    fn comes(&mut self, at: u64, what: Coming) {
        self.count += 1;
        self.coming.insert((at, self.count), what);
    }

    /// The gate sent a request.
    fn carry(&mut self, at: u64, request: &[u8]) {
        // The cookie of a session of the rig is full of its seed.
        let seed = read::<RequestHeader>(&request[..sealed::REQUEST_HEADER_BYTES]).unwrap().cookie[0];
        if !self.is_lost(at) && !self.is_lost(at + WAY_MS) {
            self.comes(at + 2 * WAY_MS, Coming::Reply(reply(request, seed, Reason::Clear)));
        }
    }

    /// The gate begins an enrolment. TLS sends again by itself what is lost, as long as the network is there.
    fn enrol(&mut self, at: u64) {
        let answered = (at..at + ENROL_MS).step_by(200).find(|at| !self.is_lost(*at) && !self.is_lost(*at));
        match answered {
            Some(at) => self.comes(at + 6 * WAY_MS, Coming::Enrolled),
            None => self.comes(at + ENROL_MS, Coming::NotEnrolled),
        }
    }
}

/// A gate at which holder after holder shows a code.
fn visit(network: &mut Network<impl Fn(u64) -> bool>, ms: u64) -> Met {
    let zero = Instant::now();
    let at = |now: u64| zero + Duration::from_millis(now);
    let mut core: Core = gate(zero, 1);
    let (mut met, mut now, mut scanned, mut next_scan) = (Met::default(), 0, None, 0);
    while now < ms {
        for wanted in wanted(&mut core) {
            match wanted {
                Wanted::Send(_, request) => {
                    met.datagrams += 1;
                    network.carry(now, &request);
                }
                Wanted::Enrol(_) => {
                    met.enrolments += 1;
                    network.enrol(now);
                }
                Wanted::Outcome(outcome) => {
                    met.verdicts += u64::from(outcome.is_ok());
                    met.longest_ms = met.longest_ms.max(now - scanned.take().unwrap());
                    next_scan = now + NEXT_MS;
                }
            }
        }
        // Whatever is next: a packet, the gate's own deadline, the next holder.
        let coming = network.coming.first_key_value().map(|((at, _), _)| *at);
        let due = core.deadline().map(|due| u64::try_from((due - zero).as_millis()).unwrap());
        let holder = scanned.is_none().then_some(next_scan);
        now = [coming, due, holder].into_iter().flatten().min().unwrap().max(now);
        if coming == Some(now) {
            let (_, what) = network.coming.pop_first().unwrap();
            match what {
                Coming::Reply(reply) => core.step(at(now), Input::Datagram(&reply)),
                Coming::Enrolled => {
                    network.seed = network.seed.wrapping_add(1).max(1);
                    core.step(at(now), Input::Enrolled(Box::new(renewed(at(now), network.seed, 1))));
                }
                Coming::NotEnrolled => core.step(at(now), Input::NotEnrolled),
            }
        } else if holder == Some(now) {
            (met.scans, scanned) = (met.scans + 1, Some(now));
            core.step(at(now), Input::Scan(b"HF1:A", LANE));
        } else {
            core.step(at(now), Input::Time);
        }
    }
    met
}

/// A network that is there for a second and away for a second, for ten minutes.
#[test]
fn r60_a_network_that_flaps_makes_no_storm_of_enrolments() {
    let met = visit(&mut Network::new(0, |at| at / 1000 % 2 == 0), 600_000);
    assert!(met.longest_ms <= 400, "{met:?}");
    assert!(met.verdicts * 2 > met.scans, "{met:?}");
    assert!(met.enrolments <= 60, "{met:?}");
    // Away for longer each time, and back for a moment.
    let met = visit(&mut Network::new(0, |at| at % 30_000 > 29_000), 600_000);
    assert!(met.enrolments <= 60 && met.longest_ms <= 400, "{met:?}");
}

/// Verdicts or a clear "no answer" within the budget, whatever is lost.
#[test]
fn r60_loss_costs_verdicts_and_never_time() {
    for loss in (0..=90).step_by(10) {
        let met = visit(&mut Network::new(loss, |_| true), 600_000);
        assert!(met.longest_ms <= 400, "{loss} %: {met:?}");
        // A scan has eight datagrams; each is lost on one of its two ways with this chance, of 10,000.
        let lost = 10_000 - (100 - u128::from(loss)).pow(2);
        let expected = 1000 - 1000 * lost.pow(8) / 10_000_u128.pow(8);
        let share = u128::from(1000 * met.verdicts / met.scans);
        assert!(share.abs_diff(expected) < 50, "{loss} %: {share} of {expected} per mille, {met:?}");
        assert!(met.enrolments <= 60, "{loss} %: {met:?}");
    }
}
