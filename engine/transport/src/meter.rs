//! Numbers that are counted here and read anywhere.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
