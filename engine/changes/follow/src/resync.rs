//! From a checkpoint to its snapshot: the way over a gap or a fork.

use std::time::Duration;

use hufu_codes::chain::Confirmed;
use hufu_sync::{Follower, Wanted};
use hufu_wire::Sequence;
use hufu_wire::chain::Checkpoint;

use crate::backoff::Backoff;
use crate::options::Timings;

/// The newest checkpoint that leads on, and what is being done about it.
#[derive(Debug)]
pub(crate) struct Resync {
    gap_sets_max: u64,
    next: Option<Confirmed<Checkpoint>>,
    /// The feed said that it no longer has the sets after the tip.
    trimmed: Option<Trimmed>,
    /// Whether the feed was asked in this gap.
    is_asked: bool,
    ask_at: Duration,
    asking: Backoff,
    is_fetching: bool,
    fetch_at: Duration,
    fetching: Backoff,
}

/// What a feed said that it has: from this set on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trimmed {
    first: Option<Sequence>,
}

/// Snapshots are large: a wrong one is not fetched again as fast as a set is.
const FETCH_BACKOFF_TIMES: u32 = 6;

impl Resync {
    pub(crate) fn new(timings: &Timings, now: Duration, seed: u64) -> Resync {
        let (min, max) = timings.backoff();
        Resync {
            gap_sets_max: timings.gap_sets_max,
            next: None,
            trimmed: None,
            is_asked: false,
            ask_at: now,
            asking: Backoff::new(min, max, seed),
            is_fetching: false,
            fetch_at: now,
            fetching: Backoff::new(min, max.saturating_mul(FETCH_BACKOFF_TIMES), seed),
        }
    }

    /// A checkpoint leads on.
    pub(crate) fn offer(&mut self, checkpoint: &Confirmed<Checkpoint>, now: Duration) {
        if self.next.is_none_or(|next| next.sequence < checkpoint.sequence) {
            self.next = Some(*checkpoint);
            // The snapshot of the one before may not have been available.
            self.fetching.reset();
            self.fetch_at = now;
        }
    }

    /// The feed says what it no longer has; whether that is what is asked for.
    pub(crate) fn trim(&mut self, first: Option<Sequence>, follower: &Follower) -> bool {
        let is_ours = first.is_none_or(|first| first > follower.tip().next());
        let is_new = is_ours && self.trimmed != Some(Trimmed { first });
        if is_new {
            self.trimmed = Some(Trimmed { first });
            self.is_asked = false;
        }
        is_new
    }

    /// The tip has moved: what was said of the place before is void.
    pub(crate) fn moved(&mut self, follower: &Follower) {
        let tip = follower.tip().sequence;
        self.next = self.next.filter(|next| next.sequence > tip);
        self.trimmed = None;
        if follower.wants() == Wanted::Nothing {
            self.is_asked = false;
        }
        self.asking.reset();
    }

    /// Whether to ask the feed for its newest checkpoint, and when.
    pub(crate) fn ask_at(&self, follower: &Follower, is_starved: bool) -> Option<Duration> {
        if self.is_fetching {
            return None;
        }
        if self.worth(follower, is_starved).is_some() {
            // Where its snapshot is not available, there may be a newer one.
            return (self.fetching.faults() > 0).then_some(self.ask_at);
        }
        let is_far = match follower.wants() {
            Wanted::Sets { from, to } => to.0.saturating_sub(from.0) >= self.gap_sets_max,
            Wanted::Checkpoint { .. } => return Some(self.ask_at),
            Wanted::Nothing => false,
        };
        let is_at_start = follower.tip().sequence == Sequence(0);
        let is_stuck = self.trimmed.is_some() || is_starved;
        let asks = is_stuck || ((is_far || is_at_start) && !self.is_asked);
        asks.then_some(self.ask_at)
    }

    /// The feed is being asked.
    pub(crate) fn asked(&mut self, now: Duration) {
        self.is_asked = true;
        self.ask_at = now + self.asking.next();
    }

    /// When to fetch the snapshot of the checkpoint that leads on, if it is worth it.
    pub(crate) fn fetch_at(&self, follower: &Follower, is_starved: bool) -> Option<Duration> {
        (!self.is_fetching && self.worth(follower, is_starved).is_some()).then_some(self.fetch_at)
    }

    /// Begins to fetch if it is time to.
    pub(crate) fn fetch(
        &mut self,
        follower: &Follower,
        is_starved: bool,
        now: Duration,
    ) -> Option<Confirmed<Checkpoint>> {
        let is_due = self.fetch_at(follower, is_starved).is_some_and(|at| at <= now);
        let of = self.worth(follower, is_starved).filter(|_| is_due)?;
        self.is_fetching = true;
        Some(of)
    }

    /// It is not available or of no use: later again. How often that was so in a row.
    pub(crate) fn failed(&mut self, now: Duration) -> u32 {
        self.is_fetching = false;
        self.fetch_at = now + self.fetching.next();
        self.fetching.faults()
    }

    /// It is loaded, or no longer needed.
    pub(crate) fn loaded(&mut self, now: Duration) {
        self.is_fetching = false;
        self.fetching.reset();
        self.fetch_at = now;
    }

    /// The checkpoint whose snapshot is cheaper than the sets, or the only way.
    fn worth(&self, follower: &Follower, is_starved: bool) -> Option<Confirmed<Checkpoint>> {
        let next = self.next.filter(|next| next.sequence > follower.tip().sequence)?;
        let is_far = next.sequence.0 - follower.tip().sequence.0 >= self.gap_sets_max;
        // Also one that the feed's sets do not follow: its words are later than these.
        let is_stuck = self.trimmed.is_some() || is_starved;
        let is_lost = matches!(follower.wants(), Wanted::Checkpoint { .. });
        (is_far || is_stuck || is_lost).then_some(next)
    }
}
