//! How long to wait after a fault.

use std::time::Duration;

/// Twice as long after each fault, give or take a quarter, so that engines that failed together do not come back
/// together.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    faults: u32,
    seed: u64,
}

impl Backoff {
    /// Engines with different seeds wait differently.
    pub(crate) fn new(min: Duration, max: Duration, seed: u64) -> Backoff {
        Backoff { min, max, faults: 0, seed }
    }

    /// How long to wait after one more fault.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.min.saturating_mul(1 << self.faults.min(20)).min(self.max);
        self.faults = self.faults.saturating_add(1);
        let spread = u32::from(mixed(self.seed ^ u64::from(self.faults)).to_le_bytes()[0]);
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

/// `SplitMix64`: neighbouring seeds give unlike numbers.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_end_and_begins_again() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(1000), 7);
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
}
