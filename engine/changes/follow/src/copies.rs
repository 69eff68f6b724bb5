//! When to make a warm copy, and of what.

use std::time::Duration;

use hufu_sync::{Follower, WarmCopy};
use hufu_table::SnapshotInfo;
use hufu_wire::Sequence;

use crate::options::Timings;

/// A warm copy in its place: what the follower knew, and the file with the words.
#[derive(Clone, Copy, Debug)]
pub struct KeptCopy {
    pub(crate) warm: WarmCopy,
    pub(crate) info: SnapshotInfo,
}

/// A warm copy to make.
#[derive(Clone, Copy, Debug)]
pub enum CopyJob {
    /// Write a snapshot of the table, then the state that names it.
    Write(WarmCopy),
    /// The snapshot is in the folder already: write the state that names it.
    Seal(KeptCopy),
}

/// How the making of a warm copy ended.
#[derive(Debug)]
pub enum CopyOutcome {
    /// It is in place.
    Kept(KeptCopy),
    /// A snapshot was loaded meanwhile: its words would be of two histories.
    Spoiled,
    /// The disk failed. What was in place still is.
    Failed(String),
}

/// Decides on one warm copy at a time.
#[derive(Debug)]
pub(crate) struct Copies {
    every: Duration,
    again: Duration,
    due: Duration,
    /// What is in place.
    kept: Option<KeptCopy>,
    /// A checkpoint's snapshot that was loaded: with a state beside it, it is a warm copy.
    adopted: Option<KeptCopy>,
    is_busy: bool,
}

/// Where more than the warm copy was restored, the first new one comes after a tenth of the time.
const AFTER_REPLAY: u32 = 10;

impl Copies {
    pub(crate) fn new(
        timings: &Timings,
        kept: Option<KeptCopy>,
        follower: &Follower,
        now: Duration,
    ) -> Copies {
        let every = timings.warm_every();
        let again = Duration::from_millis(timings.disk_again_ms);
        let is_current = kept.is_some_and(|kept| kept.warm.is_at(&follower.warm()));
        let due = now + if is_current { every } else { every / AFTER_REPLAY };
        Copies { every, again, due, kept, adopted: None, is_busy: false }
    }

    /// When something is to be done, `None` while something is.
    pub(crate) fn due(&self) -> Option<Duration> {
        (!self.is_busy).then_some(self.due)
    }

    /// Something happened that must not be forgotten.
    pub(crate) fn hurry(&mut self, by: Duration) {
        self.due = self.due.min(by);
    }

    /// The disk failed.
    pub(crate) fn disk_failed(&mut self, now: Duration) {
        self.hurry(now + self.again);
    }

    /// The words are those of this file of the folder, so that no copy need be written.
    pub(crate) fn adopt(&mut self, kept: KeptCopy, now: Duration) {
        self.adopted = Some(kept);
        self.due = now;
    }

    /// Begins a warm copy, if there is anything new to keep and none is being made.
    pub(crate) fn begin(
        &mut self,
        follower: &Follower,
        is_tail_broken: bool,
        now: Duration,
    ) -> Option<CopyJob> {
        if self.is_busy {
            return None;
        }
        self.due = now + self.every;
        let warm = follower.warm();
        let job = match (self.adopted.take(), &self.kept) {
            (Some(adopted), _) => CopyJob::Seal(adopted),
            (None, Some(kept)) if kept.warm == warm && !is_tail_broken => return None,
            // Only a head was heard since: the words are the same.
            (None, Some(kept)) if kept.warm.is_at(&warm) && !is_tail_broken => {
                CopyJob::Seal(KeptCopy { warm, info: kept.info })
            }
            (None, None) if follower.tip().sequence == Sequence(0) && !follower.is_forked() => return None,
            (None, _) => CopyJob::Write(warm),
        };
        self.is_busy = true;
        Some(job)
    }

    /// Notes how it ended.
    pub(crate) fn ended(&mut self, outcome: &CopyOutcome, now: Duration) {
        self.is_busy = false;
        match outcome {
            CopyOutcome::Kept(kept) => self.kept = Some(*kept),
            CopyOutcome::Spoiled => {}
            CopyOutcome::Failed(_) => self.due = now + self.again,
        }
    }
}
