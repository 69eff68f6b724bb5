//! How far a chain has been followed, and where a set belongs from there.

use hufu_wire::chain::{ChainDigest, Position, Proposed};
use hufu_wire::{Sequence, UnixMillis};

/// The last change set of a chain, as far as somebody has followed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its sequence, 0 before the first.
    pub sequence: Sequence,
    /// Its digest.
    pub digest: ChainDigest,
    /// When its instruction was proposed: the next one is later.
    pub proposed: Proposed,
    /// When it was confirmed.
    pub confirmed: UnixMillis,
}

/// Where a change set belongs, by its numbers alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the tip.
    Behind,
    /// Where the tip is; it may be the tip itself.
    AtTip,
    /// Right after the tip, and it says so.
    Next,
    /// Right after another set than the tip.
    Branch,
    /// After sets that are not here.
    Beyond,
}

impl Tip {
    /// Before the first change set.
    pub const START: Tip = Tip {
        sequence: Sequence(0),
        digest: ChainDigest::NONE,
        proposed: Proposed::START,
        confirmed: UnixMillis(0),
    };

    /// The sequence after this one.
    pub fn next(&self) -> Sequence {
        Sequence(self.sequence.0.saturating_add(1))
    }

    /// Where a set with this position belongs.
    pub fn place(&self, position: &Position) -> Place {
        if position.sequence < self.sequence {
            Place::Behind
        } else if position.sequence == self.sequence {
            Place::AtTip
        } else if position.sequence > self.next() {
            Place::Beyond
        } else if position.previous == self.digest {
            Place::Next
        } else {
            Place::Branch
        }
    }
}
