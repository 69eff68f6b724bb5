//! Numbers that are counted here and read anywhere.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

use hufu_wire::Reason;

use crate::metrics::Histogram;

/// Counts events. Relaxed: each number stands alone.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Adds `n`. For a meter that only one thread adds to: a load and a store are ten times cheaper than a
    /// locked addition.
    pub(crate) fn add(&self, n: usize) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n as u64), Relaxed);
    }

    /// Adds `n`, whichever thread calls.
    pub(crate) fn add_shared(&self, n: usize) {
        self.0.fetch_add(n as u64, Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One meter for each reason.
#[derive(Debug)]
pub(crate) struct ByReason([Meter; Reason::ALL.len()]);

impl Default for ByReason {
    fn default() -> ByReason {
        ByReason(Reason::ALL.map(|_| Meter::default()))
    }
}

impl ByReason {
    /// Adds one. For a thread that adds alone.
    pub(crate) fn count(&self, reason: Reason) {
        if let Some((_, meter)) = Reason::ALL.iter().zip(&self.0).find(|(of, _)| **of == reason) {
            meter.add(1);
        }
    }

    /// What was counted so far, in the order of the reasons' numbers.
    pub(crate) fn get(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.0.iter().map(Meter::get))
    }
}

/// How long answers took, for a thread that adds alone.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    /// Answers by [`Latency::BOUNDS_S`]; the last place is for slower ones.
    answers: [Meter; Latency::BOUNDS_S.len() + 1],
    ns: Meter,
}

impl Latency {
    /// Upper bounds, seconds: from the cost of one check to what a person at a gate notices.
    pub(crate) const BOUNDS_S: [f64; 12] =
        [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1, 1.0];

    /// `n` answers took this long.
    pub(crate) fn add(&self, took: Duration, n: usize) {
        let took_s = took.as_secs_f64();
        let place = Self::BOUNDS_S.iter().take_while(|bound| took_s > **bound).count();
        self.answers[place].add(n);
        self.ns.add(usize::try_from(took.as_nanos()).unwrap_or(usize::MAX).saturating_mul(n));
    }

    /// The answers of several threads together.
    pub(crate) fn sum<'l>(each: impl Iterator<Item = &'l Latency>) -> Histogram {
        let mut sum =
            Histogram { bounds: &Self::BOUNDS_S, counts: vec![0; Self::BOUNDS_S.len() + 1], sum: 0.0 };
        for Latency { answers, ns } in each {
            sum.counts.iter_mut().zip(answers).for_each(|(sum, meter)| *sum += meter.get());
            sum.sum += Duration::from_nanos(ns.get()).as_secs_f64();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_below_the_first_bound_that_it_reaches() {
        let [a, b] = [Latency::default(), Latency::default()];
        a.add(Duration::from_micros(10), 2);
        a.add(Duration::from_micros(11), 1);
        b.add(Duration::from_secs(2), 3);
        let Histogram { bounds, counts, sum } = Latency::sum([&a, &b].into_iter());
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(bounds.len() + 1, counts.len());
        assert!((sum - 6.000_031).abs() < 1e-9, "{sum}");
    }
}
