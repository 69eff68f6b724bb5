//! The last change sets of a chain and its last head, as they came: for gates that keep lists of their own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_wire::Sequence;
use hufu_wire::chain::Head;

/// Bytes of change sets that are kept for each issuer: the largest eight. A gate that has missed more takes a list.
const BYTES_MAX: usize = 4 << 20;

/// What has lately come of one chain, in memory alone.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Without a gap, the last one at the back.
    sets: VecDeque<(Sequence, Arc<[u8]>)>,
    bytes: usize,
    head: Option<[u8; Head::BYTES]>,
}

/// What a chain has become.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Change sets in order, beginning with the next one; none where that is not kept any more.
    pub sets: Vec<Arc<[u8]>>,
    /// The last head that the words agreed with; `None` where sets were left out for lack of room.
    pub head: Option<[u8; Head::BYTES]>,
}

impl Recent {
    /// Keeps a set that was applied.
    pub(crate) fn add_set(&self, sequence: Sequence, bytes: &[u8]) {
        let mut kept = self.kept();
        if kept.sets.back().is_some_and(|(last, _)| Some(sequence.0) != last.0.checked_add(1)) {
            (kept.sets, kept.bytes) = (VecDeque::new(), 0);
        }
        kept.bytes += bytes.len();
        kept.sets.push_back((sequence, bytes.into()));
        while kept.bytes > BYTES_MAX {
            let Some((_, first)) = kept.sets.pop_front() else { return };
            kept.bytes -= first.len();
        }
    }

    /// Keeps a head that the words agree with.
    pub(crate) fn set_head(&self, bytes: &[u8]) {
        self.kept().head = bytes.try_into().ok();
    }

    /// What has come after `after`, with as many sets as `fit`, which is told a number of sets and their bytes.
    pub fn since(&self, after: Sequence, fit: impl Fn(usize, usize) -> bool) -> Since {
        let kept = self.kept();
        let mut since = Since { sets: Vec::new(), head: kept.head };
        let missing = kept.sets.iter().skip_while(|(sequence, _)| *sequence <= after);
        let mut bytes = 0;
        for (at, (sequence, set)) in missing.enumerate() {
            if at == 0 && Some(sequence.0) != after.0.checked_add(1) {
                break;
            }
            bytes += set.len();
            if !fit(at + 1, bytes) {
                since.head = None;
                break;
            }
            since.sets.push(Arc::clone(set));
        }
        since
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every step under this lock leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(since: &Since) -> Vec<u8> {
        since.sets.iter().map(|set| set[0]).collect()
    }

    #[test]
    fn r06_sets_come_in_order_and_what_is_gone_is_not_jumped_over() {
        let recent = Recent::default();
        assert_eq!(recent.since(Sequence(0), |_, _| true), Since::default());
        recent.set_head(&[7; Head::BYTES]);
        for sequence in 4..=6_u8 {
            recent.add_set(Sequence(sequence.into()), &[sequence; 10]);
        }
        let since = |after, room| recent.since(Sequence(after), |_, bytes| bytes <= room);
        assert_eq!((sets(&since(4, 1000)), since(4, 1000).head), (vec![5, 6], Some([7; Head::BYTES])));
        assert_eq!((sets(&since(3, 20)), since(3, 20).head), (vec![4, 5], None), "no room for the last");
        assert_eq!(
            (sets(&since(2, 1000)), since(2, 1000).head),
            (vec![], Some([7; Head::BYTES])),
            "3 is gone"
        );
        assert_eq!((sets(&since(6, 1000)), sets(&since(u64::MAX, 1000))), (vec![], vec![]));
        recent.add_set(Sequence(9), &[9; 10]);
        assert_eq!((sets(&since(4, 1000)), sets(&since(8, 1000))), (vec![], vec![9]), "after a snapshot");
    }

    #[test]
    fn r06_old_sets_make_room_for_new_ones() {
        let recent = Recent::default();
        for sequence in 1..=20_u8 {
            recent.add_set(Sequence(sequence.into()), &vec![sequence; 1 << 19]);
        }
        assert_eq!(sets(&recent.since(Sequence(12), |_, _| true)), (13..=20).collect::<Vec<_>>());
        assert!(recent.since(Sequence(11), |_, _| true).sets.is_empty());
    }
}
