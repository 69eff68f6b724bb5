//! Who may begin a handshake: caps in all and for each source, so that no source's handshakes use up the engine.
//!
//! Anybody can write another's address into a first packet. So handshakes of sources that have not proved their
//! address (RFC 9000 section 8.1) are counted apart: however many there are, and whatever addresses they carry, they
//! take no place from a source that has proved its own.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::options::QuicOptions;

/// Handshakes under way.
pub(crate) struct Handshakes {
    in_all_max: usize,
    per_source_max: usize,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    in_all: Count,
    /// Sources with at least one, so never more entries than handshakes.
    by_source: HashMap<IpAddr, Count>,
}

/// Handshakes of sources that have proved their address, and of those that have not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    proved: usize,
    unproved: usize,
}

/// What to do with a source that wants to begin.
pub(crate) enum Admission {
    /// Begin; the place is given back when this is dropped.
    Begin(Place),
    /// First show that packets sent to your address reach you.
    ProveAddress,
    /// Too many in all.
    Full,
    /// Too many from this source.
    SourceFull,
}

/// One handshake's place.
pub(crate) struct Place {
    handshakes: Arc<Handshakes>,
    source: IpAddr,
    proved: bool,
}

impl Handshakes {
    pub(crate) fn new(options: &QuicOptions) -> Handshakes {
        Handshakes {
            in_all_max: options.handshakes_max,
            per_source_max: options.handshakes_per_source_max,
            under_way: Mutex::default(),
        }
    }

    /// A source that has proved its address competes only with others that have: for the cap of its own address
    /// and for the cap in all. Without proof a handshake begins only while few are under way, and otherwise costs
    /// its source one more round trip.
    pub(crate) fn admit(self: &Arc<Self>, source: IpAddr, proved: bool) -> Admission {
        let source = network_of(source);
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let in_all = under_way.in_all;
        let of_source = under_way.by_source.get(&source).copied().unwrap_or_default();
        if proved {
            // Unproved ones never take more than half, so half of the places is left at the least.
            if in_all.sum() >= self.in_all_max {
                return Admission::Full;
            }
            if of_source.proved >= self.per_source_max {
                return Admission::SourceFull;
            }
        } else if of_source.sum() >= self.per_source_max || in_all.sum() >= self.in_all_max / 2 {
            // Also when all places are taken: the answer keeps no state, and the proof may find a place.
            return Admission::ProveAddress;
        }
        under_way.in_all.add(proved);
        under_way.by_source.entry(source).or_default().add(proved);
        Admission::Begin(Place { handshakes: Arc::clone(self), source, proved })
    }

    /// Handshakes under way in all.
    pub(crate) fn in_all(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).in_all.sum()
    }
}

impl Count {
    fn sum(self) -> usize {
        self.proved + self.unproved
    }

    fn add(&mut self, proved: bool) {
        *self.of(proved) += 1;
    }

    fn remove(&mut self, proved: bool) {
        *self.of(proved) -= 1;
    }

    fn of(&mut self, proved: bool) -> &mut usize {
        if proved { &mut self.proved } else { &mut self.unproved }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.handshakes.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.in_all.remove(self.proved);
        if let Some(of_source) = under_way.by_source.get_mut(&self.source) {
            of_source.remove(self.proved);
            if of_source.sum() == 0 {
                under_way.by_source.remove(&self.source);
            }
        }
    }
}

/// One customer commands a whole IPv6 /64 (RFC 6177), but only one IPv4 address.
fn network_of(source: IpAddr) -> IpAddr {
    const NETWORK: u128 = u128::MAX << 64;
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshakes() -> Arc<Handshakes> {
        let mut options = QuicOptions::new(([127, 0, 0, 1], 0).into());
        options.handshakes_max = 8;
        options.handshakes_per_source_max = 2;
        Arc::new(Handshakes::new(&options))
    }

    fn source(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn one_source_cannot_take_the_others_places() {
        let handshakes = handshakes();
        let _held = [handshakes.admit(source(1), true), handshakes.admit(source(1), true)];
        assert!(matches!(handshakes.admit(source(1), true), Admission::SourceFull));
        assert!(
            matches!(handshakes.admit(source(1), false), Admission::ProveAddress),
            "perhaps not source 1"
        );
        assert!(matches!(handshakes.admit(source(2), false), Admission::Begin(_)));
    }

    #[test]
    fn r43_unproved_handshakes_take_no_place_from_a_proved_source() {
        let handshakes = handshakes();
        let _spoofed: Vec<_> = (0..2).map(|_| handshakes.admit(source(1), false)).collect();
        assert!(matches!(handshakes.admit(source(1), false), Admission::ProveAddress));
        let _gate: Vec<_> = (0..2)
            .map(|_| match handshakes.admit(source(1), true) {
                Admission::Begin(place) => place,
                _ => panic!("a source that proved its address gets a place"),
            })
            .collect();
        assert!(matches!(handshakes.admit(source(1), true), Admission::SourceFull), "its own cap");
    }

    #[test]
    fn r43_spoofed_sources_leave_half_of_all_places() {
        let handshakes = handshakes();
        let spoofed: Vec<_> = (1..=200)
            .filter_map(|last| match handshakes.admit(source(last), false) {
                Admission::Begin(place) => Some(place),
                _ => None,
            })
            .collect();
        assert_eq!(spoofed.len(), 4, "half of all");
        let _gates: Vec<_> = (201..=204)
            .map(|last| match handshakes.admit(source(last), true) {
                Admission::Begin(place) => place,
                _ => panic!("a source that proved its address gets a place"),
            })
            .collect();
        assert!(matches!(handshakes.admit(source(205), true), Admission::Full));
        assert!(matches!(handshakes.admit(source(205), false), Admission::ProveAddress));
    }

    #[test]
    fn from_half_of_the_cap_on_addresses_must_be_proved() {
        let handshakes = handshakes();
        let _held: Vec<_> = (1..=4).map(|last| handshakes.admit(source(last), false)).collect();
        assert!(matches!(handshakes.admit(source(9), false), Admission::ProveAddress));
        let _more: Vec<_> = (5..=8).map(|last| handshakes.admit(source(last), true)).collect();
        assert!(matches!(handshakes.admit(source(9), true), Admission::Full));
    }

    #[test]
    fn places_are_given_back_and_nothing_is_remembered() {
        let handshakes = handshakes();
        for last in 0..200 {
            assert!(matches!(handshakes.admit(source(last), true), Admission::Begin(_)));
        }
        assert_eq!(handshakes.in_all(), 0);
        assert!(handshakes.under_way.lock().unwrap().by_source.is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), source(1));
    }
}
