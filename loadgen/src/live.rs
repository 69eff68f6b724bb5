//! How a load goes, for a progress bar: numbers that one thread writes and another shows.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::tally::Tally;

/// One worker's numbers. Relaxed throughout: they are only shown.
#[derive(Debug, Default)]
pub(crate) struct Live {
    sent: AtomicU64,
    answered: AtomicU64,
    wrong: AtomicU64,
}

impl Live {
    pub(crate) fn update(&self, tally: &Tally) {
        let total = tally.total();
        self.sent.store(total.sent, Relaxed);
        self.answered.store(total.answered, Relaxed);
        self.wrong.store(total.wrong, Relaxed);
    }

    /// Sent, answered and wrong so far.
    pub(crate) fn read(&self) -> (u64, u64, u64) {
        (self.sent.load(Relaxed), self.answered.load(Relaxed), self.wrong.load(Relaxed))
    }
}
