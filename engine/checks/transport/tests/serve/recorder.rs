//! A journal of which a test says what is durable.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use hufu_check::{Durability, Journal, Mark, Record, Standing};

/// A journal of all threads that keeps every record.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    records: Vec<Record>,
    becomes: Becomes,
    full: bool,
    asked: u64,
    waits: u64,
}

/// What becomes of the records that were noted.
#[derive(Clone, Copy, Default)]
pub(crate) enum Becomes {
    /// A batch is durable once that was asked [`Recorder::ASKS`] times.
    #[default]
    DurableWhenAsked,
    /// Those up to this position are durable, the others pending.
    DurableUpTo(u64),
    /// All are lost.
    Lost,
}

impl Recorder {
    pub(crate) const ASKS: u64 = 5;

    pub(crate) fn records(&self) -> Vec<Record> {
        self.state().records.clone()
    }

    pub(crate) fn noted(&self) -> usize {
        self.state().records.len()
    }

    /// How often a thread has asked what became of a batch.
    pub(crate) fn asked(&self) -> u64 {
        self.state().asked
    }

    /// How often a thread has waited.
    pub(crate) fn waits(&self) -> u64 {
        self.state().waits
    }

    pub(crate) fn set(&self, becomes: Becomes) {
        self.state().becomes = becomes;
        self.0.1.notify_all();
    }

    /// From now on it keeps no records, or does again.
    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }
}

impl Journal for Recorder {
    fn begin(&mut self, count: usize) -> bool {
        assert!(count > 0, "nothing begins with no records");
        !self.state().full
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        let mut state = self.state();
        state.records.extend(records);
        Mark { position: state.records.len() as u64, durability: Durability::Written }
    }

    fn standing(&self, mark: Mark) -> Standing {
        if mark == Mark::default() {
            return Standing::Durable;
        }
        let mut state = self.state();
        state.asked += 1;
        match state.becomes {
            Becomes::DurableWhenAsked if state.asked.is_multiple_of(Recorder::ASKS) => Standing::Durable,
            Becomes::DurableUpTo(position) if mark.position <= position => Standing::Durable,
            Becomes::DurableWhenAsked | Becomes::DurableUpTo(_) => Standing::Pending,
            Becomes::Lost => Standing::Lost,
        }
    }

    fn wait(&self) {
        let mut state = self.state();
        state.waits += 1;
        drop(self.0.1.wait_timeout(state, Duration::from_millis(1)).unwrap());
    }
}
