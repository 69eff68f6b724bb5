//! What happens to one holder, sixteen bytes each.

use core::mem::size_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::HolderIndex;
use crate::limits;
use crate::message::Malformed;
use crate::status::StatusWord;

/// What becomes of one holder's status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another word, whole; [`StatusWord::UNKNOWN`] forgets the holder.
    Word(StatusWord),
    /// Another credential generation; colour, test, doses and end stay (a lost phone).
    Generation(u8),
    /// Another colour, test, doses and end; the credential generation stays. The word's own generation is 0.
    ///
    /// What an authority decides about a colour must not bring back the phone that was reported lost while the
    /// decision waited for its confirmation.
    Status(StatusWord),
}

/// One change as it travels. [`Changes::new`] says whether records go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Record {
    holder: U32,
    kind: u8,
    generation: u8,
    zero: U16,
    word: U64,
}

/// The changes of one set: at least one, by strictly rising holder, each in its only spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes<'a>(&'a [Record]);

const _: () = assert!(size_of::<Record>() == Record::BYTES);

const WORD: u8 = 1;
const GENERATION: u8 = 2;
const STATUS: u8 = 3;

impl Change {
    /// The word of a holder whose word was `held`. A holder who was unknown and gets a generation stays unknown.
    #[must_use]
    pub const fn apply(self, held: StatusWord) -> StatusWord {
        match self {
            Change::Word(word) => word,
            Change::Generation(generation) => held.with_generation(generation),
            Change::Status(word) => word.with_generation(held.generation()),
        }
    }
}

impl Record {
    /// Bytes of one change.
    pub const BYTES: usize = 16;

    /// The change of one holder.
    pub fn new(holder: HolderIndex, change: Change) -> Record {
        let (kind, generation, word) = match change {
            Change::Word(word) => (WORD, 0, word),
            Change::Generation(generation) => (GENERATION, generation, StatusWord::UNKNOWN),
            Change::Status(word) => (STATUS, 0, word),
        };
        Record { holder: holder.0.into(), kind, generation, zero: 0.into(), word: word.to_bits().into() }
    }

    /// Whose word changes.
    #[inline]
    pub fn holder(&self) -> HolderIndex {
        HolderIndex(self.holder.get())
    }

    /// What is wrong with this record by itself.
    fn fault(&self) -> Option<&'static str> {
        let word = StatusWord::from_bits(self.word.get());
        let spelt = match self.kind {
            WORD => self.generation == 0 && word.is_canonical(),
            GENERATION => word == StatusWord::UNKNOWN,
            STATUS => {
                self.generation == 0
                    && word.is_canonical()
                    && word.colour().is_some()
                    && word.generation() == 0
            }
            _ => return Some("unknown kind of change"),
        };
        if self.zero.get() != 0 {
            return Some("reserved bytes of a change are not zero");
        }
        if spelt { None } else { Some("a change is not in its only spelling") }
    }

    #[inline]
    fn change(&self) -> Change {
        let word = StatusWord::from_bits(self.word.get());
        match self.kind {
            WORD => Change::Word(word),
            GENERATION => Change::Generation(self.generation),
            // Changes::new lets no other kind in.
            _ => Change::Status(word),
        }
    }
}

