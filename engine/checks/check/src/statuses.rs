//! What a check reads of the status table.

use hufu_table::{AsOf, Reader};
use hufu_wire::{HolderIndex, IssuerId, StatusWord};

/// The part of [`Reader`] that a check uses. An engine has the table; a gate without a network has something smaller;
/// a test changes the table between two reads, because a verdict must read how current the words are before it reads
/// the words.
pub trait Statuses {
    /// Where the holders of one issuer are.
    type Slot: Copy;

    /// As [`Reader::slot`].
    fn slot(&self, issuer: IssuerId) -> Option<Self::Slot>;
    /// As [`Reader::as_of`].
    fn as_of(&self, slot: Self::Slot) -> AsOf;
    /// As [`Reader::lookup_batch`].
    fn lookup_batch(&self, holders: &[(Self::Slot, HolderIndex)], words: &mut [StatusWord]);
}

impl Statuses for Reader {
    type Slot = hufu_table::Slot;

    #[inline]
    fn slot(&self, issuer: IssuerId) -> Option<Self::Slot> {
        Reader::slot(self, issuer)
    }

    #[inline]
    fn as_of(&self, slot: Self::Slot) -> AsOf {
        Reader::as_of(self, slot)
    }

    #[inline]
    fn lookup_batch(&self, holders: &[(Self::Slot, HolderIndex)], words: &mut [StatusWord]) {
        Reader::lookup_batch(self, holders, words);
    }
}

#[cfg(test)]
pub(crate) mod moving {
    use core::cell::{Cell, RefCell};

    use hufu_table::{Limits, Slot, Table, Writer};
    use hufu_wire::{Colour, Sequence, UnixMillis};

    use super::*;

    pub(crate) const ISSUER: IssuerId = IssuerId(310_000);
    /// Holders 0 to 4 have words.
    pub(crate) const HOLDERS: u32 = 5;
    /// When the table heard of its first change; each later change is a second later.
    pub(crate) const BEGUN: UnixMillis = UnixMillis(1_790_000_000_000);

    /// A table that takes one more change after each read. Change `n` gives each holder generation `n`, is
    /// sequence `n`, and is heard at second `n`.
    pub(crate) struct Moving {
        reader: Reader,
        writer: RefCell<Writer>,
        changes: Cell<u8>,
    }

    impl Moving {
        pub(crate) fn new() -> Moving {
            let table = Table::new(Limits::for_holders(1, 1000)).unwrap();
            let writer = RefCell::new(table.writer(ISSUER).unwrap());
            let moving = Moving { reader: table.reader(), writer, changes: Cell::new(0) };
            moving.change();
            moving
        }

        /// The changes that the table has taken.
        pub(crate) fn changes(&self) -> u8 {
            self.changes.get()
        }

        fn change(&self) {
            let change = self.changes.get() + 1;
            let mut writer = self.writer.borrow_mut();
            let colour = if change == 1 { Colour::Green } else { Colour::Red };
            for holder in 0..HOLDERS {
                writer.set(HolderIndex(holder), StatusWord::new(colour, change)).unwrap();
            }
            let heard = UnixMillis(BEGUN.0 + 1000 * u64::from(change));
            writer.advance(Sequence(change.into()), heard).unwrap();
            self.changes.set(change);
        }
    }

    impl Statuses for Moving {
        type Slot = Slot;

        fn slot(&self, issuer: IssuerId) -> Option<Slot> {
            self.reader.slot(issuer)
        }

        fn as_of(&self, slot: Slot) -> AsOf {
            let as_of = self.reader.as_of(slot);
            self.change();
            as_of
        }

        fn lookup_batch(&self, holders: &[(Slot, HolderIndex)], words: &mut [StatusWord]) {
            self.reader.lookup_batch(holders, words);
            self.change();
        }
    }
}
