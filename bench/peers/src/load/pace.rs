//! When the next check is due.

use std::time::{Duration, Instant};

/// How checks come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// At even distances, whatever the server does.
    PerSecond(f64),
    /// One more as soon as one is answered.
    Saturation,
}

/// The schedule of one round.
pub(crate) struct Clock {
    started: Instant,
    round: Duration,
    /// Nanoseconds between two checks; 0 at saturation.
    interval_ns: f64,
    given: u64,
}

impl Clock {
    pub(crate) fn start(pace: Pace, round: Duration) -> Clock {
        let interval_ns = match pace {
            Pace::PerSecond(rate) => 1e9 / rate.max(1e-3),
            Pace::Saturation => 0.0,
        };
        Clock { started: Instant::now(), round, interval_ns, given: 0 }
    }

    /// Nanoseconds since the start.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When the next check is due, nanoseconds from the start; `None` once the round is over. At saturation a
    /// check is due when it can be sent.
    pub(crate) fn due_ns(&self, now_ns: u64) -> Option<u64> {
        let due_ns = if self.interval_ns > 0.0 { self.paced_ns() } else { now_ns };
        (u128::from(due_ns) < self.round.as_nanos()).then_some(due_ns)
    }

    /// The check that was due has been sent.
    pub(crate) fn given(&mut self) {
        self.given += 1;
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a round has far fewer than 2^52 nanoseconds"
    )]
    fn paced_ns(&self) -> u64 {
        (self.given as f64 * self.interval_ns) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paced_checks_are_due_at_even_distances_and_end_with_the_round() {
        let mut clock = Clock::start(Pace::PerSecond(1000.0), Duration::from_millis(3));
        let mut due = Vec::new();
        while let Some(due_ns) = clock.due_ns(7) {
            due.push(due_ns);
            clock.given();
        }
        assert_eq!(due, [0, 1_000_000, 2_000_000]);
    }

    #[test]
    fn at_saturation_a_check_is_due_at_once_until_the_round_is_over() {
        let clock = Clock::start(Pace::Saturation, Duration::from_micros(5));
        assert_eq!(clock.due_ns(4_999), Some(4_999));
        assert_eq!(clock.due_ns(5_000), None);
    }
}