impl<'a> Changes<'a> {
    /// The changes in `records`.
    ///
    /// # Errors
    /// [`Malformed`] when there are none or more than [`limits::CHANGES_MAX`], when holders do not strictly
    /// rise, or when one of them is not the only spelling of its meaning.
    pub fn new(records: &'a [Record]) -> Result<Changes<'a>, Malformed> {
        let malformed = |fault| Malformed { message: "change set", fault };
        if records.is_empty() {
            return Err(malformed("no changes"));
        }
        if records.len() > limits::CHANGES_MAX {
            return Err(malformed("too many changes"));
        }
        if !records.is_sorted_by(|a, b| a.holder() < b.holder()) {
            return Err(malformed("holders do not rise"));
        }
        match records.iter().find_map(Record::fault) {
            Some(fault) => Err(malformed(fault)),
            None => Ok(Changes(records)),
        }
    }

    /// How many there are: 1 to [`limits::CHANGES_MAX`].
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The greatest holder among them.
    pub fn last_holder(&self) -> HolderIndex {
        // There is at least one: Changes::new.
        self.0.last().map_or(HolderIndex(0), Record::holder)
    }

    /// Every change, by rising holder.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (HolderIndex, Change)> + Clone + use<'a> {
        self.0.iter().map(|record| (record.holder(), record.change()))
    }

    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Colour, TestResult};
    use crate::time::StatusMinute;

    const RED: StatusWord = StatusWord::new(Colour::Red, 0);

    fn check(case: &str, records: &[Record], fault: Option<&str>) {
        assert_eq!(Changes::new(records).err().map(|malformed| malformed.fault), fault, "{case}");
    }

    fn record(holder: u32, change: Change) -> Record {
        Record::new(HolderIndex(holder), change)
    }

    #[test]
    fn changes_come_back_as_they_were_given() {
        let changes = [
            (HolderIndex(7), Change::Word(RED.with_generation(3))),
            (HolderIndex(8), Change::Generation(4)),
            (HolderIndex(11), Change::Status(RED)),
        ];
        let records = changes.map(|(holder, change)| Record::new(holder, change));
        let read = Changes::new(&records).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), changes);
        assert_eq!((read.len(), read.last_holder()), (3, HolderIndex(11)));
    }

    #[test]
    fn changes_rise_and_have_one_spelling() {
        let spelling = Some("a change is not in its only spelling");
        let fine = record(7, Change::Word(RED));
        let minute = StatusMinute::new(9).unwrap();
        let odd = |bits| Change::Word(StatusWord::from_bits(bits));
        check("one", &[fine], None);
        check("all kinds", &[fine, record(8, Change::Generation(0)), record(9, Change::Status(RED))], None);
        check("a holder is forgotten", &[record(0, Change::Word(StatusWord::UNKNOWN))], None);
        check("none", &[], Some("no changes"));
        check("the same holder twice", &[fine, fine], Some("holders do not rise"));
        check("falling", &[fine, record(6, Change::Word(RED))], Some("holders do not rise"));
        check("no colour", &[record(7, odd(7))], spelling);
        check("unknown with bits", &[record(7, odd(8))], spelling);
        check(
            "a minute without a test",
            &[record(7, Change::Word(RED.with_test(minute, TestResult::None)))],
            spelling,
        );
        check(
            "a status that names a generation",
            &[record(7, Change::Status(RED.with_generation(1)))],
            spelling,
        );
        check("a status that forgets", &[record(7, Change::Status(StatusWord::UNKNOWN))], spelling);
        check("a word with a generation beside it", &[Record { generation: 1, ..fine }], spelling);
        check("a generation with a word", &[Record { kind: GENERATION, ..fine }], spelling);
        check("no kind", &[Record { kind: 0, ..fine }], Some("unknown kind of change"));
        check("a fourth kind", &[Record { kind: 4, ..fine }], Some("unknown kind of change"));
        check(
            "reserved bytes",
            &[Record { zero: 1.into(), ..fine }],
            Some("reserved bytes of a change are not zero"),
        );
    }

    #[test]
    fn a_generation_keeps_the_colour_and_a_status_keeps_the_generation() {
        let held = RED.with_generation(3).with_doses(2);
        let green = StatusWord::new(Colour::Green, 0);
        assert_eq!(Change::Generation(4).apply(held), held.with_generation(4));
        assert_eq!(Change::Status(green).apply(held), green.with_generation(3));
        assert_eq!(Change::Word(green).apply(held), green);
        assert_eq!(Change::Generation(4).apply(StatusWord::UNKNOWN).colour(), None, "still unknown");
    }
}
