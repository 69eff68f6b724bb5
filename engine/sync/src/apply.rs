//! A proven change set becomes words.

use hufu_codes::chain::{Confirmed, Tip};
use hufu_table::{SEGMENT_WORDS, TableFault};
use hufu_wire::UnixMillis;
use hufu_wire::chain::{ChangeSet, Changes};

use crate::fault::SyncFault;
use crate::follower::Follower;

impl Follower {
    /// Applies the next set of the chain. Room for every holder is made before the first word is stored, so that
    /// it is applied whole or not at all.
    pub(crate) fn apply(
        &mut self,
        set: &Confirmed<ChangeSet<'_>>,
        now: UnixMillis,
        keep: &mut dyn FnMut(&Tip),
    ) -> Result<(), SyncFault> {
        let (issuer, tip) = (self.issuer(), *set.tip());
        let refused = |fault| SyncFault::Table { issuer, sequence: tip.sequence, fault };
        self.make_room(set.content.changes).map_err(refused)?;
        keep(&tip);
        self.store(set.content.changes).map_err(refused)?;
        // The words first, then the sequence: whoever reads the sequence sees the words (table::Writer, Release).
        self.writer.advance(tip.sequence, self.heard).map_err(refused)?;
        self.tip = tip;
        self.hear_announced(now);
        Ok(())
    }

    fn make_room(&mut self, changes: Changes<'_>) -> Result<(), TableFault> {
        // The greatest holder first: one who is out of range is told before room is made for anybody.
        self.writer.make_room(changes.last_holder())?;
        let mut made_for = None;
        for (holder, _) in changes.iter() {
            let segment = holder.0 / SEGMENT_HOLDERS;
            if made_for != Some(segment) {
                self.writer.make_room(holder)?;
                made_for = Some(segment);
            }
        }
        Ok(())
    }

    fn store(&mut self, changes: Changes<'_>) -> Result<(), TableFault> {
        let slot = self.writer.slot();
        for (holder, change) in changes.iter() {
            let word = change.apply(self.reader.lookup(slot, holder));
            self.writer.set(holder, word)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "2^18")]
const SEGMENT_HOLDERS: u32 = SEGMENT_WORDS as u32;
