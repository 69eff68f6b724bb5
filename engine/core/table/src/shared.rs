//! The words, and what stands beside them.

use std::sync::Arc;

use hufu_wire::HolderIndex;

use crate::budget::Budget;
use crate::fault::TableFault;
use crate::head::Head;
use crate::issuers::{Issuers, Slot};
use crate::limits::Limits;
use crate::published::Published;
use crate::segment::{ISSUER_SEGMENTS, place};
use crate::sync::AtomicU64;

/// What readers and writers share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) budget: Arc<Budget>,
    pub(crate) issuers: Issuers,
    pub(crate) heads: Box<[Head]>,
    directories: Box<[Directory]>,
}

/// Where the segments of one issuer are.
pub(crate) type Directory = [Published; ISSUER_SEGMENTS];

impl Shared {
    /// Of an empty table.
    pub(crate) fn new(limits: Limits) -> Result<Shared, TableFault> {
        limits.check()?;
        Ok(Shared {
            limits,
            budget: Budget::new(limits.bytes_max),
            issuers: Issuers::new(limits.issuers_max),
            heads: (0..limits.issuers_max).map(|_| Head::new()).collect(),
            directories: directory::empty(limits.issuers_max)?,
        })
    }

    /// The word of a holder, if its segment exists.
    #[inline]
    pub(crate) fn word(&self, slot: Slot, holder: HolderIndex) -> Option<&AtomicU64> {
        let (segment, word) = place(holder);
        self.directories.get(slot.index())?.get(segment)?.get()?.get(word)
    }

    /// Where the segments of the issuer in this slot are; `None` for a slot of another table.
    pub(crate) fn directory(&self, slot: Slot) -> Option<&Directory> {
        self.directories.get(slot.index())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Only slots in use: walking the others would make their untouched memory resident.
        let used = self.issuers.count();
        self.directories[..used].iter_mut().flatten().for_each(Published::free);
    }
}

#[cfg(not(loom))]
mod directory {
    use std::alloc::{Layout, alloc_zeroed};
    use std::{io, ptr};

    use super::Directory;
    use crate::fault::TableFault;

    /// Memory straight from the allocator's zeroed pages: most of it is never touched.
    #[expect(unsafe_code, reason = "collecting empty places would make 128 KiB an issuer resident")]
    pub(super) fn empty(issuers: usize) -> Result<Box<[Directory]>, TableFault> {
        let no_memory = || TableFault::NoMemory(io::ErrorKind::OutOfMemory.into());
        let layout = Layout::array::<Directory>(issuers).map_err(|_| no_memory())?;
        assert!(layout.size() > 0, "limits are checked: there is at least one issuer");
        // SAFETY: the size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            return Err(no_memory());
        }
        // SAFETY: allocated with this very layout, and all bits zero is the empty place of every `Published`.
        Ok(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(start.cast(), issuers)) })
    }
}

#[cfg(loom)]
mod directory {
    use super::{Directory, Published};
    use crate::fault::TableFault;

    #[expect(clippy::unnecessary_wraps, reason = "the machine's memory can run out")]
    pub(super) fn empty(issuers: usize) -> Result<Box<[Directory]>, TableFault> {
        Ok((0..issuers).map(|_| std::array::from_fn(|_| Published::empty())).collect())
    }
}
