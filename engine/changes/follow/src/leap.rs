//! From a checkpoint to its snapshot: the way over a gap or a fork.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hufu_codes::chain::Confirmed;
use hufu_sync::{Follower, Snapshots, Wanted};
use hufu_table::SnapshotDigest;
use hufu_wire::Sequence;
use hufu_wire::chain::Checkpoint;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::backoff::Backoff;
use crate::folder::Folder;
use crate::options::Timings;

/// The newest checkpoint that leads on, and what is being done about it.
pub(crate) struct Leap {
    gap_sets_max: u64,
    fetch_limit: Duration,
    next: Option<Confirmed<Checkpoint>>,
    /// The feed said that it no longer has the sets after the tip.
    trimmed: Option<Trimmed>,
    /// Whether the feed was asked in this gap.
    is_asked: bool,
    ask_at: Instant,
    asking: Backoff,
    fetch_at: Instant,
    fetching: Backoff,
    fetch: Option<Fetch>,
}

/// What a feed said that it has: from this set on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trimmed {
    first: Option<Sequence>,
}

struct Fetch {
    of: Confirmed<Checkpoint>,
    task: JoinHandle<Result<(), String>>,
}

/// A snapshot has come, or has not.
pub(crate) struct Fetched {
    pub(crate) of: Confirmed<Checkpoint>,
    pub(crate) came: Result<(), String>,
}

/// Snapshots are large: a wrong one is not fetched again as fast as a set is.
const FETCH_BACKOFF_TIMES: u32 = 6;

impl Leap {
    pub(crate) fn new(timings: &Timings, now: Instant) -> Leap {
        let (min, max) =
            (Duration::from_millis(timings.backoff_ms_min), Duration::from_millis(timings.backoff_ms_max));
        Leap {
            gap_sets_max: timings.gap_sets_max,
            fetch_limit: Duration::from_millis(timings.fetch_ms),
            next: None,
            trimmed: None,
            is_asked: false,
            ask_at: now,
            asking: Backoff::new(min, max),
            fetch_at: now,
            fetching: Backoff::new(min, max.saturating_mul(FETCH_BACKOFF_TIMES)),
            fetch: None,
        }
    }

    /// A checkpoint leads on.
    pub(crate) fn offer(&mut self, checkpoint: &Confirmed<Checkpoint>) {
        if self.next.is_none_or(|next| next.sequence < checkpoint.sequence) {
            self.next = Some(*checkpoint);
            // The snapshot of the one before may not have been had.
            self.fetching.reset();
            self.fetch_at = Instant::now();
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

    /// The tip has moved: what was said of the place before holds no more.
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
    pub(crate) fn ask_at(&self, follower: &Follower, is_starved: bool) -> Option<Instant> {
        if self.fetch.is_some() {
            return None;
        }
        if self.worth(follower, is_starved).is_some() {
            // Where its snapshot cannot be had, there may be a newer one.
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
    pub(crate) fn asked(&mut self, now: Instant) {
        self.is_asked = true;
        self.ask_at = now + self.asking.next();
    }

    /// When to fetch the snapshot of the checkpoint that leads on, if it is worth it.
    pub(crate) fn fetch_at(&self, follower: &Follower, is_starved: bool) -> Option<Instant> {
        let is_idle = self.fetch.is_none();
        (is_idle && self.worth(follower, is_starved).is_some()).then_some(self.fetch_at)
    }

    /// Begins to fetch.
    pub(crate) fn fetch(
        &mut self,
        follower: &Follower,
        is_starved: bool,
        snapshots: &Arc<dyn Snapshots>,
        folder: &Folder,
    ) -> Option<Sequence> {
        let of = self.worth(follower, is_starved)?;
        let (digest, path) = (SnapshotDigest(of.snapshot), folder.incoming());
        let (snapshots, limit) = (Arc::clone(snapshots), self.fetch_limit);
        let task = tokio::spawn(async move { bring(&*snapshots, digest, &path, limit).await });
        self.fetch = Some(Fetch { of, task });
        Some(of.sequence)
    }

    /// What has come of it; never, when nothing is being fetched.
    pub(crate) async fn fetched(&mut self) -> Fetched {
        let Some(Fetch { of, task }) = &mut self.fetch else { return pending().await };
        let of = *of;
        let ended = task.await;
        self.fetch = None;
        Fetched { of, came: ended.unwrap_or_else(|error| Err(error.to_string())) }
    }

    /// It could not be had or used: later again.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.fetch_at = now + self.fetching.next();
    }

    /// Failures since one was loaded.
    pub(crate) fn fetch_faults(&self) -> u32 {
        self.fetching.faults()
    }

    /// It is loaded.
    pub(crate) fn loaded(&mut self, now: Instant) {
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

async fn bring(
    snapshots: &dyn Snapshots,
    digest: SnapshotDigest,
    path: &Path,
    limit: Duration,
) -> Result<(), String> {
    match timeout(limit, snapshots.fetch(digest, path)).await {
        Ok(came) => came.map_err(|fault| fault.to_string()),
        Err(_) => Err(format!("{} did not bring it in {} s", snapshots.name(), limit.as_secs())),
    }
}
