//! A number that one thread writes and anybody may read.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts events of one thread. Relaxed: each number stands alone.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Adds `n`. Only the thread that owns the meter calls this: a load and a store are ten times cheaper than
    /// a locked addition.
    pub(crate) fn add(&self, n: usize) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n as u64), Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
