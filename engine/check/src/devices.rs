//! What the engine remembers of each device: whether it is revoked, how fast it asks, which numbers it has
//! used (R43).

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use hufu_wire::{CheckNumber, DeviceGeneration, DeviceId, Grant, UnixMillis, UnixSeconds};
use portable_atomic::AtomicU128;

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
    /// A number seen before, or too old to tell: a retransmission, or somebody's replay.
    Repeated,
    /// Faster than the device may ask; it is to be told so.
    OverRate,
    /// Faster even than it may be told so: silence, or captured packets would make the engine a reflector.
    Flood,
}

/// How far the engine's clock may step back before buckets start anew, microseconds: more than two workers'
/// clock readings ever differ.
const CLOCK_BACK_US: u64 = 1_000_000;

/// One cache line for each device that the operator's CA may have named. Ids are small and dense, so this is
/// an array and finding a device is an index.
pub struct Devices {
    slots: Box<[Slot]>,
    rate: Rate,
    /// When all devices without a slot together may be told so again, as in `told_us`.
    strangers_us: AtomicU64,
}

/// All loads and stores are Relaxed: each word stands alone, and two workers that race for the same device
/// can at worst let one request more or less through its rate.
#[derive(Default)]
#[repr(align(64))]
struct Slot {
    /// The highest request number of the newest session (high 64 bits) and which of the 64 up to it were seen
    /// (bit 0 is the highest itself).
    numbers: AtomicU128,
    /// When the bucket of new requests is empty again, in microseconds (GCRA's theoretical arrival time).
    fresh_us: AtomicU64,
    /// The same for requests whose number is not new.
    again_us: AtomicU64,
    /// The same for being told that it asks too fast.
    told_us: AtomicU64,
    /// The lowest generation that is not revoked.
    generation_min: AtomicU32,
    /// When the newest session seen began, Unix seconds.
    session_s: AtomicU32,
}

const _: () = assert!(size_of::<Slot>() == 64);

impl Devices {
    /// Room for devices 0 to `devices_max - 1`, 64 bytes each.
    pub fn new(devices_max: u32, rate: Rate) -> Devices {
        let slots = (0..devices_max).map(|_| Slot::default()).collect();
        Devices { slots, rate, strangers_us: AtomicU64::new(0) }
    }

    /// How many devices there is room for.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is room for none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether there is room for this device; without it the engine cannot know it revoked and serves it not.
    pub fn has_room_for(&self, device: DeviceId) -> bool {
        self.slot(device).is_some()
    }

    /// Revokes `device` up to and including `generation`, from the next request on. Nothing takes it back: a
    /// device is let in again by enrolling it with a higher generation.
    pub fn revoke(&self, device: DeviceId, generation: DeviceGeneration) {
        if let Some(slot) = self.slot(device) {
            slot.generation_min.fetch_max(generation.0.saturating_add(1), Relaxed);
        }
    }

    /// Whether this grant's device is unknown here or revoked.
    pub fn is_revoked(&self, grant: &Grant) -> bool {
        self.slot(grant.device).is_none_or(|slot| grant.generation.0 < slot.generation_min.load(Relaxed))
    }

    /// Charges one request that came over a connection, where nothing can be replayed; `false` when the device
    /// asks too fast.
    pub fn charge(&self, device: DeviceId, now: UnixMillis) -> bool {
        self.charge_many(device, 1, now)
    }

    /// [`charge`](Self::charge) for work worth this many requests; all of it or nothing.
    pub fn charge_many(&self, device: DeviceId, requests: u32, now: UnixMillis) -> bool {
        self.slot(device).is_some_and(|slot| self.take(&slot.fresh_us, requests, now))
    }

    /// Charges one sealed request of the session begun at `issued`.
    ///
    /// New numbers and repeated ones have a bucket each, so that somebody who replays captured packets can
    /// use up only the device's retransmissions and never its checks.
    pub fn charge_sealed(
        &self,
        device: DeviceId,
        issued: UnixSeconds,
        number: CheckNumber,
        now: UnixMillis,
    ) -> Charge {
        let Some(slot) = self.slot(device) else { return self.charge_stranger(now) };
        let (bucket, charge) = if slot.is_new(issued, number) {
            (&slot.fresh_us, Charge::New)
        } else {
            (&slot.again_us, Charge::Repeated)
        };
        if self.take(bucket, 1, now) {
            charge
        } else if self.take(&slot.told_us, 1, now) {
            Charge::OverRate
        } else {
            Charge::Flood
        }
    }

    /// Charges one sealed request of a device without a slot, which has to be told that there is no room for it:
    /// all of them together as often as one device's rate allows.
    fn charge_stranger(&self, now: UnixMillis) -> Charge {
        if self.take(&self.strangers_us, 1, now) { Charge::OverRate } else { Charge::Flood }
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
    /// Whether this number was not seen in the device's newest session. Older sessions, and numbers more than
    /// 63 below the highest, count as seen.
    fn is_new(&self, issued: UnixSeconds, number: CheckNumber) -> bool {
        let newest = self.session_s.load(Relaxed);
        if issued.0 > newest {
            self.session_s.store(issued.0, Relaxed);
            self.numbers.store(Numbers { highest: number.0, seen: 1 }.bits(), Relaxed);
            return true;
        }
        let mark = |bits| Numbers::of(bits).with(number.0).map(Numbers::bits);
        issued.0 == newest && self.numbers.fetch_update(Relaxed, Relaxed, mark).is_ok()
    }
}

/// A sliding window over request numbers, as in RFC 4303 section 3.4.3.
#[derive(Clone, Copy)]
struct Numbers {
    highest: u64,
    seen: u64,
}

impl Numbers {
    #[expect(clippy::cast_possible_truncation, reason = "two halves cut out of 128 bits")]
    fn of(bits: u128) -> Numbers {
        Numbers { highest: (bits >> 64) as u64, seen: bits as u64 }
    }

