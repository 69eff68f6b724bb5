//! Bugs that are planted on purpose, and chance with a seed: what the simulator needs to test itself and to repeat a run.
//!
//! Compiled only with the feature `planted`, which no package of the product turns on; a test of the house says so. Both
//! are a thread's own: nothing here reaches another thread, and a thread that was told nothing behaves as always.

use std::cell::Cell;

macro_rules! bugs {
    ($($(#[doc = $what:literal])+ $name:ident,)+) => {
        /// A bug that the simulator must find.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[doc = $what])+ $name,)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$name,)+];

            /// What it does.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Bug::$name => concat!($($what),+),)+
                }
            }
        }
    };
}

bugs! {
    /// A follower takes a set of another history for the next one.
    BranchTaken,
    /// Every third set is not written to the tail before it is applied.
    TailSkipped,
    /// A restored copy counts as heard of just now.
    WarmLooksFresh,
    /// A snapshot is loaded without a look at its digest.
    SnapshotUnchecked,
    /// A silent feed is waited for without an end.
    SilenceIgnored,
    /// A presentation that one gate used is taken at every other gate.
    PassBackForgotten,
    /// The age of the data does not matter.
    StaleIgnored,
    /// The generation of a credential does not matter: a lost phone's code goes on.
    SupersededAdmitted,
    /// A trip whose ticket was cancelled is admitted.
    EndedTripAdmitted,
    /// A gate takes the answer to an earlier scan for the answer to this one.
    AnyReplyTaken,
    /// A record is acknowledged as durable before the disk has it.
    AckBeforeSync,
    /// A block of records that could not be written counts as written.
    FailureSwallowed,
    /// A gate without a network keeps its time over a restart of its machine.
    TimeOutlivesBoot,
    /// A gate's book forgets more records than were handed over.
    BookForgets,
    /// An engine counts a record twice that was handed over twice.
    RecordTwice,
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    static CHANCE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on this thread has this bug, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this thread has this bug.
pub fn has(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// From now on this thread's random bytes follow from `seed`; with `None` they are the system's again.
pub fn seed(seed: Option<u64>) {
    CHANCE.set(seed);
}

/// Fills `bytes` with what follows from the seed; `false`, and nothing is filled, without one.
pub fn fill(bytes: &mut [u8]) -> bool {
    let Some(mut state) = CHANCE.get() else { return false };
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&next(&mut state).to_le_bytes()[..part.len()]);
    }
    CHANCE.set(Some(state));
    true
}

/// Whether to take a path that is rare otherwise: once in `one_in` with a seed, never without.
pub fn rare(one_in: u64) -> bool {
    let Some(mut state) = CHANCE.get() else { return false };
    let is_now = next(&mut state).is_multiple_of(one_in.max(1));
    CHANCE.set(Some(state));
    is_now
}

/// The next number of SplitMix64.
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_follows_from_the_seed_and_a_thread_without_one_is_left_alone() {
        let (mut one, mut two) = ([0; 20], [0; 20]);
        assert!(!fill(&mut one) && !rare(1) && !has(Bug::BranchTaken));
        seed(Some(7));
        assert!(fill(&mut one) && rare(1));
        seed(Some(7));
        assert!(fill(&mut two) && one == two);
        assert!(std::thread::spawn(|| !fill(&mut [0; 4])).join().is_ok_and(|left| left));
        seed(None);
    }
}
