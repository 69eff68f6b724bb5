//! What a follower says to what it was given.

use hufu_codes::chain::Confirmed;
use hufu_wire::Sequence;
use hufu_wire::chain::Checkpoint;

/// What became of a change set that is no one's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetAnswer {
    /// Every change is in the table.
    Applied {
        /// The sequence that the words are at now.
        sequence: Sequence,
        /// How many there were.
        changes: usize,
    },
    /// It is the last set that was applied.
    Duplicate,
    /// It is older than that, or a checkpoint has settled what stands in its place.
    Behind,
    /// It is genuine, and sets before it are missing: fetch these first, then this one again.
    Gap {
        /// The first that is missing.
        from: Sequence,
        /// The last that is known of.
        to: Sequence,
    },
    /// Both authorities signed two histories that part after this sequence or at it. Nothing is applied any more
    /// until a checkpoint says which one holds.
    Fork {
        /// Where the words stand.
        at: Sequence,
    },
}

/// What became of a genuine head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadAnswer {
    /// The words are what the head says they should be.
    Current {
        /// The head's age, milliseconds.
        age_ms: u64,
    },
    /// Sets are missing.
    Gap {
        /// The first that is missing.
        from: Sequence,
        /// The one the head names.
        to: Sequence,
    },
    /// It is older than one that was heard before, or than the set it does not know yet. It says nothing new.
    Late,
    /// Its publisher has lost sets that both authorities signed and that are in the table.
    Rollback {
        /// The sequence that the words are at.
        held: Sequence,
        /// The sequence that the head names.
        offered: Sequence,
    },
    /// It names another history, or there are two that both authorities signed.
    Fork {
        /// Where the words stand.
        at: Sequence,
    },
}

/// What becomes of a genuine checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and soon used up")]
pub enum CheckpointAnswer {
    /// The words are at that very place of that very history: whatever fork there was is settled.
    Agrees,
    /// Load the snapshot that it names with [`Follower::load`](crate::Follower::load).
    Load(Confirmed<Checkpoint>),
    /// The words are further on already.
    Behind,
    /// It is of another history in this very place: both authorities signed two. Only a checkpoint above both
    /// settles that.
    Fork {
        /// Where the words stand.
        at: Sequence,
    },
}

/// What a follower needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever comes.
    Nothing,
    /// These change sets, in order. Where a feed no longer has them, a checkpoint at `from` or later, and its
    /// snapshot.
    Sets {
        /// The first.
        from: Sequence,
        /// The last that is known of.
        to: Sequence,
    },
    /// A checkpoint: there are two histories. One of this sequence can say that the words are right, a later one
    /// what is right instead.
    Checkpoint {
        /// Where the words stand.
        from: Sequence,
    },
}
