//! From status words to values of a list and back (draft section 7).

use hufu_table::{Reader, Slot, TableFault, Writer};
use hufu_wire::{Colour, HolderIndex, StatusWord, UnixSeconds};

use crate::list::{Bits, StatusList};

/// The status type `VALID`.
pub const VALID: u8 = 0;
/// The status type `INVALID`.
pub const INVALID: u8 = 1;
/// The status type `SUSPENDED`.
pub const SUSPENDED: u8 = 2;

/// What amber is called for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amber {
    /// `SUSPENDED`: everyone who reads the list can tell it from red.
    #[default]
    Suspended,
    /// `INVALID`: a list of one bit, and amber is not told from red.
    Invalid,
}

impl Amber {
    /// Bits that its lists need.
    pub const fn bits(self) -> Bits {
        match self {
            Amber::Suspended => Bits::Two,
            Amber::Invalid => Bits::One,
        }
    }
}

/// A holder's value. Whose colour is unknown, or has ended, is invalid: a list has no word for doubt, and doubt must
/// not open a door (R07).
pub fn value_of(word: StatusWord, amber: Amber, now: UnixSeconds) -> u8 {
    let ended = word.until().is_some_and(|until| now >= until.starts());
    match (word.colour(), amber) {
        (Some(Colour::Green), _) if !ended => VALID,
        (Some(Colour::Amber), Amber::Suspended) if !ended => SUSPENDED,
        _ => INVALID,
    }
}

/// The word of a foreign holder: a colour and nothing else. What an application means by a value of its own is not known
/// here.
pub fn word_of(value: u8) -> StatusWord {
    match value {
        VALID => StatusWord::new(Colour::Green, 0),
        INVALID => StatusWord::new(Colour::Red, 0),
        SUSPENDED => StatusWord::new(Colour::Amber, 0),
        _ => StatusWord::UNKNOWN,
    }
}

/// The list of `entries` holders from `first` on.
pub fn collect(
    (reader, slot): (&Reader, Slot),
    first: HolderIndex,
    entries: u32,
    amber: Amber,
    now: UnixSeconds,
) -> StatusList {
    let word = |index: u32| {
        let holder = first.0.checked_add(index).map(HolderIndex);
        holder.map_or(StatusWord::UNKNOWN, |holder| reader.lookup(slot, holder))
    };
    StatusList::of(amber.bits(), (0..entries).map(|index| value_of(word(index), amber, now)))
}

/// Gives `entries` holders from `first` on what the list says, and no others: its last byte may have more. Returns how
/// many have changed. Readers see each word at once.
///
/// # Errors
/// [`TableFault`]: a holder has no room. Those before it have their new words.
pub fn apply(
    list: &StatusList,
    writer: &mut Writer,
    first: HolderIndex,
    entries: u64,
) -> Result<u64, TableFault> {
    let holders = u64::from(first.0)..u64::from(first.0).saturating_add(entries);
    let mut changed = 0;
    for (index, holder) in (0..).zip(holders) {
        let Ok(holder) = u32::try_from(holder) else { break };
        let word = list.get(index).map_or(StatusWord::UNKNOWN, word_of);
        changed += u64::from(set(writer, HolderIndex(holder), word)?);
    }
    Ok(changed)
}

/// Forgets what an expired list said of `entries` holders from `first` on. Red stays red (R22).
///
/// # Errors
/// Never for holders that [`apply`] has written.
pub fn forget(writer: &mut Writer, first: HolderIndex, entries: u64) -> Result<(), TableFault> {
    let holders = u64::from(first.0)..u64::from(first.0).saturating_add(entries);
    for holder in holders.map_while(|holder| u32::try_from(holder).ok()).map(HolderIndex) {
        if writer.word(holder).colour() != Some(Colour::Red) {
            set(writer, holder, StatusWord::UNKNOWN)?;
        }
    }
    Ok(())
}

fn set(writer: &mut Writer, holder: HolderIndex, word: StatusWord) -> Result<bool, TableFault> {
    let differs = writer.word(holder) != word;
    if differs {
        writer.set(holder, word)?;
    }
    Ok(differs)
}
