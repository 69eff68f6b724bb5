//! Where the changes of a chain go.

use hufu_table::{TableFault, Writer};
use hufu_wire::chain::{Change, Changes};
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};

/// The words of one issuer that a [`Follower`](crate::Follower) keeps current. An engine has the status table; a gate
/// without a network has something smaller.
pub trait Words {
    /// Whose words they are.
    fn issuer(&self) -> IssuerId;

    /// The sequence that they are at.
    fn sequence(&self) -> Sequence;

    /// Makes room for every holder of `changes`, or for none: applying them cannot fail afterwards. No word changes.
    ///
    /// # Errors
    /// [`TableFault::HolderOutOfRange`], [`TableFault::Full`], [`TableFault::NoMemory`].
    fn make_room(&mut self, changes: Changes<'_>) -> Result<(), TableFault>;

    /// A holder's word, as far as it is kept here.
    fn word(&self, holder: HolderIndex) -> StatusWord;

    /// Changes the word of one holder.
    ///
    /// # Errors
    /// Those of [`make_room`](Self::make_room), where no room was made.
    fn change(&mut self, holder: HolderIndex, change: Change) -> Result<(), TableFault>;

    /// The words now include every change up to `sequence`, and their head was made at `heard`.
    ///
    /// # Errors
    /// [`TableFault::Rollback`] when `sequence` is older than what is here.
    fn advance(&mut self, sequence: Sequence, heard: UnixMillis) -> Result<(), TableFault>;

    /// A head made at this time names the sequence that the words are at.
    fn heard(&mut self, heard: UnixMillis);
}

impl Words for Writer {
    fn issuer(&self) -> IssuerId {
        Writer::issuer(self)
    }

    fn sequence(&self) -> Sequence {
        Writer::sequence(self)
    }

    fn make_room(&mut self, changes: Changes<'_>) -> Result<(), TableFault> {
        self.make_room_for(changes.iter().map(|(holder, _)| holder))
    }

    fn word(&self, holder: HolderIndex) -> StatusWord {
        Writer::word(self, holder)
    }

    fn change(&mut self, holder: HolderIndex, change: Change) -> Result<(), TableFault> {
        self.set(holder, change.apply(self.word(holder)))
    }

    fn advance(&mut self, sequence: Sequence, heard: UnixMillis) -> Result<(), TableFault> {
        Writer::advance(self, sequence, heard)
    }

    fn heard(&mut self, heard: UnixMillis) {
        Writer::heard(self, heard);
    }
}

#[cfg(test)]
mod tests {
    use hufu_table::{Limits, SEGMENT_BYTES, Table};
    use hufu_wire::Colour;
    use hufu_wire::chain::Record;

    use super::*;

    #[test]
    fn r22_a_set_that_finds_no_room_takes_none_from_other_issuers() {
        let limits = Limits { bytes_max: SEGMENT_BYTES as u64, ..Limits::for_holders(2, 1) };
        let table = Table::new(limits).unwrap();
        let [mut full, mut other] = [110_000, 310_000].map(|issuer| table.writer(IssuerId(issuer)).unwrap());
        let red = Change::Word(StatusWord::new(Colour::Red, 1));
        let records = [0, 300_000].map(|holder| Record::new(HolderIndex(holder), red));
        let changes = Changes::new(&records).unwrap();
        assert!(matches!(Words::make_room(&mut full, changes), Err(TableFault::Full { .. })));
        Words::make_room(&mut other, Changes::new(&records[..1]).unwrap()).unwrap();
    }
}
