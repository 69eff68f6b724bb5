//! A proven change set becomes words.

use hufu_codes::chain::{Confirmed, Tip};
use hufu_table::TableFault;
use hufu_wire::chain::{Change, ChangeSet, Changes, Turn};
use hufu_wire::{HolderIndex, Sequence, UnixMillis};

use crate::fault::SyncFault;
use crate::follower::Follower;
use crate::words::Words;

impl<W: Words> Follower<W> {
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
        self.words.make_room(set.content.changes).map_err(refused)?;
        keep(&tip);
        for step in steps(set.content.changes, tip.sequence) {
            self.take(step).map_err(refused)?;
        }
        self.tip = tip;
        self.hear_announced(now);
        Ok(())
    }

    fn take(&mut self, step: Step) -> Result<(), TableFault> {
        match step {
            Step::Change(holder, change) => {
                let before = self.words.word(holder);
                self.words.change(holder, change)?;
                self.counters.count(Turn::of(before, change.apply(before)));
                Ok(())
            }
            Step::Advance(sequence) => self.words.advance(sequence, self.heard),
        }
    }
}

/// One thing that readers can see of a set that is being applied.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A holder's word.
    Change(HolderIndex, Change),
    /// The sequence that the words are at.
    Advance(Sequence),
}

/// What applying a set is, in order. The words first, then the sequence: who reads the sequence sees the words
/// (`table::Writer`, Release).
fn steps(changes: Changes<'_>, sequence: Sequence) -> impl Iterator<Item = Step> {
    let words = changes.iter().map(|(holder, change)| Step::Change(holder, change));
    words.chain(core::iter::once(Step::Advance(sequence)))
}

#[cfg(test)]
mod tests {
    use hufu_codes::chain::Authorities;
    use hufu_table::{Limits, Table};
    use hufu_wire::chain::Record;
    use hufu_wire::{Colour, IssuerId, StatusWord};

    use super::*;

    const ISSUER: IssuerId = IssuerId(110_000);
    const HOLDERS: u32 = 5;

    /// Every schedule of a reader beside the writer: it looks after each single store of three sets. Whatever sequence
    /// it reads, every word of that sequence is there, whatever comes next. Two threads would meet by chance only.
    #[test]
    fn r22_no_reader_is_told_a_sequence_before_its_last_word() {
        let table = Table::new(Limits::for_holders(1, 1_000_000)).unwrap();
        let authorities = Authorities::new(ISSUER, IssuerId(100_000), IssuerId(900_001)).unwrap();
        let mut follower = Follower::new(table.writer(ISSUER).unwrap(), authorities).unwrap();
        let (reader, slot) = (table.reader(), follower.words.slot());
        let mut looks = 0;
        for sequence in 1..=3_u8 {
            let change = Change::Word(StatusWord::new(Colour::Red, sequence));
            // Neighbours, and holders of another segment.
            let at = |n: u32| HolderIndex(n * 100_000);
            let records: Vec<_> = (0..HOLDERS).map(|n| Record::new(at(n), change)).collect();
            let changes = Changes::new(&records).unwrap();
            Words::make_room(&mut follower.words, changes).unwrap();
            for step in steps(changes, Sequence(sequence.into())) {
                follower.take(step).unwrap();
                let seen = reader.as_of(slot).sequence.0;
                let generations = (0..HOLDERS).map(|n| u64::from(reader.lookup(slot, at(n)).generation()));
                assert!(generations.min() >= Some(seen), "{seen} is read after {step:?}");
                looks += 1;
            }
            assert_eq!(
                reader.as_of(slot).sequence,
                Sequence(sequence.into()),
                "and it can be read in the end"
            );
        }
        assert_eq!(looks, 3 * (HOLDERS + 1));
    }
}
