//! The one hand that changes an issuer's words.

use std::fmt;
use std::sync::Arc;

use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};

use crate::budget::Reservation;
use crate::fault::TableFault;
use crate::head::Head;
use crate::issuers::Slot;
use crate::reader::Reader;
use crate::segment::{SEGMENT_BYTES, Segment, place};
use crate::shared::{Directory, Shared};
use crate::sync::{AtomicU64, Ordering};

/// Writes one issuer's words. There is one at a time; dropping it lets another be taken, and what was written
/// stays. A change set is applied as: every word with [`set`](Self::set), then [`advance`](Self::advance).
///
/// ```compile_fail,E0599
/// # use hufu_table::{Limits, Table};
/// # let table = Table::new(Limits::for_holders(1, 1)).unwrap();
/// let writer = table.writer(hufu_wire::IssuerId(11)).unwrap();
/// let second = writer.clone();
/// ```
pub struct Writer {
    shared: Arc<Shared>,
    issuer: IssuerId,
    slot: Slot,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, issuer: IssuerId, slot: Slot) -> Writer {
        Writer { shared, issuer, slot }
    }

    /// Whose words these are.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// Where readers find them.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The sequence the words are at.
    pub fn sequence(&self) -> Sequence {
        self.head().sequence()
    }

    /// A reader of the whole table.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Gives a holder another status. Readers may see it at once; they can rely on it from
    /// [`advance`](Self::advance) on.
    ///
    /// # Errors
    /// [`TableFault::HolderOutOfRange`]; [`TableFault::Full`] or [`TableFault::NoMemory`] when the first word of a
    /// new segment finds no room. The holder keeps the status it had.
    pub fn set(&mut self, holder: HolderIndex, word: StatusWord) -> Result<(), TableFault> {
        self.admit_holder(holder)?;
        if let Some(held) = self.shared.word(self.slot, holder) {
            change(held, word.to_bits());
            return Ok(());
        }
        if word == StatusWord::UNKNOWN {
            return Ok(());
        }
        self.set_first(holder, word)
    }

    /// The status that a holder has now.
    pub fn word(&self, holder: HolderIndex) -> StatusWord {
        let word = self.shared.word(self.slot, holder);
        // Relaxed: written by this writer, or before it was handed on.
        word.map_or(StatusWord::UNKNOWN, |word| StatusWord::from_bits(word.load(Ordering::Relaxed)))
    }

    /// Makes room for a holder: the next [`set`](Self::set) of this holder, and of every other one of the same
    /// segment, cannot fail. No status changes.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn make_room(&mut self, holder: HolderIndex) -> Result<(), TableFault> {
        self.make_room_for([holder])
    }

    /// As [`make_room`](Self::make_room), for all of these holders or for none of them: what changes many asks for all
    /// of its room first.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn make_room_for(
        &mut self,
        holders: impl IntoIterator<Item = HolderIndex>,
    ) -> Result<(), TableFault> {
        let mut missing = Vec::new();
        for holder in holders {
            self.admit_holder(holder)?;
            let (segment, _) = place(holder);
            if missing.last() != Some(&segment) && self.shared.word(self.slot, holder).is_none() {
                missing.push(segment);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        missing.dedup();
        // A published segment is never given back, so all of them are there before the first is published.
        let mut room = self.reserve((missing.len() * SEGMENT_BYTES) as u64)?;
        let fresh: Result<Vec<_>, _> = missing.iter().map(|_| Segment::unknown()).collect();
        for (segment, fresh) in missing.into_iter().zip(fresh.map_err(TableFault::NoMemory)?) {
            // A segment in which every holder is unknown says what no segment says.
            self.directory()[segment].publish(fresh, room.split(SEGMENT_BYTES as u64));
        }
        Ok(())
    }

    /// The words now include every change up to `sequence`, whose head was made at `heard`.
    ///
    /// # Errors
    /// [`TableFault::Rollback`] when `sequence` is older than what is here; nothing changes then (R22).
    pub fn advance(&mut self, sequence: Sequence, heard: UnixMillis) -> Result<(), TableFault> {
        self.admit(sequence)?;
        self.head().advance(sequence);
        self.head().hear(heard);
        Ok(())
    }

    /// A head made at this time names the sequence the words are at: nothing has changed since. A head that
    /// names a later sequence is not for here until its changes are.
    pub fn heard(&mut self, heard: UnixMillis) {
        self.head().hear(heard);
    }

    pub(crate) fn admit(&self, offered: Sequence) -> Result<(), TableFault> {
        let held = self.sequence();
        if offered < held {
            return Err(TableFault::Rollback { issuer: self.issuer, held, offered });
        }
        Ok(())
    }

    pub(crate) fn admit_holder(&self, holder: HolderIndex) -> Result<(), TableFault> {
        let holders_max = self.shared.limits.holders_max;
        if u64::from(holder.0) >= holders_max {
            return Err(TableFault::HolderOutOfRange { holder, holders_max });
        }
        Ok(())
    }

    /// The first known holder of a segment brings the segment with it.
    fn set_first(&mut self, holder: HolderIndex, word: StatusWord) -> Result<(), TableFault> {
        let (segment, offset) = place(holder);
        let room = self.reserve(SEGMENT_BYTES as u64)?;
        let fresh = Segment::unknown().map_err(TableFault::NoMemory)?;
        // Relaxed: nobody sees the segment before Published::publish.
        fresh[offset].store(word.to_bits(), Ordering::Relaxed);
        self.directory()[segment].publish(fresh, room);
        Ok(())
    }

    pub(crate) fn reserve(&self, bytes: u64) -> Result<Reservation, TableFault> {
        self.shared.budget.reserve(bytes)
    }

    pub(crate) fn head(&self) -> &Head {
        // The slot was given by this very table.
        &self.shared.heads[self.slot.index()]
    }

    pub(crate) fn directory(&self) -> &Directory {
        // The slot was given by this very table.
        self.shared.directory(self.slot).expect("a writer's slot has a directory")
    }
}

/// Gives a holder another word.
#[inline]
pub(crate) fn change(held: &AtomicU64, bits: u64) {
    // Release: pairs with Acquire in Reader::lookup and Reader::lookup_batch.
    held.store(bits, Ordering::Release);
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.issuers.give_back(self.slot);
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("issuer", &self.issuer)
            .field("sequence", &self.sequence())
            .finish_non_exhaustive()
    }
}
