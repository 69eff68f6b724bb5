//! What happened, in numbers.

use hufu_wire::chain::Turn;

/// What a follower has seen since it was made. Every input moves exactly one of them; `changes_applied` and
/// `turned` count along with `sets_applied`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Change sets applied.
    pub sets_applied: u64,
    /// Sets that were the last one applied.
    pub sets_duplicate: u64,
    /// Sets from before that.
    pub sets_behind: u64,
    /// Genuine sets from beyond a gap.
    pub sets_beyond_gap: u64,
    /// Sets of another history, and sets that came while there are two.
    pub sets_forked: u64,
    /// Sets that were refused: unreadable, not confirmed, of the future, out of order.
    pub sets_refused: u64,
    /// Sets that the table had no room for.
    pub sets_without_room: u64,
    /// Heads that the words agree with.
    pub heads_current: u64,
    /// Heads that name sets that are not here yet.
    pub heads_beyond_gap: u64,
    /// Heads that say nothing new.
    pub heads_late: u64,
    /// Heads of a publisher that has lost sets.
    pub heads_rolled_back: u64,
    /// Heads of another history, and heads that came while there are two.
    pub heads_forked: u64,
    /// Heads that were refused: unreadable, not genuine, of the future.
    pub heads_refused: u64,
    /// Checkpoints that the words agree with.
    pub checkpoints_agreed: u64,
    /// Checkpoints whose snapshot is to be loaded.
    pub checkpoints_ahead: u64,
    /// Checkpoints from before.
    pub checkpoints_behind: u64,
    /// Checkpoints of another history.
    pub checkpoints_forked: u64,
    /// Checkpoints that were refused.
    pub checkpoints_refused: u64,
    /// Snapshots loaded.
    pub snapshots_loaded: u64,
    /// Snapshots that were refused.
    pub snapshots_refused: u64,
    /// Changes of the sets that were applied.
    pub changes_applied: u64,
    /// The same by what they did to the holder, by the number of the [`Turn`].
    pub turned: [u64; Turn::ALL.len()],
}

impl Counters {
    /// Changes applied that did this to their holder.
    pub const fn turned(&self, turn: Turn) -> u64 {
        self.turned[turn as usize]
    }

    pub(crate) const fn count(&mut self, turn: Turn) {
        self.turned[turn as usize] += 1;
    }
}
