//! Where the changes of a chain go.

use hufu_table::{SEGMENT_WORDS, TableFault, Writer};
use hufu_wire::chain::{Change, Changes};
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};

/// The words of one issuer that a [`Follower`](crate::Follower) keeps current. An engine has the status table; a gate
/// without a network has something smaller.
pub trait Words {
    /// Whose words they are.
    fn issuer(&self) -> IssuerId;

    /// The sequence that they are at.
    fn sequence(&self) -> Sequence;

    /// Makes room for every holder of `changes`: applying them cannot fail afterwards. No word changes.
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
        // The greatest holder first: one who is out of range is refused before room is made for others.
        Writer::make_room(self, changes.last_holder())?;
        let mut made_for = None;
        for (holder, _) in changes.iter() {
            let segment = holder.0 / SEGMENT_HOLDERS;
            if made_for != Some(segment) {
                Writer::make_room(self, holder)?;
                made_for = Some(segment);
            }
        }
        Ok(())
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

#[expect(clippy::cast_possible_truncation, reason = "2^18")]
const SEGMENT_HOLDERS: u32 = SEGMENT_WORDS as u32;
