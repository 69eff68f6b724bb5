//! Batches that were checked and whose replies wait until their records are durable.

use std::time::Instant;

use super::outbox::Answered;

/// Batches that may wait at a time: 2048 replies, 270 KB a worker. A worker that has so many receives nothing more.
pub(crate) const WAITING_MAX: usize = 64;

/// A ring of batches, oldest first. All memory is allocated at the start.
pub(crate) struct Queue {
    /// One more than may wait, so that there is always one to fill.
    slots: Box<[Slot]>,
    oldest: usize,
    waiting: usize,
}

struct Slot {
    answered: Answered,
    /// When the batch was received.
    begun: Instant,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        let slot = || Slot { answered: Answered::default(), begun: Instant::now() };
        Queue { slots: (0..=WAITING_MAX).map(|_| slot()).collect(), oldest: 0, waiting: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting == WAITING_MAX
    }

    /// Room for the next batch, which does not wait yet. When none waits it is always the same.
    pub(crate) fn room(&mut self) -> &mut Answered {
        let at = self.behind(self.waiting);
        &mut self.slots[at].answered
    }

    /// The batch in [`room`](Self::room), which was received at `begun`, waits from now on. Not when the queue is full.
    pub(crate) fn keep(&mut self, begun: Instant) {
        debug_assert!(!self.is_full(), "a full queue is emptied first");
        let at = self.behind(self.waiting);
        self.slots[at].begun = begun;
        self.waiting += 1;
    }

    /// The batch that waits longest.
    pub(crate) fn oldest(&self) -> Option<(&Answered, Instant)> {
        if self.is_empty() {
            return None;
        }
        let Slot { answered, begun } = &self.slots[self.oldest];
        Some((answered, *begun))
    }

    /// That batch waits no longer.
    pub(crate) fn release(&mut self) {
        if !self.is_empty() {
            self.oldest = self.behind(1);
            self.waiting -= 1;
        }
    }

    /// The place of the slot so many batches, at most [`WAITING_MAX`], behind the oldest.
    fn behind(&self, batches: usize) -> usize {
        let at = self.oldest + batches;
        if at < self.slots.len() { at } else { at - self.slots.len() }
    }
}
