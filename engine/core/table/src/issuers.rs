//! Which issuer has which slot, and whose writer is in use.

use std::sync::PoisonError;

use hufu_wire::IssuerId;

use crate::fault::TableFault;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// An issuer's place in one table, found once by [`Reader::slot`](crate::Reader::slot) and then used for every
/// look-up. Slots stay valid as long as the table; in another table a slot means another issuer or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(u16);

/// Open addressing: each entry is one word with the issuer and its slot, so that a reader sees both or neither.
/// At most half of the entries are used and none is ever removed.
pub(crate) struct Issuers {
    entries: Box<[AtomicU64]>,
    limit: usize,
    /// For each slot in use, whether its writer is; registering happens under this lock.
    writer_taken: Mutex<Vec<bool>>,
}

impl Slot {
    #[inline]
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Issuers {
    pub(crate) fn new(issuers_max: usize) -> Issuers {
        let entries = (2 * issuers_max).next_power_of_two();
        Issuers {
            entries: (0..entries).map(|_| AtomicU64::new(EMPTY)).collect(),
            limit: issuers_max,
            writer_taken: Mutex::new(Vec::new()),
        }
    }

    /// The issuer's slot. Takes no lock.
    #[inline]
    pub(crate) fn find(&self, issuer: IssuerId) -> Option<Slot> {
        match self.probe(issuer) {
            Probe::Found(slot) => Some(slot),
            Probe::Vacant(_) | Probe::Full => None,
        }
    }

    /// Every issuer and its slot, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (IssuerId, Slot)> {
        // Relaxed: as in Issuers::probe.
        self.entries.iter().filter_map(|entry| unpack(entry.load(Ordering::Relaxed)))
    }

    /// Slots in use.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Takes the issuer's writer, giving the issuer a slot if it has none.
    pub(crate) fn take(&self, issuer: IssuerId) -> Result<Slot, TableFault> {
        let mut writer_taken = self.lock();
        let slot = match self.probe(issuer) {
            Probe::Found(slot) if writer_taken[slot.index()] => {
                return Err(TableFault::WriterTaken { issuer });
            }
            Probe::Found(slot) => slot,
            Probe::Vacant(entry) if writer_taken.len() < self.limit => {
                #[expect(clippy::cast_possible_truncation, reason = "at most ISSUERS_MAX, 1024")]
                let slot = Slot(writer_taken.len() as u16);
                writer_taken.push(false);
                // Relaxed: as in Issuers::probe.
                self.entries[entry].store(pack(issuer, slot), Ordering::Relaxed);
                slot
            }
            Probe::Vacant(_) | Probe::Full => {
                return Err(TableFault::TooManyIssuers { issuer, issuers_max: self.limit });
            }
        };
        writer_taken[slot.index()] = true;
        Ok(slot)
    }

    /// Gives the writer back, so that another may be taken.
    pub(crate) fn give_back(&self, slot: Slot) {
        self.lock()[slot.index()] = false;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<bool>> {
        // Every step under this lock leaves the list whole, so a panic elsewhere poisons nothing.
        self.writer_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn probe(&self, issuer: IssuerId) -> Probe {
        let mask = self.entries.len() - 1;
        let start = spread(issuer);
        for step in 0..self.entries.len() {
            let entry = (start + step) & mask;
            // Relaxed: the entry is the whole message. What its slot leads to was there before anybody could share
            // the table, and carries its own orderings.
            match unpack(self.entries[entry].load(Ordering::Relaxed)) {
                Some((found, slot)) if found == issuer => return Probe::Found(slot),
                Some(_) => {}
                None => return Probe::Vacant(entry),
            }
        }
        Probe::Full
    }
}

enum Probe {
    Found(Slot),
    Vacant(usize),
    Full,
}

const EMPTY: u64 = 0;

/// Administrative codes end in zeroes; a multiplication spreads them over the entries (Fibonacci hashing).
fn spread(issuer: IssuerId) -> usize {
    (issuer.0.wrapping_mul(0x9E37_79B9) >> 16) as usize
}

fn pack(issuer: IssuerId, slot: Slot) -> u64 {
    u64::from(issuer.0) << 32 | (u64::from(slot.0) + 1)
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves that pack put together")]
fn unpack(entry: u64) -> Option<(IssuerId, Slot)> {
    (entry != EMPTY).then(|| (IssuerId((entry >> 32) as u32), Slot((entry as u32 - 1) as u16)))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use hufu_wire::limits::ISSUERS_MAX;

    #[test]
    fn as_many_issuers_as_the_protocol_allows_find_their_slots_and_no_more() {
        let issuers = Issuers::new(ISSUERS_MAX);
        let id = |n: usize| IssuerId(u32::try_from(n * 10_000).unwrap());
        for n in 0..ISSUERS_MAX {
            assert_eq!(issuers.find(id(n)), None);
            assert_eq!(issuers.take(id(n)).unwrap().index(), n);
        }
        assert!(matches!(issuers.take(id(ISSUERS_MAX)), Err(TableFault::TooManyIssuers { .. })));
        assert!((0..ISSUERS_MAX).all(|n| issuers.find(id(n)).map(Slot::index) == Some(n)));
        assert_eq!(issuers.find(id(ISSUERS_MAX)), None);
        assert_eq!(issuers.all().count(), ISSUERS_MAX);
    }

    #[test]
    fn an_issuer_numbered_zero_is_not_an_empty_entry() {
        let issuers = Issuers::new(1);
        assert_eq!(issuers.find(IssuerId(0)), None);
        let slot = issuers.take(IssuerId(0)).unwrap();
        assert_eq!(issuers.find(IssuerId(0)), Some(slot));
        assert_eq!(issuers.find(IssuerId(u32::MAX)), None);
    }
}
