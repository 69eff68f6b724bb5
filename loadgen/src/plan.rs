//! What a load is to be.

use std::time::Duration;

use crate::mix::Mix;
use crate::schedule::Arrivals;

/// One load.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Checks a second, over all threads.
    pub rate_per_s: u32,
    /// For how long.
    pub seconds: f64,
    /// How they arrive.
    pub arrivals: Arrivals,
    /// What they are.
    pub mix: Mix,
    /// Draws mixes and arrivals; the same seed draws the same.
    pub seed: u64,
    /// From when an answer is no use to a gate: it counts as lost.
    pub timeout: Duration,
    /// Whether seen-again codes are shown once before the load begins.
    pub warm_up: bool,
    /// Most datagrams of one device that leave in one call, `None` to choose by the rate: one by one up to
    /// [`ONE_BY_ONE_PER_S`], as gates send them, beyond that up to [`BURST_MAX`], as a concentrator of many lanes
    /// would.
    pub burst_max: Option<usize>,
    /// The generator was the limit when one check in a hundred left later than this.
    pub behind_max: Duration,
}

/// Up to this rate every check leaves by itself.
pub const ONE_BY_ONE_PER_S: u32 = 20_000;

/// Datagrams in a burst when bursts are chosen.
pub const BURST_MAX: usize = 16;

/// The longest that a check waits for others to leave with.
const COALESCE_MAX: Duration = Duration::from_micros(200);

impl Plan {
    /// A load of `rate_per_s` for `seconds`: even arrivals, warmed up, half a second's patience.
    pub fn new(mix: Mix, rate_per_s: u32, seconds: f64) -> Plan {
        Plan {
            rate_per_s,
            seconds,
            arrivals: Arrivals::Constant,
            mix,
            seed: 1,
            timeout: Duration::from_millis(500),
            warm_up: true,
            burst_max: None,
            behind_max: Duration::from_millis(5),
        }
    }

    /// How many checks that is.
    pub fn checks(&self) -> u64 {
        let checks = (f64::from(self.rate_per_s) * self.seconds).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, never negative"
        )]
        let checks = checks.max(1.0) as u64;
        checks
    }

    /// Most datagrams of one device in one call.
    pub(crate) fn burst(&self) -> usize {
        let chosen = if self.rate_per_s <= ONE_BY_ONE_PER_S { 1 } else { BURST_MAX };
        self.burst_max.unwrap_or(chosen).max(1)
    }

    /// How long a check may wait for a burst to fill, on one of `threads`.
    pub(crate) fn coalesce(&self, threads: usize) -> Duration {
        if self.burst() == 1 {
            return Duration::ZERO;
        }
        let checks = self.burst() * threads;
        let filled = Duration::from_secs(checks as u64) / self.rate_per_s.max(1);
        filled.min(COALESCE_MAX)
    }

    /// Room for the checks that one of `devices` may have under way within the timeout.
    pub(crate) fn waiting(&self, devices: usize) -> usize {
        let within_timeout = u128::from(self.rate_per_s) * self.timeout.as_millis() / 1000;
        let each = usize::try_from(within_timeout).unwrap_or(usize::MAX) / devices.max(1);
        each.saturating_mul(2).clamp(1024, 1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate_per_s: u32) -> Plan {
        Plan::new(Mix::preset("again").unwrap(), rate_per_s, 2.5)
    }

    #[test]
    fn gates_send_one_by_one_and_concentrators_in_bursts() {
        assert_eq!((plan(8_000).burst(), plan(8_000).coalesce(1)), (1, Duration::ZERO));
        assert_eq!((plan(160_000).burst(), plan(160_000).coalesce(1)), (16, Duration::from_micros(100)));
        assert_eq!(plan(160_000).coalesce(2), Duration::from_micros(200));
        assert_eq!(plan(21_000).coalesce(2), COALESCE_MAX);
        let forced = Plan { burst_max: Some(0), ..plan(8_000) };
        assert_eq!(forced.burst(), 1);
    }

    #[test]
    fn a_plan_counts_its_checks() {
        assert_eq!(plan(8_000).checks(), 20_000);
        assert_eq!(Plan { seconds: 0.0, ..plan(8_000) }.checks(), 1);
    }
}
