//! The newest sets of a chain, framed, for every feed that is at most a moment behind.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hufu_contract::{Frame, FrameKind};
use hufu_registry::StoredSet;

/// A set as a feed sends it.
#[derive(Clone, Debug)]
pub(super) struct FramedSet {
    pub(super) sequence: u64,
    pub(super) frame: Bytes,
}

/// The newest sets, without gaps, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Recent {
    sets: VecDeque<FramedSet>,
    bytes: usize,
    bytes_max: usize,
}

impl From<StoredSet> for FramedSet {
    fn from(set: StoredSet) -> FramedSet {
        let mut frame = BytesMut::new();
        Frame::put(FrameKind::ChangeSet, &set.bytes, &mut frame);
        FramedSet { sequence: set.sequence.0, frame: frame.freeze() }
    }
}

impl Recent {
    pub(super) fn new(bytes_max: usize) -> Recent {
        Recent { sets: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Adds a set. One that does not follow the last makes it forget all before.
    pub(super) fn push(&mut self, set: FramedSet) {
        if self.sets.back().is_some_and(|last| last.sequence + 1 != set.sequence) {
            self.clear();
        }
        self.bytes += set.frame.len();
        self.sets.push_back(set);
        while self.bytes > self.bytes_max && self.sets.len() > 1 {
            self.bytes -= self.sets.pop_front().map_or(0, |oldest| oldest.frame.len());
        }
    }

    pub(super) fn clear(&mut self) {
        self.sets.clear();
        self.bytes = 0;
    }

    /// The sets after `after`, at least one and no more than fit `bytes_max` beyond it; `None` when the one that
    /// follows is not here.
    pub(super) fn after(&self, after: u64, bytes_max: usize) -> Option<Vec<FramedSet>> {
        let first = self.sets.front()?.sequence;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        let mut room = bytes_max;
        let mut sets = vec![self.sets.get(skip)?.clone()];
        for set in self.sets.iter().skip(skip + 1) {
            let Some(left) = room.checked_sub(set.frame.len()) else { break };
            room = left;
            sets.push(set.clone());
        }
        Some(sets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::Sequence;

    fn set(sequence: u64) -> FramedSet {
        StoredSet { sequence: Sequence(sequence), bytes: Bytes::from(vec![0; 95]) }.into()
    }

    #[test]
    fn the_newest_sets_are_at_hand_and_no_others() {
        let mut recent = Recent::new(350);
        assert!(recent.after(0, 1000).is_none());
        for sequence in 3..=7 {
            recent.push(set(sequence));
        }
        let after = |recent: &Recent, after, bytes_max| {
            recent.after(after, bytes_max).map(|sets| sets.iter().map(|set| set.sequence).collect::<Vec<_>>())
        };
        assert_eq!(after(&recent, 3, 1000), None, "fell out");
        assert_eq!(after(&recent, 4, 1000), Some(vec![5, 6, 7]));
        assert_eq!(after(&recent, 4, 150), Some(vec![5, 6]), "one, and what fits beyond it");
        assert_eq!(after(&recent, 6, 0), Some(vec![7]));
        assert_eq!(after(&recent, 7, 1000), None);
        assert_eq!(after(&recent, u64::MAX - 1, 1000), None);

        recent.push(set(9));
        assert_eq!(after(&recent, 6, 1000), None, "a gap");
        assert_eq!(after(&recent, 8, 1000), Some(vec![9]));
    }
}
