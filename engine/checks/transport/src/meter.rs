//! Numbers that are counted here and read anywhere.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hufu_wire::Reason;

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
