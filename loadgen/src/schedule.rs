//! When each check is due. The schedule never looks at the answers: that is what makes the loop open.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How checks arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At even distances.
    Constant,
    /// Independently of each other, as people do: exponential distances (a Poisson process).
    Poisson,
}

/// Due times of one run, nanoseconds from its start, in order.
#[derive(Clone, Debug)]
pub struct Schedule {
    arrivals: Arrivals,
    interval_ns: f64,
    count: u64,
    given: u64,
    reached_ns: f64,
    rng: ChaCha8Rng,
}

impl Schedule {
    /// `count` arrivals, `rate_per_s` in the mean; `lane` of `lanes` equal schedules that together have the
    /// rate `rate_per_s * lanes`, so that constant ones interleave.
    pub fn new(
        arrivals: Arrivals,
        rate_per_s: f64,
        count: u64,
        seed: u64,
        (lane, lanes): (u32, u32),
    ) -> Schedule {
        let interval_ns = 1e9 / rate_per_s.max(1e-3);
        let offset_ns = match arrivals {
            Arrivals::Constant => interval_ns * f64::from(lane) / f64::from(lanes.max(1)),
            Arrivals::Poisson => 0.0,
        };
        let rng = ChaCha8Rng::seed_from_u64(seed ^ u64::from(lane) << 32);
        Schedule { arrivals, interval_ns, count, given: 0, reached_ns: offset_ns, rng }
    }

    /// Uniform in (0, 1], from 53 random bits.
    fn uniform(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit the mantissa")]
        let uniform = ((self.rng.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        uniform
    }
}

impl Iterator for Schedule {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.given == self.count {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let due_ns = match self.arrivals {
            // Multiplied, not summed: rounding must not add up over an hour.
            Arrivals::Constant => self.reached_ns + self.given as f64 * self.interval_ns,
            Arrivals::Poisson => {
                self.reached_ns -= self.uniform().ln() * self.interval_ns;
                self.reached_ns
            }
        };
        self.given += 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, never negative"
        )]
        let due_ns = due_ns as u64;
        Some(due_ns)
    }
}

impl FromStr for Arrivals {
    type Err = String;

    fn from_str(text: &str) -> Result<Arrivals, String> {
        match text {
            "constant" => Ok(Arrivals::Constant),
            "poisson" => Ok(Arrivals::Poisson),
            _ => Err(format!("{text:?} is neither constant nor poisson")),
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arrivals::Constant => "constant",
            Arrivals::Poisson => "poisson",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_arrivals_are_even_and_do_not_drift() {
        let mut schedule = Schedule::new(Arrivals::Constant, 30_000.0, 30_000 * 3600, 1, (0, 1));
        assert_eq!(schedule.next(), Some(0));
        assert_eq!(schedule.next(), Some(33_333));
        schedule.given = 30_000 * 3600 - 1;
        assert_eq!(schedule.next(), Some(3_599_999_966_666));
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn lanes_of_a_constant_schedule_interleave() {
        let lane = |lane| Schedule::new(Arrivals::Constant, 100.0, 2, 1, (lane, 2)).collect::<Vec<_>>();
        assert_eq!(lane(0), [0, 10_000_000]);
        assert_eq!(lane(1), [5_000_000, 15_000_000]);
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_a_poisson_process() {
        let due: Vec<u64> = Schedule::new(Arrivals::Poisson, 1000.0, 100_000, 7, (0, 1)).collect();
        assert!(due.is_sorted());
        let gap = |pair: &[u64]| f64::from(u32::try_from(pair[1] - pair[0]).unwrap());
        let gaps: Vec<f64> = due.windows(2).map(gap).collect();
        let mean = gaps.iter().sum::<f64>() / 99_999.0;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 99_999.0).sqrt();
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "mean {mean}");
        assert!((deviation / mean - 1.0).abs() < 0.02, "an exponential's deviation is its mean");
    }
}
