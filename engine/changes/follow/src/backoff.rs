//! How long to wait after a fault.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Twice as long after each fault, give or take a quarter, so that engines that failed together do not come back
/// together.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    faults: u32,
    random: RandomState,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Backoff {
        Backoff { min, max, faults: 0, random: RandomState::new() }
    }

    /// How long to wait after one more fault.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.min.saturating_mul(1 << self.faults.min(20)).min(self.max);
        self.faults = self.faults.saturating_add(1);
        // Seeded anew in each process, and different for each count.
        let spread = u32::from(self.random.hash_one(self.faults).to_le_bytes()[0]);
        wait.mul_f64(0.75 + f64::from(spread) / 512.0).min(self.max)
    }

    /// Faults since it went well.
    pub(crate) fn faults(&self) -> u32 {
        self.faults
    }

    /// It went well.
    pub(crate) fn reset(&mut self) {
        self.faults = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_end_and_begins_anew() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(1000));
        for middle in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next();
            let bounds = ms(middle * 3 / 4)..=ms(1000.min(middle * 5 / 4));
            assert!(bounds.contains(&wait), "{wait:?} is not about {middle} ms");
        }
        for _ in 0..100 {
            assert!(backoff.next() >= ms(750));
        }
        backoff.reset();
        assert!(backoff.next() <= ms(125));
    }

    #[test]
    fn two_of_them_do_not_keep_step() {
        let all = || {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1000));
            (0..8).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        assert_ne!(all(), all());
    }
}
