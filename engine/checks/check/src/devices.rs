//! What the engine remembers of each device: whether it is revoked, how fast it asks, which numbers it has
//! used (R43).

use core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Relaxed},
};

use hufu_wire::{CheckNumber, DeviceGeneration, DeviceId, Grant, UnixMillis};

use crate::numbers::{Freshness, Numbers, SessionKey, Side};

/// How often a device may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second over a long time; 0 shuts the device out.
    pub per_s: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

/// What one sealed request was charged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// A number not seen before in this session.
    New,
    /// A number seen before: a retransmission, or a replay.
    Repeated,
    /// A number of a session that has no window here, or below its window: it may be new, or a replay.
    Unknown,
    /// Faster than the device may ask: answered with that reason.
    OverRate,
    /// Faster even than such answers may be given: silence, or captured packets would make the engine a reflector.
    Flood,
}

/// How far the engine's clock may step back before buckets start again, microseconds: more than two workers'
/// clock readings ever differ.
const CLOCK_BACK_US: u64 = 1_000_000;

/// Four cache lines for each device that the operator's CA may have named, of which a check touches two. Ids are
/// small and dense, so this is an array and finding a device is an index.
///
/// What is remembered belongs to the newest generation of a device that proved itself here, by enrolling or by a
/// packet. Revoked and older generations are charged apart and change nothing that the newest one uses. An older
/// generation that is not revoked is served: only the operator's revocation shuts it out.
pub struct Devices {
    slots: Box<[Slot]>,
    rate: Rate,
    /// The bucket of refusals to all devices without a slot together, as `refused_us`.
    unknown_us: AtomicU64,
}

/// The buckets are Relaxed: each word stands alone, and two workers that race for the same device can at worst let
/// one request more or less through its rate.
#[derive(Default)]
#[repr(C, align(64))]
struct Slot {
    /// When the bucket of new requests is empty again, in microseconds (GCRA's theoretical arrival time).
    fresh_us: AtomicU64,
    /// The same for requests whose number is not new.
    again_us: AtomicU64,
    /// The same for answers that it asks too fast.
    refused_us: AtomicU64,
    /// The same for everything from revoked and older generations.
    older_us: AtomicU64,
    /// The lowest generation that is not revoked.
    generation_min: AtomicU32,
    /// The newest generation that proved itself here.
    generation: AtomicU32,
    numbers: Numbers,
}

const _: () = assert!(size_of::<Slot>() == 256);

impl Devices {
    /// Room for devices 0 to `devices_max - 1`, 256 bytes each.
    pub fn new(devices_max: u32, rate: Rate) -> Devices {
        let slots = (0..devices_max).map(|_| Slot::default()).collect();
        Devices { slots, rate, unknown_us: AtomicU64::new(0) }
    }

    /// How many devices there is room for.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is room for none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether there is room for this device. Without room the engine cannot know it revoked, and does not serve it.
    pub fn has_room_for(&self, device: DeviceId) -> bool {
        self.slot(device).is_some()
    }

    /// Revokes `device` up to and including `generation`, from the next request on. A revocation is final: the
    /// device is admitted again by enrolling it with a higher generation.
    pub fn revoke(&self, device: DeviceId, generation: DeviceGeneration) {
        if let Some(slot) = self.slot(device) {
            slot.generation_min.fetch_max(generation.0.saturating_add(1), Relaxed);
        }
    }

    /// Whether this grant's device is unknown here or revoked.
    pub fn is_revoked(&self, grant: &Grant) -> bool {
        self.slot(grant.device).is_none_or(|slot| grant.generation.0 < slot.generation_min.load(Relaxed))
    }

    /// Notes that a device of this generation has proved itself.
    pub(crate) fn meet(&self, grant: &Grant) {
        if let Some(slot) = self.slot(grant.device) {
            slot.side(grant.generation);
        }
    }

    /// Charges one request that came over a connection, where nothing can be replayed; `false` when the device
    /// asks too fast.
    pub fn charge(&self, grant: &Grant, now: UnixMillis) -> bool {
        self.charge_many(grant, 1, now)
    }

