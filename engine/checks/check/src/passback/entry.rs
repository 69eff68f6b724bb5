//! One remembered admission, in 128 bits.

use hufu_policy::PassBackBy;
use hufu_wire::{Step, UnixSeconds, limits};

use super::gate::Gate;

/// How far an entry may lie in the future, seconds: a clock set back a little changes nothing. An entry further
/// ahead is from before the clock was set back; it would shut its holder out for as long as the clock was wrong.
const CLOCK_BACK_S: u32 = 60;

/// One 128-bit atomic: fingerprint of the holder (44), step (12), earlier steps (4), device (20), lane (16), second
/// of admission (32).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) fingerprint: u64,
    pub(super) step: u16,
    /// How many of the steps before were used at no other gate.
    pub(super) free_before: u16,
    pub(super) device: u32,
    pub(super) lane: u16,
    pub(super) second: u32,
}

const FINGERPRINT_BITS: u32 = 44;
/// Steps are compared modulo 4,096, which are 34 hours.
const STEP_BITS: u32 = 12;
const STEP_MASK: u16 = (1 << STEP_BITS) - 1;
/// More steps than a presentation can be shown in at any site: no policy accepts more than 9.
const FREE_BEFORE_MAX: u16 = 15;
const DEVICE_BITS: u32 = 20;
const _: () = assert!(limits::DEVICES_MAX <= 1 << DEVICE_BITS);
const _: () = assert!(FINGERPRINT_BITS + STEP_BITS + 4 + DEVICE_BITS + 16 + 32 == 128);

impl Entry {
    #[expect(clippy::cast_possible_truncation, reason = "steps are compared modulo 2^12")]
    pub(super) fn new(hash: u64, step: Option<Step>, gate: Gate, now: UnixSeconds) -> Entry {
        Entry {
            // Never 0, which marks an empty place.
            fingerprint: (hash >> (64 - FINGERPRINT_BITS)).max(1),
            step: step.map_or(0, |step| step.0 as u16 & STEP_MASK),
            free_before: FREE_BEFORE_MAX,
            device: gate.device.0 & ((1 << DEVICE_BITS) - 1),
            lane: gate.lane.0,
            second: now.0,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "six fields cut out of 128 bits")]
    pub(super) fn of(bits: u128) -> Entry {
        Entry {
            fingerprint: (bits >> 84) as u64,
            step: (bits >> 72) as u16 & STEP_MASK,
            free_before: (bits >> 68) as u16 & FREE_BEFORE_MAX,
            device: (bits >> 48) as u32 & ((1 << DEVICE_BITS) - 1),
            lane: (bits >> 32) as u16,
            second: bits as u32,
        }
    }

    pub(super) fn bits(self) -> u128 {
        u128::from(self.fingerprint) << 84
            | u128::from(self.step) << 72
            | u128::from(self.free_before) << 68
            | u128::from(self.device) << 48
            | u128::from(self.lane) << 32
            | u128::from(self.second)
    }

    /// This entry in the place of `there`, whose window still runs where it `counts`.
    pub(super) fn after(self, there: Entry, counts: bool, by: PassBackBy, now: UnixSeconds) -> Entry {
        let inherited = if there.is_of_another_clock(now) { 0 } else { there.second };
        let free_before = if counts {
            let between = self.steps_after(there) - 1;
            let theirs = if there.is_of_gate(self, by) { there.free_before + 1 } else { 0 };
            (between + theirs).min(FREE_BEFORE_MAX)
        } else {
            FREE_BEFORE_MAX
        };
        Entry { second: self.second.max(inherited), free_before, ..self }
    }

    /// How many steps later this presentation is, modulo 2^12.
    fn steps_after(self, other: Entry) -> u16 {
        self.step.wrapping_sub(other.step) & STEP_MASK
    }

    /// Whether this is a later presentation. The longest window is 120 steps, far from where 12 bits wrap.
    pub(super) fn is_later_than(self, other: Entry) -> bool {
        (1..1 << (STEP_BITS - 1)).contains(&self.steps_after(other))
    }

    /// Whether `step` is this entry's, or one before it that was used at no other gate.
    pub(super) fn covers(self, step: u16) -> bool {
        self.step.wrapping_sub(step) & STEP_MASK <= self.free_before
    }

    pub(super) fn is_of_gate(self, other: Entry, by: PassBackBy) -> bool {
        #[cfg(feature = "planted")]
        if hufu_wire::planted::has(hufu_wire::planted::Bug::PassBackForgotten) {
            return true;
        }
        self.device == other.device && (by == PassBackBy::Device || self.lane == other.lane)
    }

    /// Whether an admission at `self.second` still counts. The age of one of another clock is unknown.
    pub(super) fn within(self, window_s: u32, now: UnixSeconds) -> bool {
        let empty = self.fingerprint == 0;
        !empty && (self.is_of_another_clock(now) || now.0.saturating_sub(self.second) < window_s)
    }

    pub(super) fn is_of_another_clock(self, now: UnixSeconds) -> bool {
        self.second > now.0.saturating_add(CLOCK_BACK_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_its_bits() {
        let full = Entry {
            fingerprint: (1 << 44) - 1,
            step: STEP_MASK,
            free_before: 15,
            device: limits::DEVICES_MAX - 1,
            lane: u16::MAX,
            second: u32::MAX,
        };
        assert!(Entry::of(full.bits()) == full);
        let other = Entry { fingerprint: 1, step: 2, free_before: 3, device: 4, lane: 5, second: 6 };
        assert!(Entry::of(other.bits()) == other);
        assert!(Entry::of(0).fingerprint == 0);
    }
}
