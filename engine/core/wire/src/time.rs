//! Clocks and durations, each unit its own type.

use core::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::limits;

/// Milliseconds since 1970-01-01T00:00Z, the engine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// Seconds since 1970-01-01T00:00Z, as credentials carry them (RFC 8392 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u32);

/// A presentation step: Unix time divided by [`limits::STEP_S`], counted from 1970 and not from a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub u32);

/// Minutes since 2020-01-01T00:00Z in 24 bits: until the end of 2051.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusMinute(u32);

/// How far a holder's clock is from the engine's, in seconds; positive when the holder's is ahead (R08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockOffset(pub i32);

impl UnixMillis {
    /// The same instant in whole seconds, saturating in the year 2106.
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(u32::try_from(self.0 / 1000).unwrap_or(u32::MAX))
    }

    /// Milliseconds since `earlier`, 0 when that lies in the future.
    pub fn since(self, earlier: UnixMillis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A reading of this machine's clock; 1970 for an earlier one.
impl From<SystemTime> for UnixMillis {
    fn from(time: SystemTime) -> UnixMillis {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl UnixSeconds {
    /// The same instant in milliseconds.
    pub fn millis(self) -> UnixMillis {
        UnixMillis(u64::from(self.0) * 1000)
    }

    /// The presentation step this second falls into.
    pub fn step(self) -> Step {
        Step(self.0 / limits::STEP_S)
    }
}

impl Step {
    /// The step's first second.
    pub fn starts(self) -> UnixSeconds {
        UnixSeconds(self.0.saturating_mul(limits::STEP_S))
    }
}

impl StatusMinute {
    /// Unix time of minute 0.
    pub const ORIGIN: UnixSeconds = UnixSeconds(1_577_836_800);
    /// The greatest minute that fits 24 bits.
    pub const MAX: StatusMinute = StatusMinute((1 << 24) - 1);

    /// The `minute`th minute since 2020, `None` when it needs more than 24 bits.
    pub const fn new(minute: u32) -> Option<StatusMinute> {
        if minute <= Self::MAX.0 { Some(StatusMinute(minute)) } else { None }
    }

    /// The minute an instant falls into, `None` when it does not fit the 24 bits.
    pub fn at(instant: UnixSeconds) -> Option<StatusMinute> {
        instant.0.checked_sub(Self::ORIGIN.0).and_then(|since| Self::new(since / 60))
    }

    /// The same for times that a program makes: before the first minute the first, after the last the last.
    pub fn nearest(instant: UnixSeconds) -> StatusMinute {
        StatusMinute((instant.0.saturating_sub(Self::ORIGIN.0) / 60).min(Self::MAX.0))
    }

    /// Minutes since 2020-01-01T00:00Z.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The minute's first second.
    pub fn starts(self) -> UnixSeconds {
        UnixSeconds(Self::ORIGIN.0 + self.0 * 60)
    }
}

/// Days from 1970-01-01 to a day that the Gregorian calendar has; negative for all that lies before.
pub fn days_since_1970(year: i64, month: u8, day: u8) -> i64 {
    // A year begins in March here, so that a leap day is its last.
    let (year, month) = (year - i64::from(month < 3), (i64::from(month) + 9) % 12);
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + i64::from(day) - 719_469
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn units_of_time_lead_to_each_other() {
        let instant = UnixSeconds(1_790_000_045);
        assert_eq!(UnixMillis(1_790_000_045_999).seconds(), instant);
        assert_eq!(instant.millis(), UnixMillis(1_790_000_045_000));
        assert_eq!(UnixMillis(u64::MAX).seconds(), UnixSeconds(u32::MAX));
        assert_eq!(instant.step(), Step(59_666_668));
        assert_eq!(Step(59_666_668).starts(), UnixSeconds(1_790_000_040));
        assert_eq!(StatusMinute::at(instant).map(StatusMinute::get), Some(3_536_054));
        assert_eq!(StatusMinute::nearest(instant).starts(), UnixSeconds(1_790_000_040));
        assert_eq!(UnixMillis(7).since(UnixMillis(3)), 4);
        assert_eq!(UnixMillis(3).since(UnixMillis(7)), 0);
    }

    #[test]
    fn a_clock_is_read_in_milliseconds_and_never_before_1970() {
        let at = |ms: u64| UNIX_EPOCH + Duration::from_micros(ms * 1000 + 999);
        assert_eq!(UnixMillis::from(at(1_790_000_000_001)), UnixMillis(1_790_000_000_001));
        assert_eq!(UnixMillis::from(UNIX_EPOCH - Duration::from_secs(1)), UnixMillis(0));
    }

    #[test]
    fn a_minute_has_24_bits() {
        assert_eq!(StatusMinute::new((1 << 24) - 1), Some(StatusMinute::MAX));
        assert_eq!(StatusMinute::new(1 << 24), None);
    }

    #[test]
    fn an_offset_is_shown_with_its_sign() {
        assert_eq!([ClockOffset(45), ClockOffset(-3)].map(|offset| offset.to_string()), ["+45 s", "-3 s"]);
    }

    #[test]
    fn the_last_status_minute_still_has_a_unix_time() {
        assert_eq!(StatusMinute::at(StatusMinute::MAX.starts()), Some(StatusMinute::MAX));
        for outside in [0, StatusMinute::ORIGIN.0 - 1, StatusMinute::MAX.starts().0 + 60, u32::MAX] {
            assert_eq!(StatusMinute::at(UnixSeconds(outside)), None, "{outside}");
        }
        assert_eq!(StatusMinute::nearest(UnixSeconds(u32::MAX)), StatusMinute::MAX);
        assert_eq!(StatusMinute::nearest(UnixSeconds(0)).get(), 0);
    }
}
