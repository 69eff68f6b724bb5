//! The side that receives records: each once, however often they are sent.

use std::collections::BTreeMap;

use hufu_wire::DeviceId;

use crate::record::{BookId, Handover, OfflineRecord};

/// The highest counter that was taken of each device. Keep it with the records, in one transaction: what is taken and
/// not remembered is taken twice, what is remembered and not kept is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    taken: BTreeMap<(DeviceId, BookId), u64>,
}

/// Counters that never came: the device's records were lost, or another engine has them. Tell the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The first of them.
    pub from: u64,
    /// How many there are.
    pub count: u64,
}

impl Ledger {
    /// The records of a handover that are new, and what is missing before them. `device` is whose session it came in.
    pub fn fresh<'h>(
        &self,
        device: DeviceId,
        handover: &'h Handover,
    ) -> (&'h [OfflineRecord], Option<Missing>) {
        let next = self.next(device, handover.book);
        let known = usize::try_from(next.saturating_sub(handover.first)).unwrap_or(usize::MAX);
        let fresh = handover.records.get(known..).unwrap_or_default();
        let count = handover.first.saturating_sub(next);
        let missing = (count > 0 && !fresh.is_empty()).then_some(Missing { from: next, count });
        (fresh, missing)
    }

    /// The records of a handover are kept. Returns the counter up to which the device may forget its own.
    pub fn keep(&mut self, device: DeviceId, handover: &Handover) -> u64 {
        let taken = self.taken.entry((device, handover.book)).or_default();
        *taken = (*taken).max(handover.last().unwrap_or(0));
        *taken
    }

    fn next(&self, device: DeviceId, book: BookId) -> u64 {
        self.taken.get(&(device, book)).map_or(1, |taken| taken + 1)
    }
}
