//! What a following says about itself.

use std::sync::Arc;

use hufu_codes::chain::Tip;
use hufu_sync::{Counters, Wanted};
use hufu_wire::{IssuerId, UnixMillis};

/// One moment of a following. All of it is of the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowStatus {
    /// Whose chain it is.
    pub issuer: IssuerId,
    /// What the feed is and where.
    pub feed: Arc<str>,
    /// The last change set that is in the words: sequence, digest, times.
    pub tip: Tip,
    /// Time of the last head that the words agreed with.
    pub heard: Option<UnixMillis>,
    /// Both authorities signed two histories.
    pub is_forked: bool,
    /// What is missing.
    pub wants: Wanted,
    /// Whether the feed is subscribed and speaks.
    pub is_connected: bool,
    /// Whether the thread runs.
    pub life: Life,
    /// What the follower has seen.
    pub counters: Counters,
    /// What driving it took.
    pub tally: Tally,
}

/// Whether the issuer is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The thread runs.
    Running,
    /// It has stopped, as requested.
    Stopped,
    /// It panicked in a way that it cannot go on from. The words stay and grow old until the engine is restarted.
    Dead,
}

/// What driving a follower took, counted since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Times that the thread woke: for a message, or because something was due.
    pub wakes: u64,
    /// Subscriptions made.
    pub subscriptions: u64,
    /// Faults of the feed: unreachable, refused, garbled, or no answer in time.
    pub feed_faults: u64,
    /// Times that a feed was silent.
    pub trips_silent: u64,
    /// Times that sets were missing and did not come.
    pub trips_hung: u64,
    /// Times that a feed sent so much that was of no use that it was left for a while.
    pub trips_flooded: u64,
    /// Snapshots that came whole.
    pub snapshots_fetched: u64,
    /// Snapshots that did not come, or were not the right ones.
    pub snapshots_failed: u64,
    /// Warm copies in place.
    pub warm_copies: u64,
    /// Warm copies that were refused at the start.
    pub warm_refused: u64,
    /// Tail files replayed at the start.
    pub tails_replayed: u64,
    /// Change sets applied out of them.
    pub tail_sets: u64,
    /// Times that the engine's own disk failed.
    pub disk_faults: u64,
    /// Panics that were survived.
    pub panics: u64,
}