    /// [`charge`](Self::charge) for work worth this many requests; all of it or nothing.
    pub fn charge_many(&self, grant: &Grant, requests: u32, now: UnixMillis) -> bool {
        self.slot(grant.device).is_some_and(|slot| {
            let bucket = match slot.side(grant.generation) {
                Side::Current => &slot.fresh_us,
                Side::Older => &slot.older_us,
            };
            self.take(bucket, requests, now)
        })
    }

    /// Charges one sealed request of a session that is alive.
    ///
    /// New numbers and others have a bucket each, so that replays of captured packets can use up only
    /// the device's retransmissions and never its checks. A new number that is not served stays new.
    pub fn charge_sealed(
        &self,
        grant: &Grant,
        session: SessionKey,
        number: CheckNumber,
        now: UnixMillis,
    ) -> Charge {
        let Some(slot) = self.slot(grant.device) else { return self.charge_unknown(now) };
        let side = slot.side(grant.generation);
        let freshness = slot.numbers.mark(side, session, number, now.seconds());
        let bucket = match (side, freshness) {
            (Side::Older, _) => &slot.older_us,
            (Side::Current, Freshness::New) => &slot.fresh_us,
            (Side::Current, Freshness::Repeated | Freshness::Unknown) => &slot.again_us,
        };
        if self.take(bucket, 1, now) {
            return match freshness {
                Freshness::New => Charge::New,
                Freshness::Repeated => Charge::Repeated,
                Freshness::Unknown => Charge::Unknown,
            };
        }
        if freshness == Freshness::New {
            slot.numbers.take_back(side, session, number);
        }
        self.over_rate(slot, side, now)
    }

    /// Makes a number that was charged as new, and then not served, new again.
    pub(crate) fn take_back(&self, grant: &Grant, session: SessionKey, number: CheckNumber) {
        if let Some(slot) = self.slot(grant.device) {
            slot.numbers.take_back(slot.side(grant.generation), session, number);
        }
    }

    /// Charges one sealed request that is answered without a look at what it asks: its cookie has expired, or its
    /// device is revoked. Its number is not noted.
    pub fn charge_unread(&self, grant: &Grant, now: UnixMillis) -> Charge {
        let Some(slot) = self.slot(grant.device) else { return self.charge_unknown(now) };
        let side = slot.side(grant.generation);
        let bucket = if side == Side::Current { &slot.again_us } else { &slot.older_us };
        if self.take(bucket, 1, now) { Charge::Unknown } else { self.over_rate(slot, side, now) }
    }

    /// An older generation gets silence: there is no second bucket for it.
    fn over_rate(&self, slot: &Slot, side: Side, now: UnixMillis) -> Charge {
        if side == Side::Current && self.take(&slot.refused_us, 1, now) {
            Charge::OverRate
        } else {
            Charge::Flood
        }
    }

    /// Charges one sealed request of a device without a slot, which is answered that the device is unknown: all of
    /// them together as often as one device's rate allows.
    fn charge_unknown(&self, now: UnixMillis) -> Charge {
        if self.take(&self.unknown_us, 1, now) { Charge::OverRate } else { Charge::Flood }
    }

    /// Generic cell rate algorithm: the bucket is one time stamp, moved forward by a request's worth.
    fn take(&self, bucket: &AtomicU64, requests: u32, now: UnixMillis) -> bool {
        if self.rate.per_s == 0 {
            return false;
        }
        let now_us = now.0.saturating_mul(1000);
        let each_us = (1_000_000 / u64::from(self.rate.per_s)).max(1);
        let latest_us = now_us + each_us * u64::from(self.rate.burst);
        let taken = bucket.fetch_update(Relaxed, Relaxed, |empty_us| {
            // A bucket filled further ahead than any burst reaches is from before the clock was set back.
            let empty_us = if empty_us > latest_us + CLOCK_BACK_US { now_us } else { empty_us.max(now_us) };
            let next_us = empty_us + each_us * u64::from(requests);
            (next_us <= latest_us).then_some(next_us)
        });
        taken.is_ok()
    }