    fn bits(self) -> u128 {
        u128::from(self.highest) << 64 | u128::from(self.seen)
    }

    /// The window with `number` in it, `None` when it was there already or lies below.
    fn with(self, number: u64) -> Option<Numbers> {
        if let Some(ahead) = number.checked_sub(self.highest).filter(|&ahead| ahead > 0) {
            let kept = u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead)).unwrap_or(0);
            return Some(Numbers { highest: number, seen: kept | 1 });
        }
        let bit = u32::try_from(self.highest - number).ok().and_then(|behind| 1_u64.checked_shl(behind))?;
        (self.seen & bit == 0).then_some(Numbers { seen: self.seen | bit, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{Scope, SiteId};

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const SESSION: UnixSeconds = UnixSeconds(1_790_000_000);

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
        assert!(!devices.is_revoked(&grant(3, 5)), "enrolled anew");
        assert!(!devices.is_revoked(&grant(2, 0)), "a neighbour");
        assert!(devices.is_revoked(&grant(8, 0)), "no such device");
        devices.revoke(DeviceId(8), DeviceGeneration(0));
    }

    #[test]
    fn a_burst_then_the_rate() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 3 });
        let ask = |number, now| devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(number), now);
        let first: Vec<Charge> = (1..=7).map(|number| ask(number, NOW)).collect();
        let (new, over) = (Charge::New, Charge::OverRate);
        assert_eq!(first, [new, new, new, over, over, over, Charge::Flood]);
        assert_eq!(ask(8, UnixMillis(NOW.0 + 99)), Charge::Flood);
        assert_eq!(ask(9, UnixMillis(NOW.0 + 100)), Charge::New, "a tenth of a second is worth one request");
        assert!(!devices.charge(DeviceId(0), UnixMillis(NOW.0 + 100)), "connections share the bucket");
        assert!(devices.charge_many(DeviceId(0), 2, UnixMillis(NOW.0 + 300)));
        assert!(!devices.charge_many(DeviceId(0), 4, UnixMillis(NOW.0 + 9000)), "more than a burst at once");
    }

    #[test]
    fn replays_use_up_only_the_bucket_of_replays() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 3 });
        let ask = |session, number| devices.charge_sealed(DeviceId(0), session, CheckNumber(number), NOW);
        assert_eq!(ask(SESSION, 9), Charge::New);
        let replays = (0..100).filter(|_| ask(SESSION, 9) == Charge::Repeated).count();
        assert_eq!(replays, 3);
        assert_eq!(ask(SESSION, 9), Charge::Flood, "and then there is silence");
        assert_eq!(ask(SESSION, 10), Charge::New, "new numbers are still served");
        assert_eq!(ask(UnixSeconds(SESSION.0 - 1), 99), Charge::Flood, "an old session is a replay");
        assert_eq!(ask(UnixSeconds(SESSION.0 + 1), 1), Charge::New, "a new one starts at 1");
    }

    #[test]
    fn numbers_out_of_order_are_new_once() {
        let devices = Devices::new(1, Rate { per_s: 1000, burst: 1000 });
        let ask = |number| devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(number), NOW);
        let (new, repeated) = (Charge::New, Charge::Repeated);
        for (number, charge) in [
            (5, new),
            (3, new),
            (5, repeated),
            (3, repeated),
            (4, new),
            (60, new),
            (1, new),
            (1, repeated),
            (4, repeated),
            (65, new),
            (2, new),
            (66, new),
            (2, repeated),
            (200, new),
            (137, new),
            (136, repeated),
            (u64::MAX, new),
            (u64::MAX, repeated),
            (0, repeated),
        ] {
            assert_eq!(ask(number), charge, "{number}");
        }
    }

    #[test]
    fn devices_beyond_the_last_are_told_so_as_often_as_one_device_may_ask() {
        let devices = Devices::new(2, Rate { per_s: 10, burst: 3 });
        let ask = |device| devices.charge_sealed(DeviceId(device), SESSION, CheckNumber(1), NOW);
        let told: Vec<_> = (2..12).filter(|&device| ask(device) == Charge::OverRate).collect();
        assert_eq!(told, [2, 3, 4], "all of them together");
        assert_eq!(ask(12), Charge::Flood, "and then there is silence");
        assert_eq!(ask(1), Charge::New);
    }

    #[test]
    fn a_clock_set_back_shuts_nobody_out() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 1 });
        assert!(devices.charge(DeviceId(0), UnixMillis(NOW.0 + 86_400_000)));
        assert!(devices.charge(DeviceId(0), NOW), "tomorrow's bucket does not count today");
        assert!(!devices.charge(DeviceId(0), NOW), "and today's does");
    }

    #[test]
    fn a_rate_of_nothing_serves_nothing() {
        let devices = Devices::new(1, Rate { per_s: 0, burst: 5 });
        assert_eq!(devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(1), NOW), Charge::Flood);
        assert!(!devices.charge(DeviceId(0), NOW));
    }
}
