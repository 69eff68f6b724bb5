//! What the engine remembers of each device: whether it is revoked, and how fast it asks (R43).

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use hufu_wire::{CheckNumber, DeviceGeneration, DeviceId, Grant, UnixMillis, UnixSeconds};

/// How often a device may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second over a long time; 0 shuts the device out.
    pub per_s: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

/// How far the engine's clock may step back before buckets start anew, microseconds: more than two workers'
/// clock readings ever differ.
const CLOCK_BACK_US: u64 = 1_000_000;

/// One cache line for each device that the operator's CA may have named. Ids are small and dense, so this is
/// an array and finding a device is an index.
pub struct Devices {
    slots: Box<[Slot]>,
    rate: Rate,
}

/// All loads and stores are Relaxed: each word stands alone, and two workers that race for the same device
/// can at worst let one request more or less through its rate.
#[derive(Default)]
#[repr(align(64))]
struct Slot {
    /// The lowest generation that is not revoked.
    generation_min: AtomicU32,
    /// When the newest session seen began, Unix seconds.
    session_s: AtomicU32,
    /// The highest request number of that session.
    highest: AtomicU64,
    /// When the bucket of new requests is empty again, in microseconds (GCRA's theoretical arrival time).
    fresh_us: AtomicU64,
    /// The same for requests whose number is not new.
    again_us: AtomicU64,
}

impl Devices {
    /// Room for devices 0 to `devices_max - 1`, 64 bytes each.
    pub fn new(devices_max: u32, rate: Rate) -> Devices {
        let slots = (0..devices_max).map(|_| Slot::default()).collect();
        Devices { slots, rate }
    }

    /// How many devices there is room for.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is room for none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
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
        self.slot(device).is_some_and(|slot| self.take(&slot.fresh_us, now))
    }

    /// Charges one sealed request of the session begun at `issued`; `false` when the device asks too fast.
    ///
    /// New numbers and repeated ones have a bucket each, so that somebody who replays captured packets can
    /// use up only the device's retransmissions and never its checks.
    pub fn charge_sealed(
        &self,
        device: DeviceId,
        issued: UnixSeconds,
        number: CheckNumber,
        now: UnixMillis,
    ) -> bool {
        self.slot(device).is_some_and(|slot| {
            let bucket = if slot.is_new(issued, number) { &slot.fresh_us } else { &slot.again_us };
            self.take(bucket, now)
        })
    }

    /// Generic cell rate algorithm: the bucket is one time stamp, moved forward by a request's worth.
    fn take(&self, bucket: &AtomicU64, now: UnixMillis) -> bool {
        if self.rate.per_s == 0 {
            return false;
        }
        let now_us = now.0.saturating_mul(1000);
        let cost_us = (1_000_000 / u64::from(self.rate.per_s)).max(1);
        let latest_us = now_us + cost_us * u64::from(self.rate.burst);
        let taken = bucket.fetch_update(Relaxed, Relaxed, |empty_us| {
            // A bucket filled further ahead than any burst reaches is from before the clock was set back.
            let empty_us = if empty_us > latest_us + CLOCK_BACK_US { now_us } else { empty_us.max(now_us) };
            let next_us = empty_us + cost_us;
            (next_us <= latest_us).then_some(next_us)
        });
        taken.is_ok()
    }

    fn slot(&self, device: DeviceId) -> Option<&Slot> {
        self.slots.get(device.0 as usize)
    }
}

impl Slot {
    /// Whether this number is higher than any before it in the device's newest session.
    fn is_new(&self, issued: UnixSeconds, number: CheckNumber) -> bool {
        let newest = self.session_s.load(Relaxed);
        if issued.0 > newest {
            self.session_s.store(issued.0, Relaxed);
            self.highest.store(number.0, Relaxed);
            return true;
        }
        issued.0 == newest && self.highest.fetch_max(number.0, Relaxed) < number.0
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
        let first: Vec<bool> = (1..=4).map(|number| ask(number, NOW)).collect();
        assert_eq!(first, [true, true, true, false]);
        assert!(!ask(5, UnixMillis(NOW.0 + 99)));
        assert!(ask(6, UnixMillis(NOW.0 + 100)), "a tenth of a second is worth one request");
    }

    #[test]
    fn replays_use_up_only_the_bucket_of_replays() {
        let devices = Devices::new(1, Rate { per_s: 10, burst: 3 });
        assert!(devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(9), NOW));
        let replays =
            (0..100).filter(|_| devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(9), NOW)).count();
        assert_eq!(replays, 3);
        assert!(
            devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(10), NOW),
            "new numbers are still served"
        );
        let old_session = UnixSeconds(SESSION.0 - 1);
        assert!(
            !devices.charge_sealed(DeviceId(0), old_session, CheckNumber(99), NOW),
            "an old session is a replay"
        );
        let new_session = UnixSeconds(SESSION.0 + 1);
        assert!(
            devices.charge_sealed(DeviceId(0), new_session, CheckNumber(1), NOW),
            "a new one starts at 1"
        );
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
        assert!(!devices.charge_sealed(DeviceId(0), SESSION, CheckNumber(1), NOW));
    }
}