    fn slot(&self, device: DeviceId) -> Option<&Slot> {
        self.slots.get(device.0 as usize)
    }
}

impl Slot {
    /// Whether this generation, which has just proved itself, is the newest. A newer one than was met before begins
    /// with nothing used.
    fn side(&self, generation: DeviceGeneration) -> Side {
        if generation.0 < self.generation_min.load(Relaxed) {
            return Side::Older;
        }
        let newest = self.generation.load(Relaxed);
        if generation.0 > newest && self.generation.fetch_max(generation.0, AcqRel) < generation.0 {
            self.numbers.retire();
            for bucket in [&self.fresh_us, &self.again_us, &self.refused_us] {
                bucket.store(0, Relaxed);
            }
        }
        if generation.0 < newest { Side::Older } else { Side::Current }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{Scope, SiteId, UnixSeconds};

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const SESSION: SessionKey = SessionKey { issued: UnixSeconds(1_790_000_000), tag: 1 };

    fn grant(device: u32, generation: u32) -> Grant {
        Grant {
            device: DeviceId(device),
            generation: DeviceGeneration(generation),
            site: SiteId(1),
            scope: Scope::CHECKS,
        }
    }

    #[test]
    fn revocation_is_for_good_and_only_for_that_generation() {
        let devices = Devices::new(8, Rate { per_s: 10, burst: 10 });
        devices.revoke(DeviceId(3), DeviceGeneration(4));
        devices.revoke(DeviceId(3), DeviceGeneration(2));
        assert!(devices.is_revoked(&grant(3, 4)));
        assert!(!devices.is_revoked(&grant(3, 5)), "a new generation");
        assert!(!devices.is_revoked(&grant(2, 0)), "a neighbour");
        assert!(devices.is_revoked(&grant(8, 0)), "no such device");
        devices.revoke(DeviceId(8), DeviceGeneration(0));
    }

    #[test]
    fn a_burst_then_the_rate() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 3 });
        let ask = |number, now| devices.charge_sealed(&grant(0, 0), SESSION, CheckNumber(number), now);
        let first: Vec<Charge> = (1..=7).map(|number| ask(number, NOW)).collect();
        let (new, over) = (Charge::New, Charge::OverRate);
        assert_eq!(first, [new, new, new, over, over, over, Charge::Flood]);
        assert_eq!(ask(8, UnixMillis(NOW.0 + 99)), Charge::Flood);
        assert_eq!(ask(9, UnixMillis(NOW.0 + 100)), Charge::New, "a tenth of a second is worth one request");
        assert!(!devices.charge(&grant(0, 0), UnixMillis(NOW.0 + 100)), "connections share the bucket");
        assert!(devices.charge_many(&grant(0, 0), 2, UnixMillis(NOW.0 + 300)));
        assert!(!devices.charge_many(&grant(0, 0), 4, UnixMillis(NOW.0 + 9000)), "more than a burst at once");
    }

    #[test]
    fn replays_use_up_only_the_bucket_of_replays() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 3 });
        let ask = |session, number| devices.charge_sealed(&grant(0, 0), session, CheckNumber(number), NOW);
        assert_eq!(ask(SESSION, 9), Charge::New);
        let replays = (0..100).filter(|_| ask(SESSION, 9) == Charge::Repeated).count();
        assert_eq!(replays, 3);
        assert_eq!(ask(SESSION, 9), Charge::Flood, "and then there is silence");
        assert_eq!(ask(SESSION, 10), Charge::New, "new numbers are still served");
        assert_eq!(
            ask(SessionKey { tag: 2, ..SESSION }, 9),
            Charge::New,
            "another session has its own numbers"
        );
    }

    #[test]
    fn a_number_that_was_over_the_rate_is_new_when_it_comes_again() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 1 });
        let ask = |number, now| devices.charge_sealed(&grant(0, 0), SESSION, CheckNumber(number), now);
        assert_eq!(ask(1, NOW), Charge::New);
        assert_eq!(ask(2, NOW), Charge::OverRate);
        assert_eq!(ask(2, UnixMillis(NOW.0 + 100)), Charge::New);
        assert_eq!(ask(2, UnixMillis(NOW.0 + 100)), Charge::Repeated);
    }

    /// A thief of the old certificate, revoked or not, who asks as fast as can be.
    #[test]
    fn r43_an_older_generation_uses_up_nothing_of_the_newest() {
        for revoked in [false, true] {
            let devices = Devices::new(1, Rate { per_s: 10, burst: 3 });
            let (old, new) = (grant(0, 1), grant(0, 2));
            let of = |grant: &Grant, tag, number| {
                let issued = UnixSeconds(SESSION.issued.0 + grant.generation.0);
                devices.charge_sealed(grant, SessionKey { issued, tag }, CheckNumber(number), NOW)
            };
            for number in 1..=9 {
                of(&old, 1, number);
            }
            assert_eq!(of(&new, 2, 1), Charge::New, "what the old one used up is not the new one's");
            if revoked {
                devices.revoke(old.device, old.generation);
            }
            for round in 0..100 {
                of(&old, 100 + round, round);
                devices.charge(&old, NOW);
                devices.charge_unread(&old, NOW);
            }
            assert_eq!(of(&new, 2, 1), Charge::Repeated, "its numbers");
            assert_eq!([of(&new, 2, 2), of(&new, 2, 3)], [Charge::New; 2], "its rate");
        }
    }

    #[test]
    fn devices_beyond_the_last_are_told_so_as_often_as_one_device_may_ask() {
        let devices = Devices::new(2, Rate { per_s: 10, burst: 3 });
        let ask = |device| devices.charge_sealed(&grant(device, 0), SESSION, CheckNumber(1), NOW);
        let told: Vec<_> = (2..12).filter(|&device| ask(device) == Charge::OverRate).collect();
        assert_eq!(told, [2, 3, 4], "all of them together");
        assert_eq!(ask(12), Charge::Flood, "and then there is silence");
        assert_eq!(ask(1), Charge::New);
    }

    #[test]
    fn a_clock_set_back_shuts_nobody_out() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 1 });
        assert!(devices.charge(&grant(0, 0), UnixMillis(NOW.0 + 86_400_000)));
        assert!(devices.charge(&grant(0, 0), NOW), "tomorrow's bucket does not count today");
        assert!(!devices.charge(&grant(0, 0), NOW), "and today's does");
    }

    #[test]
    fn only_a_bucket_further_ahead_than_clocks_differ_is_from_before_a_clock_was_set_back() {
        for (back_ms, served) in [(1000, false), (1001, true)] {
            let devices = Devices::new(1, Rate { per_s: 10, burst: 1 });
            assert!(devices.charge(&grant(0, 0), NOW));
            assert_eq!(devices.charge(&grant(0, 0), UnixMillis(NOW.0 - back_ms)), served, "{back_ms} ms");
        }
    }

    #[test]
    fn there_is_room_for_as_many_devices_as_were_asked_for() {
        let devices = |count| Devices::new(count, Rate { per_s: 1, burst: 1 });
        assert_eq!([0, 1, 8].map(|count| devices(count).len()), [0, 1, 8]);
        assert_eq!([0, 1, 8].map(|count| devices(count).is_empty()), [true, false, false]);
        assert_eq!([7, 8].map(|device| devices(8).has_room_for(DeviceId(device))), [true, false]);
    }

    #[test]
    fn a_rate_of_nothing_serves_nothing() {
        let devices = Devices::new(1, Rate { per_s: 0, burst: 5 });
        assert_eq!(devices.charge_sealed(&grant(0, 0), SESSION, CheckNumber(1), NOW), Charge::Flood);
        assert!(!devices.charge(&grant(0, 0), NOW));
    }
}
