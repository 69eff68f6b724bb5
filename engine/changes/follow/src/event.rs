use std::time::Duration;

use hufu_codes::chain::Confirmed;
use hufu_sync::{CheckpointAnswer, FeedFault, HeadAnswer, SetAnswer, SyncFault};
use hufu_table::SnapshotInfo;
use hufu_wire::Sequence;
use hufu_wire::chain::Checkpoint;
use tracing::Level;

use crate::copies::{CopyJob, CopyOutcome};

/// What has happened.
#[derive(Debug)]
pub enum Event {
    /// Nothing: the time of [`Action::Wait`] has come, or it is looked at earlier.
    Time,
    /// There is another trust list.
    Keys,
    /// How [`Action::Subscribe`] ended.
    Subscribed(Result<(), FeedFault>),
    /// The subscription broke.
    FeedFailed(FeedFault),
    /// [`Action::AskForCheckpoint`] got no answer. A checkpoint that is one arrives as [`Event::Checkpoint`].
    AskFailed(FeedFault),
    /// The follower was given a change set.
    Set {
        /// Its length.
        bytes: usize,
        /// What the follower did with it.
        answer: Result<SetAnswer, SyncFault>,
        /// Whether it could be written to the tail, if it was applied.
        tail: Result<(), String>,
    },
    /// The follower was given a head.
    Head {
        /// Its length.
        bytes: usize,
        /// What the follower did with it.
        answer: Result<HeadAnswer, SyncFault>,
    },
    /// The follower was given a checkpoint.
    Checkpoint {
        /// Its length.
        bytes: usize,
        /// What the follower did with it.
        answer: Result<CheckpointAnswer, SyncFault>,
    },
    /// The feed says that it no longer has the sets that were asked for.
    Trimmed {
        /// The first set that it has.
        first: Option<Sequence>,
    },
    /// How [`Action::Fetch`] ended.
    Fetched(Confirmed<Checkpoint>, Result<(), String>),
    /// How [`Action::Load`] ended.
    Loaded {
        /// The checkpoint.
        of: Confirmed<Checkpoint>,
        /// What was loaded; `None` when sets have led further meanwhile.
        loaded: Result<Option<SnapshotInfo>, String>,
        /// How long that took.
        took: Duration,
    },
    /// How [`Action::MakeCopy`] ended.
    Copied(CopyOutcome),
    /// The disk failed otherwise: what was done, and what the system says.
    DiskFailed(String),
    /// A feed panicked, or what asks it: the message.
    Panicked(String),
    /// It is to end, after a last warm copy.
    Stop,
}

/// What to do, in this order.
#[derive(Debug)]
pub enum Action {
    /// Subscribe to the sets after this one, in the place of any other subscription. [`Event::Subscribed`] follows.
    Subscribe {
        /// The sequence of the words.
        after: Sequence,
    },
    /// Drop the subscription.
    Leave,
    /// Ask the feed for its newest checkpoint.
    AskForCheckpoint,
    /// Fetch the snapshot of this checkpoint. [`Event::Fetched`] follows.
    Fetch(Confirmed<Checkpoint>),
    /// Load what was fetched. [`Event::Loaded`] follows.
    Load(Confirmed<Checkpoint>),
    /// Remove what was fetched.
    Discard,
    /// Write sets to a tail of their own from now on.
    BeginTail {
        /// The sequence of the words.
        after: Sequence,
    },
    /// Make a warm copy. [`Event::Copied`] follows.
    MakeCopy(CopyJob),
    /// Remove what a warm copy of this sequence makes needless, and snapshots that nothing names.
    Tidy {
        /// The sequence.
        kept: Sequence,
    },
    /// Log a line.
    Log(Level, String),
    /// Step again when something happens, and at this time at the latest.
    Wait {
        /// In terms of [`Now::uptime`](crate::Now::uptime).
        until: Duration,
    },
    /// It is over. A warm copy that is still being made is of no use.
    End,
}
