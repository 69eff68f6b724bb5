//! Since when threads that check wait for their records: a disk that hangs fails no write, and answers none.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hufu_check::{Durability, Journal, Mark, Record, Standing};

/// Of all threads that check, since when each waits.
pub(super) struct Waiting {
    begun: Instant,
    threads: Mutex<Vec<Since>>,
}

/// Milliseconds from the begin of [`Waiting`]; [`NOTHING`] while the thread waits for no record. Relaxed: each stands
/// alone.
type Since = Arc<AtomicU64>;

const NOTHING: u64 = u64::MAX;

/// A journal that notes since when its thread waits.
pub(in crate::node) struct Watched<J> {
    journal: J,
    begun: Instant,
    /// The oldest mark that was pending when it was asked about.
    pending: Cell<Option<u64>>,
    since_ms: Since,
}

impl Waiting {
    pub(super) fn new() -> Waiting {
        Waiting { begun: Instant::now(), threads: Mutex::default() }
    }

    /// The journal of one more thread.
    pub(super) fn watch<J>(&self, journal: J) -> Watched<J> {
        let since_ms = Arc::new(AtomicU64::new(NOTHING));
        // A push leaves the list whole.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(Arc::clone(&since_ms));
        Watched { journal, begun: self.begun, pending: Cell::new(None), since_ms }
    }

    /// How long the oldest record that a verdict waits for was not written.
    pub(super) fn longest(&self, now: Instant) -> Duration {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let since_ms = threads.iter().map(|since_ms| since_ms.load(Relaxed)).min();
        since_ms.filter(|since_ms| *since_ms != NOTHING).map_or(Duration::ZERO, |since_ms| {
            now.saturating_duration_since(self.begun).saturating_sub(Duration::from_millis(since_ms))
        })
    }
}

impl<J: Journal> Journal for Watched<J> {
    fn begin(&mut self, count: usize) -> bool {
        self.journal.begin(count)
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        self.journal.note(records)
    }

    fn standing(&self, mark: Mark) -> Standing {
        let standing = self.journal.standing(mark);
        match (standing, self.pending.get()) {
            (Standing::Pending, None) => {
                let since_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(NOTHING);
                self.pending.set(Some(mark.position));
                self.since_ms.store(since_ms, Relaxed);
            }
            // A mark in memory is durable at once, and says nothing of the disk.
            (Standing::Durable | Standing::Lost, Some(oldest))
                if mark.position >= oldest && mark.durability != Durability::Memory =>
            {
                self.pending.set(None);
                self.since_ms.store(NOTHING, Relaxed);
            }
            _ => {}
        }
        standing
    }

    fn wait(&self) {
        self.journal.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has written everything up to this position.
    struct Disk(Arc<AtomicU64>);

    impl Journal for Disk {
        fn begin(&mut self, _: usize) -> bool {
            true
        }

        fn note(&mut self, _: impl ExactSizeIterator<Item = Record>) -> Mark {
            Mark::default()
        }

        fn standing(&self, mark: Mark) -> Standing {
            let durable = mark.durability == Durability::Memory || mark.position <= self.0.load(Relaxed);
            if durable { Standing::Durable } else { Standing::Pending }
        }

        fn wait(&self) {}
    }

    #[test]
    fn r40_the_oldest_record_that_is_not_written_says_how_long_verdicts_wait() {
        let waiting = Waiting::new();
        let written = Arc::new(AtomicU64::new(0));
        let threads = [0, 1].map(|_| waiting.watch(Disk(Arc::clone(&written))));
        let ask =
            |thread: usize, position, durability| threads[thread].standing(Mark { position, durability });
        let later = || waiting.longest(Instant::now() + Duration::from_secs(3)) > Duration::from_secs(2);
        assert_eq!(ask(0, 1, Durability::Memory), Standing::Durable);
        assert!(!later(), "nothing waits");
        assert_eq!(ask(0, 1, Durability::Written), Standing::Pending);
        assert!(later());
        for position in [2, 3] {
            ask(0, position, Durability::Written);
            ask(0, position, Durability::Memory);
            assert!(later(), "the oldest still waits");
        }
        assert!(waiting.longest(Instant::now()) < Duration::from_secs(2), "not yet for long");
        ask(1, 3, Durability::Synced);
        written.store(3, Relaxed);
        ask(0, 3, Durability::Written);
        assert!(later(), "of the other thread");
        ask(1, 3, Durability::Synced);
        assert!(!later(), "all is written");
    }
}
