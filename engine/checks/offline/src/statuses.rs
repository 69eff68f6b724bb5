//! The lists of a gate as an engine's check reads the table.

use hufu_check::Statuses;
use hufu_sync::Follower;
use hufu_table::AsOf;
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

use crate::list::OfflineList;

/// All lists, at a moment of which the time is uncertain.
pub(crate) struct Known<'l> {
    pub(crate) lists: &'l [Follower<OfflineList>],
    pub(crate) uncertain_ms: u64,
}

impl Statuses for Known<'_> {
    /// The list's place.
    type Slot = usize;

    fn slot(&self, issuer: IssuerId) -> Option<usize> {
        self.lists.iter().position(|list| list.issuer() == issuer)
    }

    /// Data seems older than it is rather than younger.
    fn as_of(&self, slot: usize) -> AsOf {
        let as_of = self.lists[slot].words().as_of();
        let heard = as_of.heard.map(|heard| UnixMillis(heard.0.saturating_sub(self.uncertain_ms)));
        AsOf { heard, ..as_of }
    }

    fn lookup_batch(&self, holders: &[(usize, HolderIndex)], words: &mut [StatusWord]) {
        for ((slot, holder), word) in holders.iter().zip(words) {
            *word = self.lists[*slot].words().status(*holder);
        }
    }
}
