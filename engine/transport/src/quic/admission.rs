//! Who may begin a handshake: caps in all and for each source, so that nobody's handshakes eat the engine.

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
    in_all: usize,
    /// Sources with at least one, so never more entries than handshakes.
    by_source: HashMap<IpAddr, usize>,
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
}

impl Handshakes {
    pub(crate) fn new(options: &QuicOptions) -> Handshakes {
        Handshakes {
            in_all_max: options.handshakes_max,
            per_source_max: options.handshakes_per_source_max,
            under_way: Mutex::default(),
        }
    }

    /// A source that has proved its address counts on its own; while it has not, anybody may be using it, so
    /// reaching a cap costs it no more than the proof.
    pub(crate) fn admit(self: &Arc<Self>, source: IpAddr, proved: bool) -> Admission {
        let source = network_of(source);
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let of_source = under_way.by_source.get(&source).copied().unwrap_or(0);
        if under_way.in_all >= self.in_all_max {
            return Admission::Full;
        }
        if !proved && (of_source >= self.per_source_max || under_way.in_all >= self.in_all_max / 2) {
            return Admission::ProveAddress;
        }
        if of_source >= self.per_source_max {
            return Admission::SourceFull;
        }
        under_way.in_all += 1;
        under_way.by_source.insert(source, of_source + 1);
        Admission::Begin(Place { handshakes: Arc::clone(self), source })
    }

    /// Handshakes under way in all.
    pub(crate) fn in_all(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).in_all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.handshakes.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.in_all -= 1;
        if let Some(of_source) = under_way.by_source.get_mut(&self.source) {
            *of_source -= 1;
            if *of_source == 0 {
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
